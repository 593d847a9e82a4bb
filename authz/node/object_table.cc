// SPDX-License-Identifier: Apache-2.0
#include "authz/node/object_table.h"

#include "authz/node/graph_snapshot.h"
#include "base/assert.h"

namespace gh::authz::node {
namespace {

bool same(const Key& a, const Key& b) {
  return a.kind == b.kind && a.name == b.name && a.namespace_ == b.namespace_;
}

// Linear probing without tombstones: what stands behind a freed slot moves up if it may.
template <class Slots, class Home, class IsFree, class Free>
void close_gap(Slots& slots, std::size_t gap, Home home, IsFree is_free, Free free) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = (gap + 1) & mask; !is_free(slots[at]); at = (at + 1) & mask) {
    if (((at - home(slots[at])) & mask) < ((at - gap) & mask)) continue;
    slots[gap] = slots[at];
    gap = at;
  }
  free(slots[gap]);
}

}  // namespace

std::size_t ObjectTable::slot_of(const Key& wanted, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != no_id; at = (at + 1) & mask) {
    const Id id = slots_[at];
    if (entries_[id].hash == hash && same(key(id), wanted)) break;
  }
  return at;
}

Id ObjectTable::find(const Key& key) const noexcept {
  return slots_[slot_of(key, hash_of(key, seed_))];
}

Id ObjectTable::hold(const Key& key) {
  const std::uint64_t hash = hash_of(key, seed_);
  std::size_t at = slot_of(key, hash);
  if (slots_[at] == no_id) {
    if ((size() + 1) * 4 > slots_.size() * 3) {
      grow();
      at = slot_of(key, hash);
    }
    Entry entry;
    entry.hash = hash;
    entry.text.reserve(key.namespace_.size() + key.name.size());
    entry.text.append(key.namespace_).append(key.name);
    entry.namespace_bytes = static_cast<std::uint32_t>(key.namespace_.size());
    entry.kind = key.kind;
    if (free_.empty()) {
      GH_ASSERT(entries_.size() < no_id);
      slots_[at] = static_cast<Id>(entries_.size());
      entries_.push_back(std::move(entry));
    } else {
      slots_[at] = free_.back();
      free_.pop_back();
      entries_[slots_[at]] = std::move(entry);
    }
  }
  ++entries_[slots_[at]].holds;
  return slots_[at];
}

void ObjectTable::release(Id id) noexcept {
  Entry& entry = entries_[id];
  GH_ASSERT(entry.holds > 0);
  if (--entry.holds > 0) return;
  const std::size_t mask = slots_.size() - 1;
  close_gap(
      slots_,
      slot_of(key(id), entry.hash),
      [&](Id one) { return static_cast<std::size_t>(entries_[one].hash) & mask; },
      [](Id one) { return one == no_id; },
      [](Id& one) { one = no_id; }
  );
  entry.text = std::string();
  free_.push_back(id);
}

void ObjectTable::grow() {
  std::vector<Id> old(slots_.size() * 2, no_id);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Id id : old) {
    if (id == no_id) continue;
    std::size_t at = entries_[id].hash & mask;
    while (slots_[at] != no_id) at = (at + 1) & mask;
    slots_[at] = id;
  }
}

std::size_t CountTable::slot_of(Id id) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(id, mask);
  while (slots_[at].id != no_id && slots_[at].id != id) at = (at + 1) & mask;
  return at;
}

bool CountTable::add(Id id) {
  if (slots_.empty()) slots_.resize(8);
  std::size_t at = slot_of(id);
  if (slots_[at].id == id) {
    ++slots_[at].count;
    GH_ASSERT(slots_[at].count != 0);
    return false;
  }
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    resize(slots_.size() * 2);
    at = slot_of(id);
  }
  slots_[at] = {id, 1};
  ++size_;
  return true;
}

bool CountTable::sub(Id id) noexcept {
  GH_ASSERT(!slots_.empty());
  const std::size_t at = slot_of(id);
  GH_ASSERT(slots_[at].id == id);
  if (--slots_[at].count > 0) return false;
  const std::size_t mask = slots_.size() - 1;
  close_gap(
      slots_,
      at,
      [&](const Slot& one) { return home(one.id, mask); },
      [](const Slot& one) { return one.id == no_id; },
      [](Slot& one) { one = Slot{}; }
  );
  --size_;
  return true;
}

void CountTable::resize(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id != no_id) slots_[slot_of(slot.id)] = slot;
  }
}

}  // namespace gh::authz::node
