// SPDX-License-Identifier: Apache-2.0
#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace gh {
namespace {

void unlink(detail::TimerLink& link) noexcept {
  link.prev->next = link.next;
  link.next->prev = link.prev;
  link.next = link.prev = &link;
}

void append(detail::TimerLink& head, detail::TimerLink& link) noexcept {
  link.prev = head.prev;
  link.next = &head;
  head.prev->next = &link;
  head.prev = &link;
}

}  // namespace

Timer::~Timer() {
  if (wheel_ != nullptr) wheel_->cancel(*this);
}

TimerWheel::TimerWheel(Instant start) : tick_(tick_of(start)) {}

TimerWheel::~TimerWheel() {
  for (Link& head : heads_) {
    while (head.next != &head) cancel(static_cast<Timer&>(*head.next));
  }
}

void TimerWheel::arm(Timer& timer, Instant deadline) noexcept {
  cancel(timer);
  timer.deadline_ = deadline;
  timer.wheel_ = this;
  // A deadline ends inside its slot, so the slot after it is the first that is surely not early.
  const std::size_t at = std::max(tick_of(deadline) + 1, tick_) % slots;
  append(heads_[at], timer);
  used_[at / 64] |= std::uint64_t{1} << (at % 64);
  ++armed_;
}

void TimerWheel::cancel(Timer& timer) noexcept {
  if (timer.wheel_ == nullptr) return;
  // what stays behind alone: a slot's head
  Link* const last = timer.next == timer.prev ? timer.next : nullptr;
  unlink(timer);
  forget_if_slot(last);
  timer.wheel_ = nullptr;
  --armed_;
}

// So that next_deadline() does not wake the loop for a slot of cancelled timers. A list being
// expired is no slot.
void TimerWheel::forget_if_slot(const Link* empty) noexcept {
  const std::less<> before;
  if (empty == nullptr || before(empty, heads_.data()) || !before(empty, heads_.data() + slots))
    return;
  const auto at = static_cast<std::size_t>(empty - heads_.data());
  used_[at / 64] &= ~(std::uint64_t{1} << (at % 64));
}

void TimerWheel::expire(Instant now) noexcept {
  const std::size_t now_tick = tick_of(now);
  if (now_tick < tick_) return;
  const std::size_t first = std::max(tick_, now_tick >= slots ? now_tick - slots + 1 : 0);
  for (std::size_t tick = first; tick <= now_tick; ++tick) {
    const std::size_t at = tick % slots;
    tick_ = tick + 1;  // what is armed from a callback lands in a later slot
    if ((used_[at / 64] >> (at % 64) & 1) != 0) expire_slot(at, now_tick);
  }
}

void TimerWheel::expire_slot(std::size_t at, std::size_t now_tick) noexcept {
  Link due;  // the slot's timers move here, so that callbacks may arm and cancel any timer
  Link& head = heads_[at];
  used_[at / 64] &= ~(std::uint64_t{1} << (at % 64));
  if (head.next == &head) return;
  due.next = head.next;
  due.prev = head.prev;
  due.next->prev = &due;
  due.prev->next = &due;
  head.next = head.prev = &head;
  while (due.next != &due) {
    auto& timer = static_cast<Timer&>(*due.next);
    unlink(timer);
    if (tick_of(timer.deadline_) + 1 > now_tick) {  // a later round of the wheel
      append(head, timer);
      used_[at / 64] |= std::uint64_t{1} << (at % 64);
      continue;
    }
    timer.wheel_ = nullptr;
    --armed_;
    timer.fire_(timer.owner_);
  }
}

Instant TimerWheel::next_deadline() const noexcept {
  if (armed_ == 0) return Instant::never();
  std::size_t ahead = 0;
  while (ahead < slots) {
    const std::size_t at = (tick_ + ahead) % slots;
    const std::uint64_t bits = used_[at / 64] >> (at % 64);
    if (bits != 0) {
      ahead += static_cast<std::size_t>(std::countr_zero(bits));
      break;
    }
    ahead += 64 - at % 64;
  }
  return {static_cast<std::int64_t>(tick_ + ahead) * slot.count()};
}

}  // namespace gh
