// SPDX-License-Identifier: Apache-2.0
// When the operations of an open loop are meant to begin: evenly spaced over all threads, from a
// start, whatever the server does. A late one is begun late and measured from when it was meant to.
// In: the time.   Out: due(), take_next(). Owner: one thread.
#pragma once

#include "base/units.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace gh::load {

class Schedule {
 public:
  // Thread `thread` of `threads` has each threads-th operation. Precondition: rate > 0.
  Schedule(double rate, std::size_t thread, std::size_t threads)
      : rate_(rate), next_(thread), threads_(threads) {}

  void start(Instant at) noexcept { start_ = at; }

  Instant next() const noexcept {
    if (start_ == Instant::never()) return start_;
    return start_ + Duration(std::llround(static_cast<double>(next_) / rate_ * 1e9));
  }

  bool due(Instant now) const noexcept { return next() <= now; }

  Instant take_next() noexcept {
    const Instant at = next();
    next_ += threads_;
    return at;
  }

  // Due and not yet taken.
  std::uint64_t behind(Instant now) const noexcept {
    if (!due(now)) return 0;
    const double per_ns = rate_ / static_cast<double>(threads_) / 1e9;
    return 1 + static_cast<std::uint64_t>(static_cast<double>((now - next()).count()) * per_ns);
  }

 private:
  double rate_;
  std::uint64_t next_;
  std::uint64_t threads_;
  Instant start_ = Instant::never();
};

}  // namespace gh::load
