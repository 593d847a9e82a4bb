// SPDX-License-Identifier: Apache-2.0
#include "authz/node/graph_snapshot.h"

#include "authz/rbac/interner.h"
#include "base/limits.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gh::authz::node {
namespace {

constexpr unsigned place_bits = 40;
constexpr std::uint64_t place_mask = (std::uint64_t{1} << place_bits) - 1;

struct Head {
  std::uint16_t namespace_bytes;
  std::uint16_t name_bytes;
  Kind kind;
};

constexpr std::size_t head_bytes = 5;
static_assert(limits::node_graph_name_bytes_max <= 0xffff);

}  // namespace

std::uint64_t hash_of(const Key& key, std::uint64_t seed) noexcept {
  const auto kind = static_cast<std::uint64_t>(key.kind) + 1;
  const std::uint64_t space = rbac::hash_text(key.namespace_, seed + (kind << 32));
  return rbac::hash_text(key.name, space);
}

std::uint64_t hash_of_node(std::string_view name, std::uint64_t seed) noexcept {
  return rbac::hash_text(name, seed);
}

NodeObjects::NodeObjects(std::string_view node, std::size_t objects, std::size_t key_bytes)
    : node_(node), slots_(std::bit_ceil(objects + objects / 2 + 2)) {
  text_.reserve(key_bytes + objects * head_bytes);
}

void NodeObjects::add(const Key& key, std::uint64_t hash) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != 0) slot = (slot + 1) & mask;
  slots_[slot] = (hash >> place_bits << place_bits) | (text_.size() + 1);
  const auto space = static_cast<std::uint16_t>(key.namespace_.size());
  const auto name = static_cast<std::uint16_t>(key.name.size());
  char head[head_bytes];
  std::memcpy(head, &space, 2);
  std::memcpy(head + 2, &name, 2);
  head[4] = static_cast<char>(key.kind);
  text_.insert(text_.end(), head, head + head_bytes);
  text_.insert(text_.end(), key.namespace_.begin(), key.namespace_.end());
  text_.insert(text_.end(), key.name.begin(), key.name.end());
  ++size_;
}

bool NodeObjects::is_at(std::size_t at, const Key& key) const noexcept {
  const char* const head = text_.data() + at;
  std::uint16_t space = 0;
  std::uint16_t name = 0;
  std::memcpy(&space, head, 2);
  std::memcpy(&name, head + 2, 2);
  return static_cast<Kind>(head[4]) == key.kind &&
         std::string_view(head + head_bytes + space, name) == key.name &&
         std::string_view(head + head_bytes, space) == key.namespace_;
}

bool NodeObjects::has(const Key& key, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const std::uint64_t found = slots_[slot];
    if (found >> place_bits == hash >> place_bits && is_at((found & place_mask) - 1, key)) {
      return true;
    }
  }
  return false;
}

std::size_t NodeObjects::bytes() const noexcept {
  return sizeof *this + slots_.capacity() * sizeof slots_[0] + text_.capacity() +
         (node_.capacity() > 15 ? node_.capacity() + 1 : 0);
}

bool GraphSnapshot::reaches(std::string_view node, const Key& object) const noexcept {
  const std::uint64_t hash = hash_of_node(node, seed_);
  const auto& shard = nodes_[shard_of(hash)];
  if (!shard) return false;
  auto entry = std::lower_bound(
      shard->begin(),
      shard->end(),
      hash,
      [](const NodeEntry& one, std::uint64_t wanted) { return one.hash < wanted; }
  );
  for (; entry != shard->end() && entry->hash == hash; ++entry) {
    if (entry->objects->node() == node) return entry->objects->has(object, hash_of(object, seed_));
  }
  return false;
}

GraphSnapshot::Size GraphSnapshot::size() const {
  Size sum;
  sum.bytes = sizeof *this;
  for (const auto& shard : nodes_) {
    if (!shard) continue;
    sum.bytes += sizeof(Shard) + shard->capacity() * sizeof(NodeEntry);
    for (const NodeEntry& entry : *shard) {
      ++sum.nodes;
      sum.pairs += entry.objects->size();
      sum.bytes += entry.objects->bytes();
    }
  }
  return sum;
}

}  // namespace gh::authz::node
