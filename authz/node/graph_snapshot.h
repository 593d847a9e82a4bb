// SPDX-License-Identifier: Apache-2.0
// Which objects each node reaches, at one moment: what workers read. Immutable; pieces that did not
// change are shared with the snapshot before. In: a node's name and an object's key.   Out: whether
// there is a path in the graph from the object to the node. Owner: control makes and publishes it
// (Graph::snapshot, Rcu); workers borrow it for a turn. Takes no lock and allocates nothing.
#pragma once

#include "authz/node/objects.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::node {

std::uint64_t hash_of(const Key& key, std::uint64_t seed) noexcept;
std::uint64_t hash_of_node(std::string_view name, std::uint64_t seed) noexcept;

// One node's objects: an open table of 24 hash bits and a place in `text_`, where whole keys stand.
// Full keys are compared, so a hash decides nothing.
class NodeObjects {
 public:
  NodeObjects(std::string_view node, std::size_t objects, std::size_t key_bytes);
  void add(const Key& key, std::uint64_t hash);  // while it is made; each key once

  bool has(const Key& key, std::uint64_t hash) const noexcept;

  std::string_view node() const noexcept { return node_; }

  std::size_t size() const noexcept { return size_; }

  std::size_t bytes() const noexcept;

 private:
  bool is_at(std::size_t at, const Key& key) const noexcept;

  std::string node_;
  std::vector<std::uint64_t> slots_;  // place + 1 in the low 40 bits, hash bits above; 0: free
  std::vector<char> text_;            // kind, two lengths, namespace, name
  std::size_t size_ = 0;
};

class GraphSnapshot {
 public:
  struct NodeEntry {
    std::uint64_t hash = 0;
    std::shared_ptr<const NodeObjects> objects;
  };

  // Sorted by hash. A change of a node copies its shard and the list of shards, nothing else.
  using Shard = std::vector<NodeEntry>;
  static constexpr std::size_t shards = 256;
  using Shards = std::array<std::shared_ptr<const Shard>, shards>;

  static std::size_t shard_of(std::uint64_t hash) noexcept { return hash >> 56; }

  GraphSnapshot(std::uint64_t seed, Features features, Shards nodes)
      : seed_(seed), features_(features), nodes_(std::move(nodes)) {}

  bool reaches(std::string_view node, const Key& object) const noexcept;

  const Features& features() const noexcept { return features_; }

  // For metrics and benches; walks everything.
  struct Size {
    std::size_t nodes = 0;
    std::size_t pairs = 0;  // of a node and an object it reaches
    std::size_t bytes = 0;
  };

  Size size() const;

 private:
  std::uint64_t seed_;
  Features features_;
  Shards nodes_;
};

}  // namespace gh::authz::node
