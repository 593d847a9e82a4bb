// SPDX-License-Identifier: Apache-2.0
#include "control/node_source.h"

#include "authz/node/object_reader.h"
#include "authz/rbac/interner.h"
#include "control/policy_source.h"

#include <array>
#include <random>
#include <string_view>
#include <utility>

namespace gh::control {
namespace {

namespace node = authz::node;

constexpr int reads_max = 3;  // of a set that changes under the reader

Result<NodeSet, std::vector<Fault>> read_once(const std::vector<std::string>& paths) {
  node::ObjectLoader loader;
  std::vector<Fault> faults;
  for (const std::string& path : paths) {
    auto added = loader.add_path(path);
    if (!added) faults.push_back(std::move(added).error());
  }
  if (!faults.empty()) return fail(std::move(faults));
  NodeSet set;
  set.files = loader.files();
  set.ignored = loader.ignored();
  set.objects = loader.take();
  return set;
}

std::string count(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

// Everything of an object that the graph looks at, as one text; no two objects give the same.
class Contents {
 public:
  static std::string of(const node::Object& object) {
    Contents contents;
    std::visit([&](const auto& one) { contents.put(one); }, object);
    return std::move(contents.text_);
  }

 private:
  void add(std::uint64_t number) {
    text_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }

  void add(const std::string& text) {
    add(std::uint64_t{text.size()});
    text_ += text;
  }

  void add(const std::vector<std::string>& texts) {
    add(std::uint64_t{texts.size()});
    for (const std::string& text : texts) add(text);
  }

  void put(const node::Pod& pod) {
    add(pod.uid);
    add(pod.node);
    add(std::uint64_t{pod.mirror});
    add(pod.service_account);
    add(pod.secrets);
    add(pod.config_maps);
    add(pod.volume_claims);
    add(pod.resource_claims);
    add(std::uint64_t{pod.ephemeral_containers});
    for (const auto& [name, claim] : pod.claim_statuses) {
      add(name);
      add(std::uint64_t{claim.has_value()});
      add(claim.value_or(std::string()));
    }
  }

  void put(const node::PersistentVolume& volume) {
    add(std::uint64_t{volume.claim.has_value()});
    if (volume.claim) add(volume.claim->first);
    if (volume.claim) add(volume.claim->second);
    for (const auto& [space, name] : volume.secrets) {
      add(space);
      add(name);
    }
  }

  void put(const node::VolumeAttachment& attachment) { add(attachment.node); }

  void put(const node::ResourceSlice& slice) { add(slice.node); }

  void put(const node::PodCertificateRequest& request) { add(request.node); }

  std::string text_;
};

std::string name_text(const node::Key& key) {
  std::string text(1, static_cast<char>(key.kind));
  text.append(std::to_string(key.namespace_.size())).append(":");
  return text.append(key.namespace_).append(key.name);
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Result<NodeSet, std::vector<Fault>> read_node_objects(const std::vector<std::string>& paths) {
  for (int i = 0;; ++i) {
    const std::uint64_t before = fingerprint(paths);
    auto set = read_once(paths);
    if (fingerprint(paths) == before) return set;
    if (i + 1 >= reads_max) {
      return fail(std::vector<Fault>{
          {"changes while it is read; it is read again when it rests", paths.front()}
      });
    }
  }
}

std::string describe_node_set(const NodeSet& set) {
  std::array<std::size_t, 10> counts{};
  for (const node::Object& object : set.objects) {
    ++counts.at(static_cast<std::size_t>(node::key_of(object).kind));
  }
  std::string text = count(set.files, "file");
  for (const node::Kind kind :
       {node::Kind::pod,
        node::Kind::persistent_volume,
        node::Kind::volume_attachment,
        node::Kind::resource_slice,
        node::Kind::pod_certificate_request}) {
    text += ", " + count(counts.at(static_cast<std::size_t>(kind)), node::name_of(kind));
  }
  return text;
}

NodeSource::NodeSource(node::Features features)
    : graph_(features), seed_a_(random_seed()), seed_b_(random_seed()) {}

NodeSource::Digest NodeSource::digest(const std::string& text) const {
  return {authz::rbac::hash_text(text, seed_a_), authz::rbac::hash_text(text, seed_b_)};
}

node::Key NodeSource::key_of(const Seen& seen) {
  const std::string_view text = seen.name;
  return {seen.kind, text.substr(0, seen.namespace_bytes), text.substr(seen.namespace_bytes)};
}

void NodeSource::put(const node::Object& object, Change& change) {
  const node::Key key = node::key_of(object);
  const Digest content = digest(Contents::of(object));
  const auto [at, is_new] = seen_.try_emplace(digest(name_text(key)));
  Seen& seen = at->second;
  seen.turn = turn_;
  if (!is_new && seen.content == content) return;
  if (is_new) {
    seen.kind = key.kind;
    seen.namespace_bytes = static_cast<std::uint32_t>(key.namespace_.size());
    seen.name.append(key.namespace_).append(key.name);
    ++change.added;
  } else {
    graph_.forget(key);
    ++change.changed;
  }
  seen.content = content;
  graph_.apply(node::Event::added, object);
}

NodeSource::Change NodeSource::apply(const NodeSet& set) {
  Change change;
  ++turn_;
  for (const node::Object& object : set.objects) put(object, change);
  change.removed = std::erase_if(seen_, [this](const auto& one) {
    if (one.second.turn == turn_) return false;
    graph_.forget(key_of(one.second));
    return true;
  });
  return change;
}

}  // namespace gh::control
