// SPDX-License-Identifier: Apache-2.0
// What one HTTP/2 peer may cost us: reads each frame header before nghttp2 does and keeps count of
// frames that are cheap to send and dear to receive (RFC 9113 §10.5). In: frame headers, time, what
// moved out.   Out: a verdict for each frame, when a half-sent header block is due. Owner:
// H2Session, so one core; takes no lock and allocates nothing. Not here: what a frame means
// (nghttp2), which streams are open (h2_server.cc).
#pragma once

#include "base/limits.h"
#include "base/units.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gh::http {

namespace h2 {

inline constexpr std::size_t frame_head_bytes = 9;

enum Type : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
};

inline constexpr std::uint8_t flag_end_stream = 0x1;
inline constexpr std::uint8_t flag_ack = 0x1;
inline constexpr std::uint8_t flag_end_headers = 0x4;

struct FrameHead {
  std::uint32_t length;
  std::uint8_t type;
  std::uint8_t flags;
  std::uint32_t stream;
};

constexpr FrameHead parse_frame_head(const std::uint8_t* at) {
  return {
      static_cast<std::uint32_t>(at[0] << 16 | at[1] << 8 | at[2]),
      at[3],
      at[4],
      static_cast<std::uint32_t>((at[5] & 0x7f) << 24 | at[6] << 16 | at[7] << 8 | at[8]),
  };
}

}  // namespace h2

// So many at once, so many a second after that. Kept as time: a token is worth 1/rate of a second.
class TokenBucket {
 public:
  TokenBucket(std::int64_t burst, std::int64_t per_second, Instant now)
      : token_ns_(1'000'000'000 / per_second),
        full_ns_(burst * token_ns_),
        level_ns_(full_ns_),
        at_(now) {}

  // False: there are not so many; then the bucket is empty.
  bool take(Instant now, std::int64_t tokens = 1) noexcept {
    give_ns((now - at_).count());
    at_ = now;
    level_ns_ -= tokens * token_ns_;
    if (level_ns_ >= 0) return true;
    level_ns_ = 0;
    return false;
  }

  void give(std::int64_t tokens) noexcept { give_ns(tokens * token_ns_); }

 private:
  void give_ns(std::int64_t ns) noexcept {
    if (ns > full_ns_ - level_ns_) {
      level_ns_ = full_ns_;
    } else if (ns > 0) {
      level_ns_ += ns;
    }
  }

  std::int64_t token_ns_;
  std::int64_t full_ns_;
  std::int64_t level_ns_;
  Instant at_;
};

class H2FrameGuard {
 public:
  enum class Verdict : std::uint8_t { flood, pass };

  explicit H2FrameGuard(Instant now)
      : overhead_(
            limits::h2_overhead_frames_burst_max, limits::h2_overhead_frames_per_second_max, now
        ),
        resets_(limits::h2_resets_burst_max, limits::h2_resets_per_second_max, now) {}

  // Every frame, in order, before its payload is looked at.
  Verdict on_frame(const h2::FrameHead& frame, Instant now) noexcept;

  // `left`: payload bytes of the frame begun last that have not arrived.
  void on_payload(std::uint32_t left) noexcept {
    if (block_open_ && block_last_ && left == 0) block_open_ = false;
  }

  // A frame that turned out to carry nothing (all padding, or for a stream long gone).
  Verdict on_idle_frame(Instant now) noexcept {
    return overhead_.take(now) ? Verdict::pass : Verdict::flood;
  }

  // A stream ended by the client's RST_STREAM, or by ours because of what the client did
  // (CVE-2023-44487, CVE-2025-8671).
  Verdict on_wasted_stream(Instant now) noexcept {
    return resets_.take(now) ? Verdict::pass : Verdict::flood;
  }

  // A DATA frame moved out. A peer answers it with up to two WINDOW_UPDATE frames, and it may
  // answer many DATA frames at once: what they earned waits, it does not run over as in a full
  // bucket. One that dribbles its window (CVE-2019-9511) earns nothing by frames which that window
  // cut short.
  void on_data_sent(std::size_t bytes, bool cut_by_window) noexcept {
    if (cut_by_window && bytes < 1024) return;
    overhead_.give(1);
    updates_earned_ = std::min(updates_earned_ + 2, limits::h2_updates_earned_max);
  }

  // A request was taken up: its SETTINGS, PING and WINDOW_UPDATE company is welcome.
  void on_request() noexcept { overhead_.give(2); }

  // A header block is under way; begun at block_since().
  bool block_open() const noexcept { return block_open_; }

  Instant block_since() const noexcept { return block_since_; }

 private:
  Verdict on_block(const h2::FrameHead& frame) noexcept;
  Verdict on_window_update(Instant now) noexcept;

  TokenBucket overhead_;
  TokenBucket resets_;
  std::uint32_t updates_earned_ = 0;
  std::uint32_t block_bytes_ = 0;
  std::uint32_t continuations_ = 0;
  bool block_open_ = false;
  bool block_last_ = false;  // END_HEADERS was seen: the block ends with this frame
  Instant block_since_;
};

}  // namespace gh::http
