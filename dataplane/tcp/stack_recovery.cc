// SPDX-License-Identifier: Apache-2.0
// What an ACK tells of losses, and the timers that find those no ACK tells of: RFC 6298 (timeout),
// RFC 8985 (reordering, tail probes), RFC 6675 and RFC 6582 (recovery), RFC 9293 §3.8.6.1 (window
// probes).
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>

namespace gh::tcp {

void Stack::recover(
    Connection& c, const Segment& s, const AckOutcome& ack, std::uint32_t flight
) noexcept {
  (void)s;
  if (c.tlp_out_ && c.send_.una() >= c.tlp_end_) {  // RFC 8985 §7.4.2
    const bool repaired = c.send_.una() > c.tlp_end_ && !ack.duplicate_sack;
    c.tlp_out_ = false;
    if (repaired && !c.in_recovery_) c.congestion_.on_loss(flight);
  }
  if (ack.duplicate_sack) c.send_.on_duplicate_sack();
  if (c.in_recovery_ && c.send_.una() >= c.recover_) {
    c.in_recovery_ = false;
    if (!c.timed_out_) c.congestion_.on_recovered(c.send_.in_flight());
    c.timed_out_ = false;
    c.duplicate_acks_ = 0;
  }
  if (c.sack_ok_) {
    look_for_losses(c);
  } else if (c.in_recovery_) {
    if (ack.acked > 0 && !c.timed_out_) {  // RFC 6582 §3.2: the next hole begins here
      c.send_.mark_head_lost();
      c.resend_now_ = true;
      c.duplicate_acks_ = 0;
    }
  } else if (c.duplicate_acks_ == 3) {
    c.send_.mark_head_lost();
    enter_recovery(c, flight);
  }
  if (ack.acked > 0 && !c.in_recovery_) c.duplicate_acks_ = 0;
  const std::uint32_t cwnd = c.congestion_.cwnd();
  const bool limited =
      c.congestion_.in_slow_start() ? flight * 2 >= cwnd : flight + 3u * c.mss_ >= cwnd;
  if (ack.acked > 0 && limited && (!c.in_recovery_ || c.timed_out_)) {
    c.congestion_.on_ack(ack.acked, c.rtt_.srtt(), now_);
  }
  if (ack.acked > 0 && c.rtx_timer_ != RtxTimer::reorder) c.rtx_timer_ = RtxTimer::off;
  arm_rtx(c);
}

void Stack::enter_recovery(Connection& c, std::uint32_t flight) noexcept {
  counters_.recoveries.add();
  c.in_recovery_ = true;
  c.timed_out_ = false;
  c.tlp_out_ = false;
  c.recover_ = c.send_.nxt();
  c.resend_now_ = true;
  c.congestion_.on_loss(flight);
}

void Stack::look_for_losses(Connection& c) noexcept {
  bool found = false;
  const std::uint32_t flight = c.send_.in_flight();
  const Instant again =
      c.send_.detect_losses(now_, c.rtt_.min_rtt(), c.rtt_.srtt(), c.in_recovery_, found);
  if (found && !c.in_recovery_) enter_recovery(c, flight);
  if (found) touch(c);
  if (again != Instant::never()) {
    c.rtx_timer_ = RtxTimer::reorder;
    c.rtx_deadline_ = again;
  } else if (c.rtx_timer_ == RtxTimer::reorder || c.rtx_timer_ == RtxTimer::off) {
    c.rtx_timer_ = RtxTimer::off;
    arm_rtx(c);
  }
}

// Which timer runs now. One that runs is left alone: whoever wants it anew says off first.
void Stack::arm_rtx(Connection& c) noexcept {
  if (c.rtx_timer_ == RtxTimer::handshake) return;
  if (!c.send_.outstanding()) {
    const bool blocked = c.send_.unsent() != nullptr || (c.wants_room_ && may_send(c.state_));
    if (!blocked) {
      c.rtx_timer_ = RtxTimer::off;
      c.rtx_deadline_ = Instant::never();
    } else if (c.rtx_timer_ != RtxTimer::window_probe) {
      c.rtx_timer_ = RtxTimer::window_probe;
      c.rtx_deadline_ = now_ + c.rtt_.rto();
    }
    return;
  }
  if (c.rtx_timer_ != RtxTimer::off && c.rtx_timer_ != RtxTimer::window_probe) return;
  c.rtx_timer_ = RtxTimer::timeout;
  c.rtx_deadline_ = now_ + c.rtt_.rto();
  const bool probe = c.sack_ok_ && c.rtt_.known() && !c.in_recovery_ && !c.tlp_out_ &&
                     c.send_.sacked_bytes() == 0 && c.snd_wnd_ > 0;
  if (!probe) return;
  Duration wait = c.rtt_.srtt() * 2;  // RFC 8985 §7.2
  if (c.send_.in_flight() <= payload_max(c)) wait += limits::tcp_rto_min;
  if (now_ + wait < c.rtx_deadline_) {
    c.rtx_timer_ = RtxTimer::tail_probe;
    c.rtx_deadline_ = now_ + wait;
  }
}

// RFC 6298 §5.4 to §5.7, RFC 5681 §3.1.
void Stack::on_timeout(Connection& c) noexcept {
  if (!c.send_.outstanding()) return arm_rtx(c);
  counters_.timeouts.add();
  const bool shut = c.snd_wnd_ == 0;
  if (shut && now_ - c.zero_window_since_ > config_.zero_window_max) {
    counters_.timed_out_zero_window.add();
    return abort(c), void(c.reason_ = CloseReason::timed_out);
  }
  if (++c.retries_ > limits::tcp_retries) {
    counters_.timed_out_data.add();
    return abort(c), void(c.reason_ = CloseReason::timed_out);
  }
  // Nothing large gets through, and no router says so: a black hole (RFC 8899 §4.3, RFC 4821).
  const std::uint32_t floor = c.remote_.address.is_v4() ? 512 : 1220;
  if (c.retries_ == 3 && c.mss_ > floor && sent(c.send_.head()).length > floor / 2) {
    lower_mss(c, floor);
  }
  if (!shut) {
    c.congestion_.on_timeout(c.send_.in_flight(), c.retries_ == 1);
    c.in_recovery_ = c.timed_out_ = true;
    c.recover_ = c.send_.nxt();
  }
  c.tlp_out_ = false;
  c.duplicate_acks_ = 0;
  c.send_.mark_all_lost();
  c.resend_now_ = true;
  c.rtt_.back_off();
  c.rtx_timer_ = RtxTimer::timeout;
  c.rtx_deadline_ = now_ + c.rtt_.rto();
  touch(c);
}

void Stack::on_tail_probe(Connection& c) noexcept {
  wire::Frame* last = c.send_.last_sent();
  if (last != nullptr && !c.in_recovery_) {
    c.tlp_out_ = true;
    c.tlp_end_ = c.send_.nxt();
    counters_.resent_probe.add();
    emit_data(c, last);
    c.send_.on_sent(last, now_);
  }
  c.rtx_timer_ = RtxTimer::timeout;
  c.rtx_deadline_ = now_ + c.rtt_.rto();
}

// The peer's window is shut, or silly. Nothing is in flight.
void Stack::on_window_probe(Connection& c) noexcept {
  if (now_ - c.zero_window_since_ > config_.zero_window_max && c.snd_wnd_ == 0) {
    counters_.timed_out_zero_window.add();
    return abort(c), void(c.reason_ = CloseReason::timed_out);
  }
  if (room_to_send(c) > 0 && c.send_.unsent() == nullptr) {
    c.small_allowed_ = true;  // RFC 9293 §3.8.6.2.1 (4): the override timeout
    return touch(c);
  }
  if (++c.retries_ > limits::tcp_retries) {
    counters_.timed_out_data.add();
    return abort(c), void(c.reason_ = CloseReason::timed_out);
  }
  // A sequence number that is acknowledged already draws an ACK with the window of today.
  counters_.window_probes.add();
  emit_empty(c, c.send_.una() - 1, wire::TcpFlags::ack);
  c.rtt_.back_off();
  c.rtx_timer_ = RtxTimer::window_probe;
  c.rtx_deadline_ = now_ + c.rtt_.rto();
}

}  // namespace gh::tcp
