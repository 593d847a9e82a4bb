// SPDX-License-Identifier: Apache-2.0
// The template of neighbors.h.
#pragma once

#include "base/limits.h"
#include "dataplane/net/wire/neighbors.h"

#include <algorithm>

namespace gh::wire {

template <class Ask, class Lost>
void Neighbors::expire(Instant now, Ask ask, Lost lost) noexcept {
  if (pending_ == 0 || now < next_) return;
  next_ = Instant::never();
  std::size_t left = pending_;
  for (std::size_t i = 0; i < most_ && left > 0; ++i) {
    Neighbor& entry = table_[i];
    if (entry.state != NeighborState::asking && entry.state != NeighborState::probing) continue;
    --left;
    if (entry.ask_again <= now) {
      if (entry.asked >= limits::neighbor_probes_max) {
        lost(entry);
        settle(entry);
        entry.state = NeighborState::unused;
        --size_;
        continue;
      }
      ++entry.asked;
      entry.ask_again = now + limits::neighbor_probe_interval;
      ask(entry);
    }
    next_ = std::min(next_, entry.ask_again);
  }
}

}  // namespace gh::wire
