// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/deadline_wheel.h"

#include <algorithm>

namespace gh::tcp {

DeadlineWheel::DeadlineWheel(Instant start) noexcept
    : tick_(static_cast<std::uint64_t>(start.ns / tick_ns) + 1) {
  for (auto& level : slots_) {
    for (WheelLink& head : level) head.next = head.prev = &head;
  }
}

void DeadlineWheel::arm(WheelLink& link, Instant deadline) noexcept {
  cancel(link);
  link.tick = static_cast<std::uint64_t>((deadline.ns + tick_ns - 1) / tick_ns);
  link.tick =
      std::clamp<std::uint64_t>(link.tick, tick_ + (expiring_ ? 1 : 0), tick_ + (1ull << 32) - 1);
  insert(link);
  ++armed_;
}

void DeadlineWheel::insert(WheelLink& link) noexcept {
  // The level is where its number and the present one first differ, seen from above.
  const std::uint64_t differ = link.tick ^ tick_;
  std::size_t level = 0;
  while (level + 1 < levels && differ >> (8 * (level + 1)) != 0) ++level;
  const std::size_t slot = link.tick >> (8 * level) & 255;
  WheelLink& head = slots_[level][slot];
  link.prev = head.prev;
  link.next = &head;
  head.prev->next = &link;
  head.prev = &link;
  used_[level][slot / 64] |= 1ull << (slot % 64);
}

void DeadlineWheel::cancel(WheelLink& link) noexcept {
  if (!link.armed()) return;
  link.prev->next = link.next;
  link.next->prev = link.prev;
  link.tick = 0;
  --armed_;
}

// Entries of the slot that begins now go to lower levels.
void DeadlineWheel::cascade(std::size_t level) noexcept {
  const std::size_t slot = tick_ >> (8 * level) & 255;
  if (!used(level, slot)) return;
  used_[level][slot / 64] &= ~(1ull << (slot % 64));
  WheelLink& head = slots_[level][slot];
  while (head.next != &head) {
    WheelLink& link = *head.next;
    link.prev->next = link.next;
    link.next->prev = link.prev;
    insert(link);
  }
}

void DeadlineWheel::skip_to(std::uint64_t tick) noexcept {
  tick_ = tick;
  for (std::size_t level = levels; level-- > 1;) {
    if ((tick_ & ((1ull << (8 * level)) - 1)) == 0) cascade(level);
  }
}

void DeadlineWheel::advance() noexcept {
  const std::size_t slot = tick_ & 255;
  used_[0][slot / 64] &= ~(1ull << (slot % 64));
  skip_to(tick_ + 1);
}

// Moves to the next slot that may have entries, not beyond `until`; false: none up to there.
bool DeadlineWheel::step_to_used(std::uint64_t until) noexcept {
  while (!used(0, tick_ & 255)) {
    const std::uint64_t round_end = tick_ | 255;
    std::uint64_t at = tick_;
    while (at <= round_end && !used(0, at & 255)) {
      const std::uint64_t word = used_[0][(at & 255) / 64] >> (at & 63);
      at += word == 0 ? 64 - (at & 63) : static_cast<std::uint64_t>(__builtin_ctzll(word));
    }
    if (at > until) return false;
    skip_to(std::min(at, round_end + 1));
  }
  return tick_ <= until;
}

Instant DeadlineWheel::next_deadline() const noexcept {
  if (armed_ == 0) return Instant::never();
  for (std::size_t level = 0; level < levels; ++level) {
    const std::uint64_t base = tick_ >> (8 * level);
    // The slot of a higher level that has begun is empty: it was cascaded.
    for (std::uint64_t at = base + (level > 0 ? 1 : 0); at <= (base | 255); ++at) {
      if (used(level, at & 255)) {
        return Instant{static_cast<std::int64_t>(at << (8 * level)) * tick_ns};
      }
    }
  }
  return Instant{static_cast<std::int64_t>((tick_ | 0xffffff) + 1) * tick_ns};
}

}  // namespace gh::tcp
