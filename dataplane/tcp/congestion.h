// SPDX-License-Identifier: Apache-2.0
// How many bytes may be in flight: CUBIC (RFC 9438) or NewReno (RFC 5681), behind three events.
// In: bytes acknowledged, losses, timeouts.   Out: cwnd(), ssthresh().
// Owner: Connection; allocates nothing. Not here: what is in flight and what is lost
// (send_queue.h).
#pragma once

#include "base/units.h"

#include <cstdint>

namespace gh::tcp {

enum class CongestionKind : std::uint8_t { cubic, new_reno };

class Congestion {
 public:
  void start(CongestionKind kind, std::uint32_t mss) noexcept;  // initial window of RFC 6928

  std::uint32_t cwnd() const noexcept { return cwnd_; }

  std::uint32_t ssthresh() const noexcept { return ssthresh_; }

  bool in_slow_start() const noexcept { return cwnd_ < ssthresh_; }

  // Outside recovery. Only while the window was what held us back (RFC 9438 §5.8).
  void on_ack(std::uint32_t bytes, Duration srtt, Instant now) noexcept;
  void on_loss(std::uint32_t in_flight) noexcept;  // once a window: recovery begins
  void on_timeout(std::uint32_t in_flight, bool first) noexcept;
  void on_recovered(std::uint32_t in_flight) noexcept;
  void on_idle() noexcept;  // RFC 5681 §4.1: start again

  void set_mss(std::uint32_t mss) noexcept { mss_ = mss; }

  static std::uint32_t initial_window(std::uint32_t mss) noexcept;

 private:
  void reduce(std::uint32_t in_flight) noexcept;
  void grow_cubic(std::uint32_t bytes, Duration srtt, Instant now) noexcept;
  void grow_reno(std::uint32_t bytes) noexcept;

  std::uint32_t cwnd_ = 0;
  std::uint32_t ssthresh_ = 0xffffffff;
  std::uint32_t mss_ = 0;
  std::uint32_t acked_ = 0;  // NewReno: bytes towards the next segment
  // CUBIC, in segments and seconds
  float w_max_ = 0, k_ = 0, w_est_ = 0, origin_ = 0;
  Instant epoch_;  // 0: none
  CongestionKind kind_ = CongestionKind::cubic;
};

}  // namespace gh::tcp
