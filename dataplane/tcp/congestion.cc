// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/congestion.h"

#include <algorithm>
#include <cmath>

namespace gh::tcp {
namespace {

constexpr float cubic_c = 0.4f, cubic_beta = 0.7f;
constexpr std::uint32_t cwnd_max = 1u << 30;

}  // namespace

std::uint32_t Congestion::initial_window(std::uint32_t mss) noexcept {  // RFC 6928 §2
  return std::min(10 * mss, std::max(2 * mss, 14'600u));
}

void Congestion::start(CongestionKind kind, std::uint32_t mss) noexcept {
  kind_ = kind;
  mss_ = mss;
  cwnd_ = initial_window(mss);
}

void Congestion::on_ack(std::uint32_t bytes, Duration srtt, Instant now) noexcept {
  if (cwnd_ >= cwnd_max) return;
  if (in_slow_start()) {  // RFC 3465 §2.2 with L = 2: a stretched ACK does not burst
    cwnd_ = std::min(cwnd_ + std::min(bytes, 2 * mss_), std::max(ssthresh_, cwnd_));
    return;
  }
  if (kind_ == CongestionKind::cubic) {
    grow_cubic(bytes, srtt, now);
  } else {
    grow_reno(bytes);
  }
}

void Congestion::grow_reno(std::uint32_t bytes) noexcept {
  acked_ += bytes;
  if (acked_ < cwnd_) return;
  acked_ -= cwnd_;
  cwnd_ += mss_;
}

// RFC 9438 §4.2 to §4.4: the cubic function of the time since the last reduction, never slower than
// Reno would be.
void Congestion::grow_cubic(std::uint32_t bytes, Duration srtt, Instant now) noexcept {
  const auto mss = static_cast<float>(mss_);
  const float cwnd = static_cast<float>(cwnd_) / mss;
  if (epoch_.ns == 0) {
    epoch_ = now;
    w_est_ = cwnd;
    origin_ = std::max(w_max_, cwnd);
    k_ = w_max_ > cwnd ? std::cbrt((w_max_ - cwnd) / cubic_c) : 0;
  }
  const float t = static_cast<float>((now - epoch_ + srtt).count()) * 1e-9f - k_;
  const float target = std::clamp(origin_ + cubic_c * t * t * t, cwnd, 1.5f * cwnd);
  const float acked = static_cast<float>(bytes) / mss;
  const float alpha = w_est_ < w_max_ ? 3 * (1 - cubic_beta) / (1 + cubic_beta) : 1.0f;
  w_est_ += alpha * acked / cwnd;
  const float next = std::max(w_est_, cwnd + (target - cwnd) / cwnd * acked);
  cwnd_ = std::max(cwnd_, static_cast<std::uint32_t>(std::min(next, 1e6f) * mss));
}

void Congestion::reduce(std::uint32_t in_flight) noexcept {
  epoch_ = {};
  acked_ = 0;
  if (kind_ == CongestionKind::new_reno) {
    ssthresh_ = std::max(in_flight / 2, 2 * mss_);  // RFC 5681 (4)
    return;
  }
  const float cwnd = static_cast<float>(cwnd_) / static_cast<float>(mss_);
  w_max_ = cwnd < w_max_ ? cwnd * (1 + cubic_beta) / 2 : cwnd;  // §4.7 fast convergence
  const float flight = static_cast<float>(std::min(in_flight, cwnd_));
  ssthresh_ = std::max(static_cast<std::uint32_t>(flight * cubic_beta), 2 * mss_);
}

void Congestion::on_loss(std::uint32_t in_flight) noexcept {
  reduce(in_flight);
  cwnd_ = ssthresh_;
}

void Congestion::on_timeout(std::uint32_t in_flight, bool first) noexcept {
  if (first) reduce(in_flight);
  epoch_ = {};
  cwnd_ = mss_;
}

void Congestion::on_recovered(std::uint32_t in_flight) noexcept {
  // RFC 6582 §3.2 step 3, option 1: no burst when little is left in flight.
  cwnd_ = std::max(std::min(ssthresh_, std::max(in_flight, 3 * mss_) + mss_), 2 * mss_);
}

void Congestion::on_idle() noexcept { cwnd_ = std::min(cwnd_, initial_window(mss_)); }

}  // namespace gh::tcp
