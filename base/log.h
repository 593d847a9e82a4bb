// SPDX-License-Identifier: Apache-2.0
// Log lines from a worker to control: a bounded ring, never blocking. Full: the line is dropped and
// counted. Rate limit: a worker's event lines of one kind, at most `burst` a second (LogLimiter);
// what was held back is counted.
#pragma once

#include "base/counters.h"
#include "base/limits.h"
#include "base/spsc_ring.h"
#include "base/units.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace gh {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct LogLine {
  LogLevel level = LogLevel::info;
  bool access = false;  // a line of the access log (JSON already), not an event
  std::string text;
};

class LogQueue {
 public:
  void push(LogLine line) noexcept {
    if (!ring_.push(std::move(line))) dropped_.add();
  }

  std::optional<LogLine> pop() noexcept { return ring_.pop(); }  // control

  std::uint64_t dropped() const noexcept { return dropped_.read(); }

 private:
  SpscRing<LogLine> ring_{limits::log_queue_lines};
  Counter dropped_;
};

class LogLimiter {
 public:
  explicit LogLimiter(std::uint32_t burst) : burst_(burst) {}

  // True when a line may be written now; then `held_back` says how many were not since the last.
  bool allow(Instant now, std::uint64_t& held_back) noexcept {
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      used_ = 0;
    }
    if (used_ >= burst_) {
      ++held_;
      return false;
    }
    ++used_;
    held_back = held_;
    held_ = 0;
    return true;
  }

 private:
  std::uint32_t burst_;
  std::uint32_t used_ = 0;
  std::uint64_t held_ = 0;
  Instant second_;
};

}  // namespace gh
