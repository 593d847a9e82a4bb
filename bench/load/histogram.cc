// SPDX-License-Identifier: Apache-2.0
#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace gh::load {
namespace {

constexpr std::int64_t value_max = (std::int64_t{1} << Histogram::value_bits) - 1;

}  // namespace

// Values below 2^11 have slots of their own; above, the highest eleven bits choose.
std::size_t Histogram::slot_of(std::int64_t ns) noexcept {
  const auto value = static_cast<std::uint64_t>(ns);
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > step_bits + 1 ? width - step_bits - 1 : 0;
  return (std::size_t{shift} << step_bits) + static_cast<std::size_t>(value >> shift);
}

std::int64_t Histogram::highest_of(std::size_t slot) noexcept {
  const std::size_t bucket = slot >> step_bits;
  const std::size_t shift = bucket < 2 ? 0 : bucket - 1;
  const std::size_t top = slot - (shift << step_bits);
  return static_cast<std::int64_t>(((top + 1) << shift) - 1);
}

void Histogram::record(Duration value, std::uint64_t times) noexcept {
  if (times == 0) return;
  const std::int64_t ns = std::clamp<std::int64_t>(value.count(), 0, value_max);
  counts_[slot_of(ns)] += times;
  count_ += times;
  sum_ += static_cast<double>(ns) * static_cast<double>(times);
  min_ = std::min(min_, ns);
  max_ = std::max(max_, ns);
}

void Histogram::add(const Histogram& other) noexcept {
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) counts_[slot] += other.counts_[slot];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Histogram Histogram::corrected(Duration interval) const {
  Histogram out = *this;
  if (interval <= Duration(0)) return out;
  each([&](Duration value, std::uint64_t times) {
    for (Duration missed = value - interval; missed >= interval; missed -= interval)
      out.record(missed, times);
  });
  return out;
}

Duration Histogram::mean() const noexcept {
  if (count_ == 0) return Duration(0);
  return Duration(static_cast<std::int64_t>(sum_ / static_cast<double>(count_)));
}

Duration Histogram::percentile(double percent) const noexcept {
  const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_);
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share - 1e-9)));
  std::uint64_t seen = 0;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    seen += counts_[slot];
    if (seen >= wanted) return std::min(Duration(highest_of(slot)), max());
  }
  return Duration(0);
}

}  // namespace gh::load
