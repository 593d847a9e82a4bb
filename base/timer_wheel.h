// SPDX-License-Identifier: Apache-2.0
// Deadlines of one core: an intrusive hashed wheel with 10 ms slots. Arm and cancel are O(1) and
// allocate nothing. A timer fires at or after its deadline, never before; later by up to one slot
// plus the length of a turn.
#pragma once

#include "base/units.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh {

class TimerWheel;

namespace detail {

struct TimerLink {
  TimerLink* next = this;
  TimerLink* prev = this;
};

}  // namespace detail

// Lives in its owner; cancels itself when destroyed.
class Timer : detail::TimerLink {
 public:
  using Fire = void (*)(void* owner) noexcept;

  Timer(void* owner, Fire fire) : owner_(owner), fire_(fire) {}

  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const noexcept { return wheel_ != nullptr; }

  Instant deadline() const noexcept { return deadline_; }

 private:
  friend class TimerWheel;
  TimerWheel* wheel_ = nullptr;
  Instant deadline_;
  void* owner_;
  Fire fire_;
};

class TimerWheel {
 public:
  static constexpr Duration slot{10'000'000};  // 4096 of them: later deadlines go round again
  static constexpr std::size_t slots = 4096;

  explicit TimerWheel(Instant start);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void arm(Timer& timer, Instant deadline) noexcept;  // again: moves it
  void cancel(Timer& timer) noexcept;
  // fires what is due; a fired timer is no longer armed and may be armed again
  void expire(Instant now) noexcept;
  // when to call expire again; never() when nothing is armed
  Instant next_deadline() const noexcept;

  std::size_t armed() const noexcept { return armed_; }

 private:
  using Link = detail::TimerLink;

  static std::size_t tick_of(Instant at) noexcept {
    return static_cast<std::size_t>(at.ns / slot.count());
  }

  void forget_if_slot(const Link* empty) noexcept;
  void expire_slot(std::size_t at, std::size_t now_tick) noexcept;

  std::array<Link, slots> heads_{};
  std::array<std::uint64_t, slots / 64> used_{};  // a bit a slot that may have a timer
  std::size_t tick_;                              // every slot before this one has been looked at
  std::size_t armed_ = 0;
};

}  // namespace gh
