// SPDX-License-Identifier: Apache-2.0
// Latencies with three exact digits from 1 ns to about 70 minutes, in the layout of HdrHistogram
// (Debian 12 has no package of the C library): buckets that double, each in 1024 equal steps.
// In: record(), add() of another thread's.   Out: percentiles, and the same corrected for
// coordinated omission. Owner: one thread while it runs; merged when all have ended.
#pragma once

#include "base/units.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gh::load {

class Histogram {
 public:
  static constexpr unsigned step_bits = 10;  // 2^10 steps in a bucket: below 0.1 % off
  static constexpr unsigned value_bits = 42;
  static constexpr std::size_t slots = (value_bits - step_bits + 1) << step_bits;

  void record(Duration value, std::uint64_t times = 1) noexcept;
  void add(const Histogram& other) noexcept;
  // As if a waiting client had gone on asking each `interval` while an answer took longer than
  // that (HdrHistogram's copy corrected for an expected interval).
  Histogram corrected(Duration interval) const;

  std::uint64_t count() const noexcept { return count_; }

  Duration min() const noexcept { return Duration(count_ == 0 ? 0 : min_); }

  Duration max() const noexcept { return Duration(max_); }

  Duration mean() const noexcept;
  // The least value that `percent` of all do not exceed, as the highest value of its step, but
  // never above max(). 0 when nothing was recorded.
  Duration percentile(double percent) const noexcept;

  // each(value, count) for every step in use, in order.
  template <class Each>
  void each(Each each) const {
    for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
      if (counts_[slot] != 0) each(Duration(highest_of(slot)), counts_[slot]);
    }
  }

 private:
  static std::size_t slot_of(std::int64_t ns) noexcept;
  static std::int64_t highest_of(std::size_t slot) noexcept;

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(slots);
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::int64_t min_ = INT64_MAX;
  std::int64_t max_ = 0;
};

}  // namespace gh::load
