// SPDX-License-Identifier: Apache-2.0
#include "authz/node/graph_snapshot.h"

#include "authz/rbac/interner.h"
#include "base/assert.h"
#include "base/limits.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gh::authz::node {
namespace {

constexpr unsigned place_bits = 40;
constexpr std::uint64_t place_mask = (std::uint64_t{1} << place_bits) - 1;

static_assert(limits::node_graph_name_bytes_max <= 0xffff);

// What stands at the front of a block.
struct Counts {
  std::uint64_t slots;
  std::uint64_t objects;
  std::uint64_t text_bytes;
  std::uint64_t node_bytes;
};

constexpr std::size_t counts_words = sizeof(Counts) / 8;
constexpr std::size_t head_bytes = 5;  // of a key in the text: two lengths, the kind

std::size_t words_for(std::size_t bytes) { return (bytes + 7) / 8; }

Counts counts_of(const std::uint64_t* words) {
  Counts counts;
  std::memcpy(&counts, words, sizeof counts);
  return counts;
}

std::size_t table_at(const Counts& counts) { return counts_words + words_for(counts.node_bytes); }

bool is_key_at(const char* head, const Key& key) {
  std::uint16_t space = 0;
  std::uint16_t name = 0;
  std::memcpy(&space, head, 2);
  std::memcpy(&name, head + 2, 2);
  return static_cast<Kind>(head[4]) == key.kind &&
         std::string_view(head + head_bytes + space, name) == key.name &&
         std::string_view(head + head_bytes, space) == key.namespace_;
}

}  // namespace

std::uint64_t hash_of(const Key& key, std::uint64_t seed) noexcept {
  const auto kind = static_cast<std::uint64_t>(key.kind) + 1;
  const std::uint64_t space = rbac::hash_text(key.namespace_, seed + (kind << 32));
  return rbac::hash_text(key.name, space);
}

std::uint64_t hash_of_node(std::string_view name, std::uint64_t seed) noexcept {
  return rbac::hash_text(name, seed);
}

NodeObjectsMaker::NodeObjectsMaker(
    std::string_view node, std::size_t objects, std::size_t key_bytes
) {
  const Counts counts{
      std::bit_ceil(objects + objects / 2 + 2),
      objects,
      key_bytes + objects * head_bytes,
      node.size()
  };
  const std::size_t words = table_at(counts) + counts.slots + words_for(counts.text_bytes);
  words_ = std::make_shared<std::uint64_t[]>(words);
  std::memcpy(words_.get(), &counts, sizeof counts);
  std::memcpy(words_.get() + counts_words, node.data(), node.size());
}

void NodeObjectsMaker::add(const Key& key, std::uint64_t hash) {
  const Counts counts = counts_of(words_.get());
  std::uint64_t* const table = words_.get() + table_at(counts);
  const std::size_t mask = counts.slots - 1;
  std::size_t slot = hash & mask;
  while (table[slot] != 0) slot = (slot + 1) & mask;
  table[slot] = (hash >> place_bits << place_bits) | (text_at_ + 1);
  const auto space = static_cast<std::uint16_t>(key.namespace_.size());
  const auto name = static_cast<std::uint16_t>(key.name.size());
  const std::size_t bytes = head_bytes + space + name;
  GH_ASSERT(text_at_ + bytes <= counts.text_bytes);
  char* const text = reinterpret_cast<char*>(table + counts.slots) + text_at_;
  std::memcpy(text, &space, 2);
  std::memcpy(text + 2, &name, 2);
  text[4] = static_cast<char>(key.kind);
  std::copy(key.namespace_.begin(), key.namespace_.end(), text + head_bytes);
  std::copy(key.name.begin(), key.name.end(), text + head_bytes + space);
  text_at_ += bytes;
}

std::string_view NodeObjects::node() const noexcept {
  return {
      reinterpret_cast<const char*>(words_ + counts_words),
      static_cast<std::size_t>(counts_of(words_).node_bytes)
  };
}

bool NodeObjects::has(const Key& key, std::uint64_t hash) const noexcept {
  const Counts counts = counts_of(words_);
  const std::uint64_t* const table = words_ + table_at(counts);
  const char* const text = reinterpret_cast<const char*>(table + counts.slots);
  const std::size_t mask = counts.slots - 1;
  for (std::size_t slot = hash & mask; table[slot] != 0; slot = (slot + 1) & mask) {
    const std::uint64_t found = table[slot];
    if (found >> place_bits != hash >> place_bits) continue;
    if (is_key_at(text + (found & place_mask) - 1, key)) return true;
  }
  return false;
}

std::size_t NodeObjects::size() const noexcept { return counts_of(words_).objects; }

std::size_t NodeObjects::bytes() const noexcept {
  const Counts counts = counts_of(words_);
  return (table_at(counts) + counts.slots + words_for(counts.text_bytes)) * 8;
}

GraphSnapshot::Shard GraphSnapshot::make_shard(const std::vector<NodeEntry>& nodes) {
  if (nodes.empty()) return {};
  const std::size_t slots = std::bit_ceil(nodes.size() + nodes.size() / 2 + 1);
  const auto table = std::make_shared<NodeEntry[]>(slots);
  const std::span<NodeEntry> entries(table.get(), slots);
  for (const NodeEntry& node : nodes) {
    std::size_t slot = node.hash & (slots - 1);
    while (entries[slot].objects) slot = (slot + 1) & (slots - 1);
    entries[slot] = node;
  }
  return {table, slots};
}

bool GraphSnapshot::reaches(std::string_view node, const Key& object) const noexcept {
  const std::uint64_t hash = hash_of_node(node, seed_);
  const std::span<const NodeEntry> shard = nodes_[shard_of(hash)].view();
  if (shard.empty()) return false;
  const std::size_t mask = shard.size() - 1;
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const NodeEntry& entry = shard[slot];
    if (!entry.objects) return false;
    if (entry.hash != hash) continue;
    const NodeObjects objects(entry.objects);
    if (objects.node() == node) return objects.has(object, hash_of(object, seed_));
  }
}

GraphSnapshot::Size GraphSnapshot::size() const {
  Size sum;
  sum.bytes = sizeof *this;
  for (const Shard& shard : nodes_) {
    sum.bytes += shard.slots * sizeof(NodeEntry);
    for (const NodeEntry& entry : shard.view()) {
      if (!entry.objects) continue;
      const NodeObjects objects(entry.objects);
      ++sum.nodes;
      sum.pairs += objects.size();
      sum.bytes += objects.bytes();
    }
  }
  return sum;
}

}  // namespace gh::authz::node
