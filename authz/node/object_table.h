// SPDX-License-Identifier: Apache-2.0
// Numbers for the objects of a graph, each counted by those that hold it; and small counted sets of
// such numbers. The graph's own; control only.
#pragma once

#include "authz/node/objects.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::authz::node {

using Id = std::uint32_t;
inline constexpr Id no_id = 0xffffffff;

class ObjectTable {
 public:
  explicit ObjectTable(std::uint64_t seed) : seed_(seed), slots_(16, no_id) {}

  Id find(const Key& key) const noexcept;
  Id hold(const Key& key);  // once more; made if it is new
  void release(Id id) noexcept;

  Key key(Id id) const noexcept {
    const Entry& entry = entries_[id];
    const std::string_view text = entry.text;
    return {entry.kind, text.substr(0, entry.namespace_bytes), text.substr(entry.namespace_bytes)};
  }

  std::uint64_t hash(Id id) const noexcept { return entries_[id].hash; }

  std::size_t size() const noexcept { return entries_.size() - free_.size(); }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::string text;  // namespace, name
    std::uint32_t namespace_bytes = 0;
    std::uint32_t holds = 0;
    Kind kind = Kind::pod;
  };

  std::size_t slot_of(const Key& key, std::uint64_t hash) const noexcept;
  void grow();

  std::uint64_t seed_;
  std::vector<Entry> entries_;
  std::vector<Id> free_;
  std::vector<Id> slots_;  // open, linear; at most ¾ full
};

// Id → a count above 0.
class CountTable {
 public:
  bool add(Id id);           // whether it is new
  bool sub(Id id) noexcept;  // whether it is gone; it must be there

  std::size_t size() const noexcept { return size_; }

  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.id != no_id) visit(slot.id);
    }
  }

 private:
  struct Slot {
    Id id = no_id;
    std::uint32_t count = 0;
  };

  static std::size_t home(Id id, std::size_t mask) noexcept {
    return (id * std::uint64_t{0x9e3779b97f4a7c15} >> 32) & mask;
  }

  std::size_t slot_of(Id id) const noexcept;
  void resize(std::size_t slots);

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace gh::authz::node
