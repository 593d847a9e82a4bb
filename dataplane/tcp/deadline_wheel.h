// SPDX-License-Identifier: Apache-2.0
// Deadlines of a stack's connections, one entry a connection: four wheels of 256 slots, a
// millisecond, a quarter of a second, a minute and five hours a slot. Arm and cancel are O(1);
// a far deadline moves at most three times before it fires, so a million idle ones cost nothing.
// Fires at or after its deadline. Owner: the stack.
#pragma once

#include "base/units.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::tcp {

struct WheelLink {
  WheelLink* next = nullptr;
  WheelLink* prev = nullptr;
  std::uint64_t tick = 0;  // 0: not armed

  bool armed() const noexcept { return tick != 0; }
};

class DeadlineWheel {
 public:
  explicit DeadlineWheel(Instant start) noexcept;
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  void arm(WheelLink& link, Instant deadline) noexcept;  // again: moves it
  void cancel(WheelLink& link) noexcept;

  // Calls fire(link) for all that are due; each is no longer armed then.
  template <class Fire>
  void expire(Instant now, Fire fire) noexcept {
    const std::uint64_t until = static_cast<std::uint64_t>(now.ns / tick_ns);
    while (tick_ <= until && armed_ > 0) {
      if (!step_to_used(until)) break;
      WheelLink& head = slots_[0][tick_ & 255];
      expiring_ = true;  // what is armed meanwhile fires in a later tick
      while (head.next != &head) {
        WheelLink& link = *head.next;
        cancel(link);
        fire(link);
      }
      expiring_ = false;
      advance();
    }
    if (tick_ <= until) skip_to(until + 1);
  }

  Instant next_deadline() const noexcept;

  std::size_t armed() const noexcept { return armed_; }

 private:
  static constexpr std::int64_t tick_ns = 1'000'000;
  static constexpr std::size_t levels = 4;

  void insert(WheelLink& link) noexcept;
  bool step_to_used(std::uint64_t until) noexcept;
  void advance() noexcept;
  void skip_to(std::uint64_t tick) noexcept;
  void cascade(std::size_t level) noexcept;

  bool used(std::size_t level, std::size_t slot) const noexcept {
    return (used_[level][slot / 64] >> (slot % 64) & 1) != 0;
  }

  std::array<std::array<WheelLink, 256>, levels> slots_;
  std::array<std::array<std::uint64_t, 4>, levels> used_{};  // may have entries
  std::uint64_t tick_;                                       // the next to look at
  std::size_t armed_ = 0;
  bool expiring_ = false;
};

}  // namespace gh::tcp
