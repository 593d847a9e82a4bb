// SPDX-License-Identifier: Apache-2.0
// Streams in state lingering, oldest first; all wait limits::linger_timeout. S has linger_prev,
// linger_next and linger_until. Owner: a road.
#pragma once

#include "base/limits.h"
#include "base/units.h"

#include <algorithm>

namespace gh::net {

template <class S>
class LingerList {
 public:
  void push_back(S& stream) noexcept {
    stream.linger_prev = last_;
    stream.linger_next = nullptr;
    stream.linger_until = undated;
    (last_ == nullptr ? first_ : last_->linger_next) = &stream;
    last_ = &stream;
  }

  void remove(S& stream) noexcept {
    (stream.linger_prev == nullptr ? first_ : stream.linger_prev->linger_next) = stream.linger_next;
    (stream.linger_next == nullptr ? last_ : stream.linger_next->linger_prev) = stream.linger_prev;
  }

  // Waits that began since the last turn are dated here: only the loop knows the time. `end` has to
  // remove those that are over.
  template <class End>
  void expire(Instant now, End end) noexcept {
    for (S* each = last_; each != nullptr && each->linger_until == undated;
         each = each->linger_prev) {
      each->linger_until = now + limits::linger_timeout;
    }
    while (first_ != nullptr && first_->linger_until <= now) end(*first_);
  }

  // `deadline`, or when the first wait is over, if that is before.
  Instant before(Instant deadline) const noexcept {
    return first_ == nullptr ? deadline : std::min(deadline, first_->linger_until);
  }

 private:
  static constexpr Instant undated{0};

  S* first_ = nullptr;
  S* last_ = nullptr;
};

}  // namespace gh::net
