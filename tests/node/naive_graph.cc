// SPDX-License-Identifier: Apache-2.0
#include "tests/node/naive_graph.h"

#include <vector>

namespace gh::test {

using namespace authz::node;

NaiveGraph::Vertex NaiveGraph::vertex(Kind kind, std::string space, std::string name) {
  return {static_cast<int>(kind), std::move(space), std::move(name)};
}

NaiveGraph::Vertex NaiveGraph::vertex(const Key& key) {
  return vertex(key.kind, std::string(key.namespace_), std::string(key.name));
}

void NaiveGraph::remove(const Vertex& vertex) {
  std::erase_if(edges_, [&](const auto& edge) {
    return edge.first == vertex || edge.second == vertex;
  });
}

void NaiveGraph::store(const Pod& pod, const Object* old) {
  if (pod.node.empty()) return;
  if (old != nullptr) {
    const Pod& before = std::get<Pod>(*old);
    if (before.node == pod.node && before.uid == pod.uid &&
        pod.ephemeral_containers <= before.ephemeral_containers &&
        before.claim_statuses == pod.claim_statuses) {
      return;
    }
  }
  const Vertex self = vertex(Kind::pod, pod.namespace_, pod.name);
  remove(self);
  edge(self, node_vertex(pod.node));
  if (pod.mirror) return;
  const auto refer = [&](Kind kind, const std::string& name) {
    edge(vertex(kind, pod.namespace_, name), self);
  };
  if (!pod.service_account.empty()) refer(Kind::service_account, pod.service_account);
  for (const auto& name : pod.secrets) refer(Kind::secret, name);
  for (const auto& name : pod.config_maps) refer(Kind::config_map, name);
  for (const auto& name : pod.volume_claims) refer(Kind::persistent_volume_claim, name);
  for (const auto& name : pod.resource_claims) refer(Kind::resource_claim, name);
}

void NaiveGraph::store(const PersistentVolume& volume) {
  const Vertex self = vertex(Kind::persistent_volume, "", volume.name);
  remove(self);
  if (!volume.claim) return;
  edge(self, vertex(Kind::persistent_volume_claim, volume.claim->first, volume.claim->second));
  for (const auto& [space, name] : volume.secrets) edge(vertex(Kind::secret, space, name), self);
}

void NaiveGraph::store(const Vertex& vertex, const std::string& node) {
  remove(vertex);
  if (!node.empty()) edge(vertex, node_vertex(node));
}

void NaiveGraph::apply(Event event, const Object& object) {
  const Key key = key_of(object);
  const Vertex self = vertex(key);
  if (key.kind == Kind::pod_certificate_request && !features_.pod_certificate_request) return;
  const auto found = seen_.find(self);
  const Object* const old = found == seen_.end() ? nullptr : &found->second;
  const Pod* const pod = std::get_if<Pod>(&object);
  if (event == Event::deleted) {
    // (Of what it never saw, an informer tells no deletion; here it takes out what there may be.)
    if (pod == nullptr || !pod->node.empty()) remove(self);
    seen_.erase(self);
    return;
  }
  if (pod != nullptr) {
    store(*pod, old);
  } else if (const auto* volume = std::get_if<PersistentVolume>(&object)) {
    store(*volume);
  } else if (const auto* attachment = std::get_if<VolumeAttachment>(&object)) {
    store(self, attachment->node);
  } else if (const auto* slice = std::get_if<ResourceSlice>(&object)) {
    if (old == nullptr) store(self, slice->node);
  } else if (old == nullptr) {
    store(self, std::get<PodCertificateRequest>(object).node);
  }
  seen_.insert_or_assign(self, object);
}

void NaiveGraph::forget(const Key& key) {
  remove(vertex(key));
  seen_.erase(vertex(key));
}

bool NaiveGraph::reaches(const std::string& node, const Key& key) const {
  std::set<Vertex> seen;
  std::vector<Vertex> todo = {vertex(key)};
  while (!todo.empty()) {
    const Vertex here = todo.back();
    todo.pop_back();
    if (here == node_vertex(node)) return true;
    if (!seen.insert(here).second) continue;
    for (const auto& [from, to] : edges_) {
      if (from == here) todo.push_back(to);
    }
  }
  return false;
}

}  // namespace gh::test
