// SPDX-License-Identifier: Apache-2.0
// The turn: timers, work that waits, the user's calls. The rest of the stack: stack_in.cc
// (segments), stack_recovery.cc (losses and their timers), stack_open.cc (handshakes, farewells),
// stack_out.cc.
#include "dataplane/tcp/stack.h"

#include "base/assert.h"
#include "dataplane/tcp/segment.h"

#include <algorithm>

namespace gh::tcp {

void Connection::enter(State into) noexcept {
  GH_ASSERT((edges_from(state_) & to({into})) != 0);
  state_ = into;
}

Stack::Stack(const StackConfig& config, wire::IpHost& host, wire::FramePool& frames, Instant now)
    : config_(config),
      host_(host),
      frames_(frames),
      secrets_(config.secret),
      pool_(config.connections_max),
      table_({siphash24(config.secret, {5}), siphash24(config.secret, {6})}, pool_),
      wheel_(now),
      sources_(config.source_slots),
      source_key_{siphash24(config.secret, {7}), siphash24(config.secret, {8})},
      now_(now),
      random_(siphash24(config.secret, {9})),
      second_(now),
      challenges_left_(limits::tcp_challenge_acks_per_second_max),
      resets_left_(limits::tcp_resets_per_second_max) {
  budget_.most = config.frames_held_max;
}

Stack::~Stack() {
  pool_.each([&](Connection& c) {
    c.send_.clear(budget_);
    c.receive_.clear(budget_);
  });
}

// ---- the turn ----

void Stack::on_frames(std::span<wire::Frame* const> frames, Instant now) noexcept {
  now_ = now;
  while (!frames.empty()) {
    const auto burst = frames.first(std::min(frames.size(), burst_max));
    on_burst(burst);
    frames = frames.subspan(burst.size());
  }
}

void Stack::poll(Instant now) noexcept {
  now_ = now;
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    // A limit that varies tells an eavesdropper nothing of other connections (RFC 5961 §7).
    random_ = siphash13(source_key_, {random_, static_cast<std::uint64_t>(now.ns)});
    constexpr std::uint32_t half = limits::tcp_challenge_acks_per_second_max / 2;
    challenges_left_ = half + static_cast<std::uint32_t>(random_ % half);
    resets_left_ = limits::tcp_resets_per_second_max;
  }
  host_.expire(now);
  wheel_.expire(now, [&](WheelLink& link) { on_timer(static_cast<Connection&>(link)); });
  // Work may make work (a handler aborts another connection); what still is left waits a turn.
  for (int round = 0; round < 4 && !dirty_.empty(); ++round) {
    working_.swap(dirty_);
    for (Connection* c : working_) {
      c->dirty_ = false;
      work(*c);
    }
    working_.clear();
  }
}

Instant Stack::next_deadline() const noexcept {
  return dirty_.empty() ? wheel_.next_deadline() : now_;
}

void Stack::touch(Connection& c) noexcept {
  if (c.dirty_) return;
  c.dirty_ = true;
  dirty_.push_back(&c);
}

// Called for whatever may have moved a deadline. A deadline that moved back leaves the wheel as it
// is: it fires early once and is put where it belongs then.
void Stack::arm(Connection& c) noexcept {
  const Instant next = std::min({c.rtx_deadline_, c.ack_deadline_, c.life_deadline_});
  if (next == Instant::never()) return;
  if (c.armed() && static_cast<std::int64_t>(c.tick) * 1'000'000 <= next.ns) return;
  wheel_.arm(c, next);
}

void Stack::on_timer(Connection& c) noexcept {
  if (c.state_ == State::closed) return;
  if (c.ack_deadline_ <= now_) {
    c.ack_deadline_ = Instant::never();
    c.ack_now_ = true;
  }
  if (c.rtx_deadline_ <= now_) {
    c.rtx_deadline_ = Instant::never();
    const RtxTimer fired = c.rtx_timer_;
    c.rtx_timer_ = RtxTimer::off;
    switch (fired) {
      case RtxTimer::off:
        break;
      case RtxTimer::timeout:
        on_timeout(c);
        break;
      case RtxTimer::tail_probe:
        on_tail_probe(c);
        break;
      case RtxTimer::reorder:
        look_for_losses(c);
        break;
      case RtxTimer::window_probe:
        on_window_probe(c);
        break;
      case RtxTimer::handshake:
        on_handshake_timer(c);
        break;
    }
  }
  if (c.state_ != State::closed && c.life_deadline_ <= now_) {
    c.life_deadline_ = Instant::never();
    on_life_timer(c);
  }
  if (c.state_ != State::closed) touch(c);
}

// Keep-alive (RFC 9293 §3.8.4), the end of TIME-WAIT, and of those who do not say goodbye.
void Stack::on_life_timer(Connection& c) noexcept {
  if (c.state_ == State::time_wait) {
    if (c.reported_) return release(c);
    c.life_deadline_ = now_ + std::chrono::seconds(1);  // its last bytes are not read yet
    return;
  }
  if (c.state_ == State::last_ack && c.send_.empty()) {
    c.life_deadline_ = now_ + config_.keepalive_idle;  // only our own reader is waited for
    return;
  }
  if (c.discard_) {
    counters_.timed_out_orphan.add();
    emit_empty(c, c.send_.nxt(), wire::TcpFlags::rst | wire::TcpFlags::ack);
    return drop(c, CloseReason::timed_out);
  }
  const Instant due = c.heard_ + config_.keepalive_idle;
  if (now_ < due) {
    c.probes_ = 0;
    c.life_deadline_ = due;
    return;
  }
  if (c.probes_ >= limits::keepalive_probes) {
    counters_.timed_out_keepalive.add();
    emit_empty(c, c.send_.nxt(), wire::TcpFlags::rst | wire::TcpFlags::ack);
    return drop(c, CloseReason::timed_out);
  }
  c.receive_.shrink();
  if (!c.send_.outstanding()) {
    ++c.probes_;
    counters_.keepalive_probes.add();
    emit_empty(c, c.send_.nxt() - 1, wire::TcpFlags::ack);
  }
  c.life_deadline_ = now_ + limits::keepalive_interval;
}

void Stack::work(Connection& c) noexcept {
  if (c.state_ == State::closed) {
    if (!c.reported_ && c.handler_ != nullptr) {
      c.reported_ = true;
      c.handler_->on_closed(c, c.reason_);
    }
    return release(c);
  }
  if ((to({State::syn_sent, State::syn_received}) & to({c.state_})) != 0) return arm(c);
  deliver(c);
  if (c.state_ == State::closed) return;  // touched again by drop()
  if (c.reset_held_) {
    if (c.receive_.has_ready() && !c.discard_) return;
    return drop(c, CloseReason::reset);
  }
  if (c.state_ == State::last_ack && c.send_.empty() && !c.receive_.has_ready()) {
    return drop(c, CloseReason::none);
  }
  if (c.state_ == State::time_wait) {
    if (!c.reported_ && !c.receive_.has_ready()) {
      c.reported_ = true;
      if (c.handler_ != nullptr) c.handler_->on_closed(c, CloseReason::none);
      c.handler_ = nullptr;
      c.user = nullptr;
    }
  } else if (c.wants_room_ && may_send(c.state_)) {
    const std::uint32_t room = room_to_send(c);
    const std::uint32_t enough =
        std::min({payload_max(c), std::max(1u, c.snd_wnd_max_ / 2), std::uint32_t{c.wanted_}});
    if (room >= enough || (c.small_allowed_ && room > 0)) {
      c.wants_room_ = false;
      if (c.handler_ != nullptr) c.handler_->on_send_room(c);
      if (c.state_ == State::closed) return;
    }
  }
  transmit(c);
  if (c.ack_now_) send_ack(c);
  arm(c);
}

// ---- the user's calls ----

std::size_t Stack::send(Connection& c, ByteView bytes) noexcept {
  if (!may_send(c.state_) || c.fin_asked_ || bytes.empty()) return 0;
  if (c.reset_held_) {
    drop(c, CloseReason::reset);
    return 0;
  }
  const std::uint32_t mss = payload_max(c);
  if (!c.send_.outstanding() && now_ - c.last_sent_ > c.rtt_.rto()) c.congestion_.on_idle();
  std::size_t n = std::min<std::size_t>(bytes.size(), room_to_send(c));
  // Silly window avoidance (RFC 9293 §3.8.6.2.1): whole segments, or all there is, or half of the
  // largest window the peer ever offered, or when it has stayed so for a while.
  if (n < bytes.size() && n < std::max(1u, c.snd_wnd_max_ / 2) && !c.small_allowed_) n -= n % mss;
  c.small_allowed_ = false;
  const std::size_t taken = c.send_.append(bytes.first(n), mss, frames_, budget_);
  if (taken < n) counters_.no_frame.add();
  if (taken < bytes.size()) {
    c.wants_room_ = true;
    c.wanted_ = static_cast<std::uint16_t>(std::min<std::size_t>(bytes.size() - taken, 65'535));
  }
  touch(c);
  return taken;
}

void Stack::finish(Connection& c) noexcept {
  if (c.fin_asked_ || c.state_ == State::closed) return;
  if (c.state_ == State::syn_sent) return drop(c, CloseReason::none);
  if (c.reset_held_) return;
  c.fin_asked_ = true;
  c.wants_room_ = false;
  queue_fin(c);
  touch(c);
}

void Stack::close(Connection& c) noexcept {
  if (c.state_ == State::closed || c.discard_) return;
  c.discard_ = true;
  c.paused_ = false;
  if (c.state_ != State::time_wait) c.life_deadline_ = now_ + limits::tcp_orphan;
  finish(c);
  touch(c);
}

void Stack::abort(Connection& c) noexcept {
  if (c.state_ == State::closed) return;
  const StateSet silent = to({State::syn_sent, State::time_wait});
  if ((silent & to({c.state_})) == 0) {
    emit_empty(c, c.send_.nxt(), wire::TcpFlags::rst | wire::TcpFlags::ack);
  }
  drop(c, CloseReason::aborted);
}

void Stack::resume_read(Connection& c) noexcept {
  c.paused_ = false;
  touch(c);
}

}  // namespace gh::tcp
