// SPDX-License-Identifier: Apache-2.0
// Sequence numbers: modulo 2^32, compared by their distance (RFC 9293 §3.4).
#pragma once

#include <cstdint>

namespace gh::tcp {

struct Seq {
  std::uint32_t value = 0;
  bool operator==(const Seq&) const = default;
};

constexpr Seq operator+(Seq a, std::uint32_t n) { return {a.value + n}; }

constexpr Seq operator-(Seq a, std::uint32_t n) { return {a.value - n}; }

constexpr std::uint32_t operator-(Seq a, Seq b) { return a.value - b.value; }  // a is not before b

constexpr bool operator<(Seq a, Seq b) { return static_cast<std::int32_t>(a.value - b.value) < 0; }

constexpr bool operator>(Seq a, Seq b) { return b < a; }

constexpr bool operator<=(Seq a, Seq b) { return !(b < a); }

constexpr bool operator>=(Seq a, Seq b) { return !(a < b); }

constexpr Seq later(Seq a, Seq b) { return a < b ? b : a; }

constexpr Seq earlier(Seq a, Seq b) { return a < b ? a : b; }

}  // namespace gh::tcp
