// SPDX-License-Identifier: Apache-2.0
// Memory of a road's streams: slabs that stay, slots used again last freed first. No allocation per
// connection once warm. Owner: one road. Bound: the worker's, limits::connections_per_worker_max
// and upstream_connections_max.
#pragma once

#include "base/per_core.h"

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace gh::net {

template <class S>
class StreamPool {
 public:
  template <class... Args>
  S* make(Args&&... args) {
    if (free_.empty()) grow();
    Slot* slot = free_.back();
    free_.pop_back();
    slot->used = true;
    return new (slot->bytes) S(std::forward<Args>(args)...);
  }

  void destroy(S* stream) noexcept {
    Slot* slot = reinterpret_cast<Slot*>(stream);  // bytes come first
    stream->~S();
    slot->used = false;
    free_.push_back(slot);  // reserved in grow()
  }

  template <class Visit>
  void each(Visit visit) {
    for (auto& slab : slabs_) {
      for (Slot& slot : *slab) {
        if (slot.used) visit(*std::launder(reinterpret_cast<S*>(slot.bytes)));
      }
    }
  }

 private:
  struct alignas(cache_line) Slot {
    alignas(S) std::byte bytes[sizeof(S)];
    bool used = false;
  };

  using Slab = std::array<Slot, 64>;

  void grow() {
    auto slab = std::make_unique<Slab>();
    free_.reserve((slabs_.size() + 1) * slab->size());
    for (Slot& slot : *slab) free_.push_back(&slot);
    slabs_.push_back(std::move(slab));
  }

  std::vector<std::unique_ptr<Slab>> slabs_;
  std::vector<Slot*> free_;
};

}  // namespace gh::net
