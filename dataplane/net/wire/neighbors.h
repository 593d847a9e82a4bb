// SPDX-License-Identifier: Apache-2.0
// Who has which link address: the table behind ARP (RFC 826) and neighbour discovery (RFC 4861).
// In: what was heard, what is to be sent.  Out: link addresses; whom to ask (ask list), frames
// whose address came or will not come. Owner: ip_host.h. Bounds: limits::neighbor…; a full table
// forgets the entry unused longest. Not here: the packets that ask and answer (ip_host.h).
#pragma once

#include "base/siphash.h"
#include "base/units.h"
#include "dataplane/net/wire/address.h"
#include "dataplane/net/wire/frame.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace gh::wire {

enum class NeighborState : std::uint8_t { unused, asking, reachable, probing };

struct Neighbor {
  IpAddress address;
  MacAddress mac;
  NeighborState state = NeighborState::unused;
  std::uint8_t asked = 0;  // times, without an answer
  Instant heard;           // last sign of life
  Instant used;
  Instant ask_again;
  FrameList waiting;
};

// A slot of the table, good as long as the entry there has this address.
using NeighborId = std::uint16_t;

class Neighbors {
 public:
  Neighbors(const SipKey& key, std::size_t most);

  // What to do about `address` now. Unknown: an entry in state asking, whom to ask is due at once.
  Neighbor& use(const IpAddress& address, NeighborId& hint, Instant now) noexcept;

  // Heard from a packet that only the owner of the address may send. `create`: it spoke to us.
  // Gives the entry when it was known or made; its waiting frames may go.
  Neighbor* learn(
      const IpAddress& address, const MacAddress& mac, bool create, bool override_, Instant now
  ) noexcept;
  void confirm(NeighborId id, const IpAddress& address, Instant now) noexcept;

  // False: dropped (the queue is full of older frames of others).
  bool queue(Neighbor& entry, Frame* frame) noexcept;
  Frame* take_waiting(Neighbor& entry) noexcept;

  // Entries whose question is due. `ask(entry)` sends it; `lost(entry)` drops what waits.
  template <class Ask, class Lost>
  void expire(Instant now, Ask ask, Lost lost) noexcept;

  Instant next_deadline() const noexcept { return pending_ == 0 ? Instant::never() : next_; }

  std::size_t size() const noexcept { return size_; }

  std::uint64_t dropped() const noexcept { return dropped_; }

  void begin_asking(Neighbor& entry, NeighborState state, Instant now) noexcept;

 private:
  std::size_t bucket_of(const IpAddress& address) const noexcept;
  Neighbor* find(const IpAddress& address, NeighborId* id) noexcept;
  Neighbor& make(const IpAddress& address, NeighborId& id, Instant now) noexcept;
  void settle(Neighbor& entry) noexcept;

  static constexpr std::size_t ways = 8;  // entries of a bucket: a full one forgets its oldest
  SipKey key_;
  std::size_t most_;  // a multiple of `ways`
  std::unique_ptr<Neighbor[]> table_;
  std::size_t size_ = 0;
  std::size_t queued_ = 0;
  std::size_t pending_ = 0;  // asking or probing
  Instant next_ = Instant::never();
  std::uint64_t dropped_ = 0;
};

}  // namespace gh::wire

#include "dataplane/net/wire/neighbors.inl"
