// SPDX-License-Identifier: Apache-2.0
// --expect 'p99<5ms': what a run must have reached, and whether it did.
// In: the text; the figures of a run by name.   Out: held or not, with what was measured. Pure.
//
//   latency   p50 p99 p99.9 … mean min max, and of the handshake alone: handshake-p99 …   duration
//   rate      operations a second      errors   how many      operations   how many   number
//   cpu       server CPU an operation   duration
//   memory    server memory a connection   bytes, or with KiB, MiB
#pragma once

#include "base/result.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gh::load {

enum class Unit : std::uint8_t { number, nanoseconds, bytes };

struct Expectation {
  enum class Relation : std::uint8_t { below, at_most, equal, at_least, above };

  std::string text;    // as given
  std::string figure;  // "p99", "handshake-p99", "rate"
  Unit unit = Unit::number;
  Relation relation = Relation::below;
  double bound = 0;

  static Outcome<Expectation> parse(std::string_view text);

  bool holds(double measured) const noexcept;
};

// The P of "p99.9"; nothing when it is no percentile.
std::optional<double> percentile_of(std::string_view figure);

// "2.31 ms", "18 KiB", "1520".
std::string format_value(double value, Unit unit);

}  // namespace gh::load
