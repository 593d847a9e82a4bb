// SPDX-License-Identifier: Apache-2.0
// Door 3 between cores: numbers written by one core and summed by control.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace gh {

// Written by its owner only (a plain load and store, no locked instruction), read by anyone.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  void sub(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }

  std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Latencies in power-of-two buckets of a microsecond: bucket i counts values below 2^i µs, the last
// all others.
class LatencyHistogram {
 public:
  static constexpr std::size_t buckets = 26;

  void record(std::int64_t ns) noexcept {
    const auto us = static_cast<std::uint64_t>(ns < 0 ? 0 : ns / 1000);
    const auto at = static_cast<std::size_t>(std::bit_width(us));
    counts_[at < buckets ? at : buckets - 1].add();
    sum_ns_.add(static_cast<std::uint64_t>(ns < 0 ? 0 : ns));
  }

  std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket].read(); }

  std::uint64_t sum_ns() const noexcept { return sum_ns_.read(); }

 private:
  std::array<Counter, buckets> counts_;
  Counter sum_ns_;
};

}  // namespace gh
