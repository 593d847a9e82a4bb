// SPDX-License-Identifier: Apache-2.0
// Round-trip estimate and retransmission timeout of one connection (RFC 6298).
// In: samples that are not ambiguous (Karn).   Out: rto(), srtt(), min_rtt().
// Owner: Connection. Not here: which bytes to send again (send_queue.h).
#pragma once

#include "base/limits.h"
#include "base/units.h"

#include <algorithm>
#include <cstdint>

namespace gh::tcp {

class RttEstimator {
 public:
  void on_sample(Duration sample) noexcept {
    const auto us =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(sample.count() / 1000, 1, 100'000'000));
    if (srtt_us_ == 0) {
      srtt_us_ = us;
      rttvar_us_ = us / 2;
    } else {
      const std::uint32_t off = srtt_us_ > us ? srtt_us_ - us : us - srtt_us_;
      rttvar_us_ = rttvar_us_ - rttvar_us_ / 4 + off / 4;
      srtt_us_ = std::max(1u, srtt_us_ - srtt_us_ / 8 + us / 8);
    }
    min_us_ = min_us_ == 0 ? us : std::min(min_us_, us);
    backoff_ = 0;
  }

  bool known() const noexcept { return srtt_us_ != 0; }

  Duration srtt() const noexcept { return std::chrono::microseconds(srtt_us_); }

  Duration min_rtt() const noexcept { return std::chrono::microseconds(min_us_); }

  // RFC 6298 §2.3, §5.5, with the variance's share never below the minimum, as the timer of a
  // steady path would otherwise fire on the first delay.
  Duration rto() const noexcept {
    Duration base = limits::tcp_rto_first;
    if (known()) {
      base = srtt() +
             std::max<Duration>(std::chrono::microseconds(4ull * rttvar_us_), limits::tcp_rto_min);
    }
    return std::min<Duration>(base * (1ll << backoff_), limits::tcp_rto_max);
  }

  void back_off() noexcept { backoff_ = static_cast<std::uint8_t>(std::min(backoff_ + 1, 10)); }

  void forget_backoff() noexcept { backoff_ = 0; }

 private:
  std::uint32_t srtt_us_ = 0;
  std::uint32_t rttvar_us_ = 0;
  std::uint32_t min_us_ = 0;
  std::uint8_t backoff_ = 0;
};

}  // namespace gh::tcp
