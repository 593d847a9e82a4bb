// SPDX-License-Identifier: Apache-2.0
#include "authz/node/graph.h"

#include "base/assert.h"
#include "base/limits.h"

#include <algorithm>
#include <random>
#include <utility>

namespace gh::authz::node {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

bool is_bounded(std::string_view name) { return name.size() <= limits::node_graph_name_bytes_max; }

bool is_bounded(const Key& key) { return is_bounded(key.namespace_) && is_bounded(key.name); }

std::string_view node_of(const Object& object) {
  return std::visit(
      [](const auto& one) -> std::string_view {
        if constexpr (requires { one.node; }) {
          return one.node;
        } else {
          return {};
        }
      },
      object
  );
}

}  // namespace

Graph::Graph(Features features)
    : features_(features), seed_(random_seed()), objects_(seed_), node_names_(0, TextHash{seed_}) {}

Graph::Size Graph::size() const noexcept {
  return {
      node_names_.size(), pods_.size(), volumes_.size(), others_.size(), objects_.size(), dropped_
  };
}

void Graph::apply(Event event, const Object& object) {
  const Key key = key_of(object);
  if (!is_bounded(key) || !is_bounded(node_of(object))) {
    ++dropped_;
    return forget(key);
  }
  if (event != Event::deleted) return std::visit([this](const auto& one) { store(one); }, object);
  const auto* const pod = std::get_if<Pod>(&object);
  if (pod == nullptr || !pod->node.empty()) return forget(key);
  // Kubernetes leaves what such a pod gave where it is; the next state is taken as a new pod's.
  if (const auto state = pods_.find(objects_.find(key)); state != pods_.end()) {
    state->second.comparable = false;
  }
}

void Graph::forget(const Key& object) {
  const Id id = objects_.find(object);
  if (id == no_id) return;
  switch (object.kind) {
    case Kind::pod:
      return forget_pod(id);
    case Kind::persistent_volume:
      return forget_volume(id);
    case Kind::volume_attachment:
    case Kind::resource_slice:
    case Kind::pod_certificate_request:
      return forget_other(id);
    case Kind::config_map:
    case Kind::persistent_volume_claim:
    case Kind::resource_claim:
    case Kind::secret:
    case Kind::service_account:
      return;  // known by what refers to them only
  }
}

// ---- pods ----

bool Graph::unchanged(const PodState& state, const Pod& pod, std::string_view node) {
  return state.comparable && node == pod.node && state.uid == pod.uid &&
         pod.ephemeral_containers <= state.ephemeral_containers &&
         state.claim_statuses == pod.claim_statuses;
}

void Graph::store(const Pod& pod) {
  const Key key{Kind::pod, pod.namespace_, pod.name};
  const Id known = objects_.find(key);
  if (const auto at = pods_.find(known); at != pods_.end()) {
    PodState& state = at->second;
    if (pod.node.empty()) {
      state.comparable = false;
      return;
    }
    if (unchanged(state, pod, nodes_[state.node].name)) {
      state.ephemeral_containers = pod.ephemeral_containers;
      return;
    }
  }
  if (pod.node.empty()) return;
  PodState state;
  state.node = use_node(pod.node);
  state.ephemeral_containers = pod.ephemeral_containers;
  state.uid = pod.uid;
  state.claim_statuses = pod.claim_statuses;
  if (!pod.mirror) state.references = hold_references(pod);
  const Id id = objects_.hold(key);
  forget_pod(id);  // after the new state holds its names: most are the same
  link(id, state);
  pods_.emplace(id, std::move(state));
}

void Graph::hold(std::vector<Id>& into, const Key& key) {
  if (is_bounded(key)) {
    into.push_back(objects_.hold(key));
  } else {
    ++dropped_;  // no object of such a name can be: nothing is lost
  }
}

// AddPod of graph.go: an edge for each name, once.
std::vector<Id> Graph::hold_references(const Pod& pod) {
  std::vector<Id> ids;
  const std::string_view space = pod.namespace_;
  const auto hold_all = [&](Kind kind, const std::vector<std::string>& names) {
    for (const std::string& name : names) hold(ids, {kind, space, name});
  };
  if (!pod.service_account.empty()) hold(ids, {Kind::service_account, space, pod.service_account});
  hold_all(Kind::secret, pod.secrets);
  hold_all(Kind::config_map, pod.config_maps);
  hold_all(Kind::persistent_volume_claim, pod.volume_claims);
  hold_all(Kind::resource_claim, pod.resource_claims);
  std::sort(ids.begin(), ids.end());
  std::vector<Id> once;
  once.reserve(ids.size());
  for (const Id id : ids) {
    if (once.empty() || once.back() != id) {
      once.push_back(id);
    } else {
      objects_.release(id);
    }
  }
  return once;
}

void Graph::link(Id pod, const PodState& state) {
  add_way(state.node, pod);
  for (const Id object : state.references) {
    add_way(state.node, object);
    if (objects_.key(object).kind != Kind::persistent_volume_claim) continue;
    ClaimState& claim = claims_[object];
    if (!claim.nodes.add(state.node)) continue;
    for (const Id volume : claim.volumes) {
      add_way(state.node, volume);
      for (const Id secret : volumes_.at(volume).secrets) add_way(state.node, secret);
    }
  }
}

void Graph::unlink(Id pod, const PodState& state) {
  sub_way(state.node, pod);
  for (const Id object : state.references) {
    sub_way(state.node, object);
    const auto at = claims_.find(object);
    if (at == claims_.end() || !at->second.nodes.sub(state.node)) continue;
    for (const Id volume : at->second.volumes) {
      sub_way(state.node, volume);
      for (const Id secret : volumes_.at(volume).secrets) sub_way(state.node, secret);
    }
    drop_if_idle(object);
  }
}

void Graph::forget_pod(Id id) {
  const auto at = pods_.find(id);
  if (at == pods_.end()) return;
  unlink(id, at->second);
  for (const Id object : at->second.references) objects_.release(object);
  leave_node(at->second.node);
  pods_.erase(at);
  objects_.release(id);
}

// ---- volumes ----

void Graph::drop_if_idle(Id claim) {
  const auto at = claims_.find(claim);
  if (at->second.nodes.size() == 0 && at->second.volumes.empty()) claims_.erase(at);
}

void Graph::store(const PersistentVolume& volume) {
  const Key key{Kind::persistent_volume, {}, volume.name};
  forget(key);
  if (!volume.claim) return;
  const Key claim_key{Kind::persistent_volume_claim, volume.claim->first, volume.claim->second};
  if (!is_bounded(claim_key)) {
    ++dropped_;
    return;
  }
  VolumeState state;
  state.claim = objects_.hold(claim_key);
  std::vector<Id> secrets;
  for (const auto& [space, name] : volume.secrets) hold(secrets, {Kind::secret, space, name});
  std::sort(secrets.begin(), secrets.end());
  for (const Id secret : secrets) {
    if (state.secrets.empty() || state.secrets.back() != secret) {
      state.secrets.push_back(secret);
    } else {
      objects_.release(secret);
    }
  }
  const Id id = objects_.hold(key);
  ClaimState& claim = claims_[state.claim];
  claim.volumes.push_back(id);
  claim.nodes.each([&](NodeIndex node) {
    add_way(node, id);
    for (const Id secret : state.secrets) add_way(node, secret);
  });
  volumes_.emplace(id, std::move(state));
}

void Graph::forget_volume(Id id) {
  const auto at = volumes_.find(id);
  if (at == volumes_.end()) return;
  const VolumeState& state = at->second;
  ClaimState& claim = claims_.at(state.claim);
  claim.nodes.each([&](NodeIndex node) {
    sub_way(node, id);
    for (const Id secret : state.secrets) sub_way(node, secret);
  });
  std::erase(claim.volumes, id);
  drop_if_idle(state.claim);
  for (const Id secret : state.secrets) objects_.release(secret);
  objects_.release(state.claim);
  volumes_.erase(at);
  objects_.release(id);
}

// ---- what hangs on a node by itself ----

void Graph::put_other(const Key& key, std::string_view node) {
  const Id id = objects_.hold(key);
  const NodeIndex index = node.empty() ? no_node : use_node(node);
  others_.emplace(id, index);
  if (index != no_node) add_way(index, id);
}

void Graph::store(const VolumeAttachment& attachment) {
  const Key key{Kind::volume_attachment, {}, attachment.name};
  const auto at = others_.find(objects_.find(key));
  if (at != others_.end() && at->second != no_node && nodes_[at->second].name == attachment.node) {
    return;
  }
  forget(key);
  put_other(key, attachment.node);
}

// Kubernetes has no update handler for the next two: what the first state said holds until the
// object is deleted.
void Graph::store(const ResourceSlice& slice) {
  const Key key{Kind::resource_slice, {}, slice.name};
  if (others_.contains(objects_.find(key))) return;
  put_other(key, slice.node);
}

void Graph::store(const PodCertificateRequest& request) {
  const Key key{Kind::pod_certificate_request, request.namespace_, request.name};
  if (!features_.pod_certificate_request || others_.contains(objects_.find(key))) return;
  put_other(key, request.node);
}

void Graph::forget_other(Id id) {
  const auto at = others_.find(id);
  if (at == others_.end()) return;
  if (at->second != no_node) {
    sub_way(at->second, id);
    leave_node(at->second);
  }
  others_.erase(at);
  objects_.release(id);
}

// ---- nodes ----

Graph::NodeIndex Graph::use_node(std::string_view name) {
  if (const auto at = node_names_.find(name); at != node_names_.end()) {
    ++nodes_[at->second].users;
    return at->second;
  }
  NodeIndex index = static_cast<NodeIndex>(nodes_.size());
  if (free_nodes_.empty()) {
    GH_ASSERT(index != no_node);
    nodes_.emplace_back();
  } else {
    index = free_nodes_.back();
    free_nodes_.pop_back();
  }
  NodeState& node = nodes_[index];
  node.name = name;
  node.hash = hash_of_node(name, seed_);
  node.users = 1;
  node_names_.emplace(node.name, index);
  return index;
}

// A node without users is dropped at the next snapshot, unless it has some again by then.
void Graph::leave_node(NodeIndex index) {
  --nodes_[index].users;
  mark(index);
}

void Graph::mark(NodeIndex index) {
  if (std::exchange(nodes_[index].dirty, true)) return;
  dirty_.push_back(index);
}

void Graph::add_way(NodeIndex index, Id object) {
  if (nodes_[index].objects.add(object)) mark(index);
}

void Graph::sub_way(NodeIndex index, Id object) {
  if (nodes_[index].objects.sub(object)) mark(index);
}

NodeObjects::Block Graph::objects_of(const NodeState& node) const {
  std::size_t key_bytes = 0;
  node.objects.each([&](Id id) {
    const Key key = objects_.key(id);
    key_bytes += key.namespace_.size() + key.name.size();
  });
  NodeObjectsMaker maker(node.name, node.objects.size(), key_bytes);
  node.objects.each([&](Id id) { maker.add(objects_.key(id), objects_.hash(id)); });
  return maker.take();
}

void Graph::refresh(std::vector<GraphSnapshot::NodeEntry>& shard, NodeIndex index) {
  NodeState& node = nodes_[index];
  node.dirty = false;
  const auto at = std::find_if(shard.begin(), shard.end(), [&](const auto& entry) {
    return entry.hash == node.hash && NodeObjects(entry.objects).node() == node.name;
  });
  if (node.users > 0) {
    if (at != shard.end()) {
      at->objects = objects_of(node);
    } else {
      shard.push_back({node.hash, objects_of(node)});
    }
    return;
  }
  GH_ASSERT(node.objects.size() == 0);
  if (at != shard.end()) shard.erase(at);
  node_names_.erase(node_names_.find(node.name));
  node = NodeState();
  free_nodes_.push_back(index);
}

std::unique_ptr<const GraphSnapshot> Graph::snapshot() {
  const auto shard_of = [this](NodeIndex index) {
    return GraphSnapshot::shard_of(nodes_[index].hash);
  };
  std::sort(dirty_.begin(), dirty_.end(), [&](NodeIndex a, NodeIndex b) {
    return shard_of(a) < shard_of(b);
  });
  for (auto at = dirty_.begin(); at != dirty_.end();) {
    const std::size_t number = shard_of(*at);
    GraphSnapshot::Shard& shard = shards_[number];
    std::vector<GraphSnapshot::NodeEntry> entries;
    for (const GraphSnapshot::NodeEntry& entry : shard.view()) {
      if (entry.objects) entries.push_back(entry);
    }
    for (; at != dirty_.end() && shard_of(*at) == number; ++at) refresh(entries, *at);
    shard = GraphSnapshot::make_shard(entries);
  }
  dirty_.clear();
  return std::make_unique<const GraphSnapshot>(seed_, features_, shards_);
}

}  // namespace gh::authz::node
