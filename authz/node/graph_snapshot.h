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
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::authz::node {

std::uint64_t hash_of(const Key& key, std::uint64_t seed) noexcept;
std::uint64_t hash_of_node(std::string_view name, std::uint64_t seed) noexcept;

// One node's name and objects in one block of words, so that a question touches few cache lines:
//   counts · name · an open table of 24 hash bits and a place in the text · the text: whole keys
// Whole keys are compared: a hash decides nothing.
class NodeObjects {
 public:
  using Block = std::shared_ptr<const std::uint64_t[]>;

  explicit NodeObjects(const Block& block) noexcept : words_(block.get()) {}

  std::string_view node() const noexcept;
  bool has(const Key& key, std::uint64_t hash) const noexcept;
  std::size_t size() const noexcept;
  std::size_t bytes() const noexcept;

 private:
  const std::uint64_t* words_;
};

class NodeObjectsMaker {
 public:
  NodeObjectsMaker(std::string_view node, std::size_t objects, std::size_t key_bytes);
  void add(const Key& key, std::uint64_t hash);  // each once; as many as said

  NodeObjects::Block take() { return std::move(words_); }

 private:
  std::shared_ptr<std::uint64_t[]> words_;
  std::size_t text_at_ = 0;  // bytes of the text so far
};

class GraphSnapshot {
 public:
  struct NodeEntry {
    std::uint64_t hash = 0;
    NodeObjects::Block objects;  // null: free
  };

  // An open table. A change of a node makes its shard and the list of shards anew, nothing else.
  struct Shard {
    std::shared_ptr<const NodeEntry[]> entries;
    std::size_t slots = 0;

    std::span<const NodeEntry> view() const noexcept { return {entries.get(), slots}; }
  };

  static constexpr std::size_t shards = 256;
  using Shards = std::array<Shard, shards>;

  static Shard make_shard(const std::vector<NodeEntry>& nodes);

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
