// SPDX-License-Identifier: Apache-2.0
// Time and core numbers as types; bare integers only at the wire and the command line.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace gh {

using Duration = std::chrono::nanoseconds;

// A point on the monotonic clock of the process, or on the simulator's clock. Handed in, never read
// by a layer.
struct Instant {
  std::int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;

  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
};

// Saturates at never(), so that a timeout of any length may be added.
constexpr Instant operator+(Instant at, Duration by) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(at.ns, by.count(), &sum) ? Instant::never() : Instant{sum};
}

constexpr Duration operator-(Instant a, Instant b) { return Duration(a.ns - b.ns); }

// Seconds since 1970 on the wall clock: what certificates, tickets and tokens are compared with.
struct UnixTime {
  std::int64_t seconds = 0;
  auto operator<=>(const UnixTime&) const = default;
};

Instant monotonic_now() noexcept;  // for the worker's loop and control only
UnixTime wall_now() noexcept;

struct CoreId {
  std::uint16_t value = 0;
  auto operator<=>(const CoreId&) const = default;
};

}  // namespace gh
