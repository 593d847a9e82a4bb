// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/neighbors.h"

#include "base/limits.h"

#include <algorithm>

namespace gh::wire {

static_assert(limits::neighbors_max <= 65'536, "NeighborId is 16 bits");

Neighbors::Neighbors(const SipKey& key, std::size_t most)
    : key_(key),
      most_(std::clamp<std::size_t>(most / ways * ways, ways, limits::neighbors_max)),
      table_(std::make_unique<Neighbor[]>(most_)) {}

std::size_t Neighbors::bucket_of(const IpAddress& address) const noexcept {
  const std::uint64_t hash = siphash13(key_, {address.high(), address.low()});
  return hash % (most_ / ways) * ways;
}

Neighbor* Neighbors::find(const IpAddress& address, NeighborId* id) noexcept {
  const std::size_t first = bucket_of(address);
  for (std::size_t i = first; i < first + ways; ++i) {
    if (table_[i].state == NeighborState::unused || table_[i].address != address) continue;
    if (id != nullptr) *id = static_cast<NeighborId>(i);
    return &table_[i];
  }
  return nullptr;
}

void Neighbors::settle(Neighbor& entry) noexcept {
  if (entry.state == NeighborState::asking || entry.state == NeighborState::probing) --pending_;
  queued_ -= entry.waiting.size();
  dropped_ += entry.waiting.size();
  entry.waiting.clear();
}

Neighbor& Neighbors::make(const IpAddress& address, NeighborId& id, Instant now) noexcept {
  const std::size_t first = bucket_of(address);
  std::size_t chosen = first;
  for (std::size_t i = first; i < first + ways; ++i) {
    if (table_[i].state == NeighborState::unused) {
      chosen = i;
      break;
    }
    // Those that nobody answered for go first: a flood of strangers must not push out the peers.
    const bool asking = table_[i].state == NeighborState::asking;
    const bool best_asking = table_[chosen].state == NeighborState::asking;
    if (asking != best_asking ? asking : table_[i].used < table_[chosen].used) chosen = i;
  }
  Neighbor& entry = table_[chosen];
  if (entry.state != NeighborState::unused) {
    settle(entry);
    --size_;
  }
  entry.address = address;
  entry.state = NeighborState::unused;
  entry.asked = 0;
  entry.used = entry.heard = now;
  ++size_;
  id = static_cast<NeighborId>(chosen);
  return entry;
}

void Neighbors::begin_asking(Neighbor& entry, NeighborState state, Instant now) noexcept {
  entry.state = state;
  entry.asked = 0;
  entry.ask_again = now;
  ++pending_;
  next_ = std::min(next_, now);
}

Neighbor& Neighbors::use(const IpAddress& address, NeighborId& hint, Instant now) noexcept {
  Neighbor* entry = &table_[hint % most_];
  if (entry->state == NeighborState::unused || entry->address != address) {
    entry = find(address, &hint);
  }
  if (entry == nullptr) {
    entry = &make(address, hint, now);
    begin_asking(*entry, NeighborState::asking, now);
  }
  entry->used = now;
  if (entry->state == NeighborState::reachable && entry->heard + limits::neighbor_reachable < now) {
    begin_asking(*entry, NeighborState::probing, now);  // still used while it is asked for
  }
  return *entry;
}

Neighbor* Neighbors::learn(
    const IpAddress& address, const MacAddress& mac, bool create, bool override_, Instant now
) noexcept {
  if (mac.is_group() || mac == MacAddress{}) return nullptr;
  NeighborId id = 0;
  Neighbor* entry = find(address, &id);
  if (entry == nullptr) {
    if (!create) return nullptr;
    entry = &make(address, id, now);
  } else if (entry->state == NeighborState::reachable && entry->mac != mac && !override_) {
    return nullptr;  // RFC 4861 §7.2.5: without the override flag a known address stays
  }
  if (entry->state == NeighborState::asking || entry->state == NeighborState::probing) --pending_;
  entry->state = NeighborState::reachable;
  entry->mac = mac;
  entry->heard = now;
  return entry;
}

void Neighbors::confirm(NeighborId id, const IpAddress& address, Instant now) noexcept {
  Neighbor& entry = table_[id % most_];
  if (entry.state == NeighborState::reachable && entry.address == address) entry.heard = now;
}

bool Neighbors::queue(Neighbor& entry, Frame* frame) noexcept {
  if (entry.waiting.size() >= limits::neighbor_queue_max) {  // RFC 4861 §7.2.2: the oldest goes
    give(entry.waiting.pop_front());
    --queued_;
    ++dropped_;
  } else if (queued_ >= limits::neighbor_queued_max) {
    ++dropped_;
    give(frame);
    return false;
  }
  entry.waiting.push_back(frame);
  ++queued_;
  return true;
}

Frame* Neighbors::take_waiting(Neighbor& entry) noexcept {
  Frame* frame = entry.waiting.pop_front();
  if (frame != nullptr) --queued_;
  return frame;
}

}  // namespace gh::wire
