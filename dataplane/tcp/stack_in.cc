// SPDX-License-Identifier: Apache-2.0
// Segments that arrive, in the order of RFC 9293 §3.10.7: sequence, RST, SYN, ACK, text, FIN.
#include "dataplane/net/wire/bytes.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>
#include <cstddef>

namespace gh::tcp {

using wire::TcpFlags;

namespace {

// The lines of a connection that nearly every segment reads.
void prefetch(const Connection* c) noexcept {
  const auto* at = reinterpret_cast<const std::byte*>(c);
  for (std::size_t line = 0; line < sizeof(Connection); line += 64) __builtin_prefetch(at + line);
}

}  // namespace

// Three passes over a burst, so that a cache miss of one frame is served while others are worked
// on. A connection that was seen in the second pass may be gone in the third, which looks again.
void Stack::on_burst(std::span<wire::Frame* const> frames) noexcept {
  const std::span<Arrived> arrived(arrived_);
  for (const wire::Frame* frame : frames) __builtin_prefetch(frame->data());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    Arrived& one = arrived[i];
    one.seen = nullptr;
    one.input = host_.on_frame(frames[i], now_);
    const wire::Frame* segment = one.input.frame;
    if (segment == nullptr || segment->size() < 4) continue;
    one.hash = table_.hash_of(
        {one.input.local, wire::load16(segment->data() + 2)},
        {one.input.remote, wire::load16(segment->data())}
    );
    table_.prefetch(one.hash);
  }
  for (Arrived& one : arrived.first(frames.size())) {
    if (one.input.frame != nullptr) one.seen = table_.guess(one.hash);
    if (one.seen != nullptr) prefetch(one.seen);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    // Memory of connections is never given back to the system, so a guess can always be read.
    const Connection* soon = i + 2 < frames.size() ? arrived[i + 2].seen : nullptr;
    if (soon != nullptr) soon->send_queue().prefetch();
    const Arrived& one = arrived[i];
    if (one.input.error) on_path_error(*one.input.error);
    if (one.input.frame != nullptr) on_segment(one.input, one.hash);
  }
}

void Stack::on_segment(const wire::Input& input, std::uint32_t hash) noexcept {
  Segment s;
  counters_.segments_in.add();
  const auto header = wire::TcpHeader::parse(input.frame->bytes());
  if (!header) {
    counters_.bad_header.add();
    wire::give(input.frame);
    return;
  }
  s.header = *header;
  s.local = {input.local, header->to_port};
  s.remote = {input.remote, header->from_port};
  s.seq = Seq{header->seq};
  s.ack = Seq{header->ack};
  input.frame->pull(header->header_bytes);
  s.payload = static_cast<std::uint32_t>(input.frame->chain_size());
  s.frame = input.frame;
  if (Connection* c = table_.find(hash, s.local, s.remote)) {
    on_segment_for(*c, s);
  } else if (const Listener* listener = find_listener(s.local)) {
    on_listen(*listener, s);
  } else {
    counters_.no_connection.add();
    reset_stray(s);
  }
  if (s.frame != nullptr) wire::give(s.frame);
}

void Stack::on_segment_for(Connection& c, Segment& s) noexcept {
  if (c.reset_held_) return counters_.no_connection.add();
  if (c.state_ == State::time_wait) return on_time_wait(c, s);
  if (c.state_ == State::syn_sent) return on_syn_sent(c, s);
  const bool both_opened = c.state_ == State::syn_received && s.has(TcpFlags::syn) &&
                           s.has(TcpFlags::ack) && s.seq == c.irs_ && s.ack == c.send_.una();
  if (both_opened) {  // §3.5, figure 8: its SYN is known, its ACK counts
    s.header.flags = static_cast<std::uint8_t>(s.header.flags & ~TcpFlags::syn);
    s.seq = s.seq + 1;
  }
  if (!check_sequence(c, s) || !check_reset(c, s)) return;
  if (s.has(TcpFlags::syn)) return challenge(c);  // RFC 5961 §4
  if (!check_ack(c, s)) return;
  c.heard_ = now_;
  on_ack(c, s);
  if (c.state_ == State::closed) return;
  if (s.payload > 0 || s.has(TcpFlags::fin)) on_text(c, s);
  if (c.state_ != State::closed) arm(c);
}

// PAWS (RFC 7323 §5.3) and the window (RFC 9293 §3.10.7.4).
bool Stack::check_sequence(Connection& c, const Segment& s) noexcept {
  if (c.ts_ok_ && !s.has(TcpFlags::rst)) {
    if (!s.header.has_timestamps) {  // RFC 7323 §3.2: dropped; a resent SYN may lack them
      counters_.no_timestamp.add();
      return false;
    }
    const bool old = static_cast<std::int32_t>(s.header.ts_value - c.ts_recent_) < 0;
    constexpr std::chrono::hours outdated{24 * 24};
    if (old && now_ - c.heard_ < outdated) {
      counters_.paws.add();
      answer_stray(c);
      return false;
    }
  }
  if (c.state_ == State::syn_received && s.has(TcpFlags::syn) && s.seq == c.irs_ &&
      !s.has(TcpFlags::rst)) {
    if (!s.has(TcpFlags::ack)) emit_syn(c);  // it was sent again: so is our answer
    return false;
  }
  const Seq nxt = c.receive_.nxt(), edge = c.receive_.edge();
  if (s.seq == nxt) return true;
  const std::uint32_t length = s.length();
  const bool good =
      length == 0 ? s.seq > nxt && s.seq < edge : s.seq < edge && s.seq + length > nxt;
  if (good) return true;
  if (s.has(TcpFlags::rst)) {
    counters_.resets_blind.add();
    return false;
  }
  counters_.bad_sequence.add();
  if (s.payload > 0) {
    counters_.duplicate_data.add();
    send_ack(c);
  } else {
    answer_stray(c);
  }
  return false;
}

// RFC 5961 §3.2: only the very next sequence number resets; others in the window are asked back.
bool Stack::check_reset(Connection& c, const Segment& s) noexcept {
  if (!s.has(TcpFlags::rst)) return true;
  if (s.seq != c.receive_.nxt()) {
    counters_.resets_blind.add();
    challenge(c);
    return false;
  }
  counters_.resets_in.add();
  // All is said and acknowledged; what our reader has not taken yet stays his.
  if (c.state_ == State::last_ack && c.send_.empty()) return false;
  if (c.paused_ && !c.discard_ && c.receive_.has_ready()) {
    hold_reset(c);
    return false;
  }
  const bool refused = c.state_ == State::syn_received && !c.passive_;
  const bool done = c.state_ == State::closing || c.state_ == State::last_ack;
  drop(c, refused ? CloseReason::refused : done ? CloseReason::none : CloseReason::reset);
  return false;
}

// What came before the reset is its reader's, who has paused: it is told once that is read, or when
// it sends. Nothing of it is timed or sent any more.
void Stack::hold_reset(Connection& c) noexcept {
  c.reset_held_ = true;
  c.send_.clear(budget_);
  wheel_.cancel(c);
  c.rtx_timer_ = RtxTimer::off;
  c.rtx_deadline_ = c.ack_deadline_ = c.life_deadline_ = Instant::never();
  c.ack_now_ = false;
}

// RFC 9293 §3.10.7.4 fifth, with RFC 5961 §5.2.
bool Stack::check_ack(Connection& c, const Segment& s) noexcept {
  if (!s.has(TcpFlags::ack)) {
    counters_.no_ack.add();
    return false;
  }
  if (c.state_ == State::syn_received) {
    if (s.ack == c.send_.una()) {
      establish(c);
      return c.state_ != State::closed;
    }
    counters_.bad_ack.add();
    reset_stray(s);
    return false;
  }
  const std::uint32_t slack = std::max<std::uint32_t>(c.snd_wnd_max_, 1);
  if (s.ack > c.send_.nxt() || s.ack < c.send_.una() - slack) {
    counters_.bad_ack.add();
    challenge(c);
    return false;
  }
  return true;
}

void Stack::update_window(Connection& c, const Segment& s) noexcept {
  if (c.snd_wl1_ < s.seq || (c.snd_wl1_ == s.seq && c.snd_wl2_ <= s.ack)) {
    c.snd_wnd_ = static_cast<std::uint32_t>(s.header.window) << c.snd_shift_;
    c.snd_wnd_max_ = std::max(c.snd_wnd_max_, c.snd_wnd_);
    c.snd_wl1_ = s.seq;
    c.snd_wl2_ = s.ack;
  }
  if (c.snd_wnd_ > 0) {
    c.zero_window_since_ = Instant::never();
  } else if (c.zero_window_since_ == Instant::never()) {
    c.zero_window_since_ = now_;
  }
}

void Stack::on_ack(Connection& c, const Segment& s) noexcept {
  // RFC 7323 §4.3 (2): only from a segment that covers the point we acknowledged last.
  if (c.ts_ok_ && s.header.has_timestamps && s.seq <= c.last_ack_sent_ &&
      static_cast<std::int32_t>(s.header.ts_value - c.ts_recent_) > 0) {
    c.ts_recent_ = s.header.ts_value;
  }
  const std::uint32_t old_window = c.snd_wnd_;
  const bool repeated =
      s.ack == c.send_.una() && s.payload == 0 && !s.has(TcpFlags::fin) && c.send_.outstanding();
  if (s.ack < c.send_.una()) return;  // old, but in order: its text counts
  update_window(c, s);
  if (s.ack == c.send_.una() && !c.send_.outstanding()) {
    c.retries_ = 0;
    if (c.wants_room_ || c.send_.unsent() != nullptr) touch(c);
    return;
  }
  const std::uint32_t flight = c.send_.in_flight();
  const AckOutcome ack = c.send_.on_ack(
      s.ack, s.header.sack.data(), c.sack_ok_ ? s.header.sack_blocks : 0, now_, budget_
  );
  if (ack.rtt.count() >= 0) {
    c.rtt_.on_sample(ack.rtt);
  } else if (ack.acked > 0 && c.ts_ok_ && s.header.has_timestamps) {  // RFC 7323 §4.1, in ms
    const auto echoed = static_cast<std::int32_t>(timestamp(c) - s.header.ts_echo);
    if (echoed >= 0) c.rtt_.on_sample(std::chrono::milliseconds(std::max(echoed, 1)));
  }
  if (ack.acked > 0 || c.snd_wnd_ == 0) c.retries_ = 0;  // a shut window is an answer too
  if (ack.acked > 0) {
    c.rtt_.forget_backoff();
    host_.confirm(c.path_, now_);
  }
  if (repeated && old_window == c.snd_wnd_ && c.duplicate_acks_ < 255) ++c.duplicate_acks_;
  recover(c, s, ack, flight);
  on_acked_fin(c);
  touch(c);
}

void Stack::on_acked_fin(Connection& c) noexcept {
  if (!c.fin_queued_ || c.send_.una() != c.send_.end()) return;
  switch (c.state_) {
    case State::fin_wait_1:
      c.enter(State::fin_wait_2);
      break;
    case State::closing:
      enter_time_wait(c);
      break;
    case State::last_ack:  // poll() ends it once all is read
    case State::closed:
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::fin_wait_2:
    case State::close_wait:
    case State::time_wait:
      break;
  }
}

void Stack::on_text(Connection& c, Segment& s) noexcept {
  if (!may_receive(c.state_)) return;  // after its FIN nothing more may come
  bool ack_at_once = false;
  Seq seq = s.seq;
  wire::Frame* piece = s.frame;
  s.frame = nullptr;
  while (piece != nullptr) {
    wire::Frame* more = piece->more;
    piece->more = nullptr;
    const std::uint32_t size = piece->size();
    if (size == 0) {
      wire::give(piece);
    } else {
      switch (c.receive_.on_piece(piece, seq, budget_)) {
        case Receiver::Arrival::in_order:
          break;
        case Receiver::Arrival::filled_hole:
          ack_at_once = true;
          break;
        case Receiver::Arrival::out_of_order:
          counters_.out_of_order.add();
          ack_at_once = true;
          break;
        case Receiver::Arrival::duplicate:
          counters_.duplicate_data.add();
          ack_at_once = true;
          break;
        case Receiver::Arrival::refused:
          counters_.receive_refused.add();
          ack_at_once = true;
          break;
      }
    }
    seq = seq + size;
    piece = more;
  }
  if (s.has(TcpFlags::fin)) {
    c.receive_.on_fin(s.seq + s.payload);
    ack_at_once = true;
  }
  c.receive_.grow(c.rtt_.srtt(), now_, budget_);
  const bool ended = c.receive_.take_fin();
  if (ended) on_peer_fin(c);
  ack_at_once = ack_at_once || ended;
  if (c.receive_.has_holes() || (ack_at_once && !ended)) {
    // At once, one for one: the peer counts them (RFC 5681 §4.2).
    send_ack(c);
  } else if (ack_at_once || c.receive_.nxt() - c.last_ack_sent_ >= 2u * c.mss_) {
    c.ack_now_ = true;
    touch(c);
  } else if (c.ack_deadline_ == Instant::never()) {
    c.ack_deadline_ = now_ + limits::tcp_delayed_ack;
  }
  deliver(c);
}

void Stack::deliver(Connection& c) noexcept {
  while (!c.paused_) {
    wire::Frame* piece = c.receive_.take_ready(budget_);
    if (piece == nullptr) break;
    counters_.bytes_in.add(piece->size());
    if (!c.discard_ && c.handler_ != nullptr) c.handler_->on_bytes(c, piece->bytes());
    wire::give(piece);
    if (c.state_ == State::closed) return;
  }
  const bool ended = (to({State::close_wait, State::closing, State::last_ack, State::time_wait}) &
                      to({c.state_})) != 0;
  if (ended && !c.end_told_ && !c.receive_.has_ready() && !c.paused_) {
    c.end_told_ = true;
    if (!c.discard_ && c.handler_ != nullptr) c.handler_->on_end(c);
    touch(c);
    return;
  }
  if (ended || c.reset_held_) return;
  // The window opened again after a pause: the peer must hear of it (RFC 9293 §3.8.6.2.2).
  const std::uint32_t opens = c.receive_.next_edge(c.mss_, c.rcv_shift_) - c.receive_.edge();
  if (opens > 0 && (c.receive_.window() < c.mss_ || opens >= c.receive_.limit() / 2)) {
    c.ack_now_ = true;
    touch(c);
  }
}

void Stack::on_peer_fin(Connection& c) noexcept {
  touch(c);
  switch (c.state_) {
    case State::established:
      c.enter(State::close_wait);
      break;
    case State::fin_wait_1:
      c.enter(State::closing);
      break;
    case State::fin_wait_2:
      enter_time_wait(c);
      break;
    case State::closed:
    case State::syn_sent:
    case State::syn_received:
    case State::close_wait:
    case State::closing:
    case State::last_ack:
    case State::time_wait:
      break;
  }
}

// RFC 9293 §3.10.7.4, RFC 1337 (no RST ends it), RFC 6191 (a newer SYN does).
void Stack::on_time_wait(Connection& c, Segment& s) noexcept {
  if (s.has(TcpFlags::rst)) return counters_.resets_blind.add();
  const Seq nxt = c.receive_.nxt();
  if (s.has(TcpFlags::syn) && !s.has(TcpFlags::ack)) {
    const bool newer = c.ts_ok_ && s.header.has_timestamps
                           ? static_cast<std::int32_t>(s.header.ts_value - c.ts_recent_) > 0
                           : s.seq > nxt;
    const Listener* listener = find_listener(s.local);
    if (newer && listener != nullptr && c.reported_ && !c.dirty_) {
      counters_.time_waits_recycled.add();
      release(c);
      return on_listen(*listener, s);
    }
    return challenge(c);
  }
  if (s.has(TcpFlags::fin) && s.seq + s.payload + 1 == nxt) {  // our last ACK was lost
    c.life_deadline_ = now_ + limits::tcp_time_wait;
    return send_ack(c);
  }
  if (s.length() > 0 || s.seq != nxt) answer_stray(c);
}

// Routers' words are hints from strangers: only about what is in flight (RFC 5927 §4), and only a
// connection that is being opened ends by them (RFC 1122 §4.2.3.9, RFC 5461).
void Stack::on_path_error(const wire::PathError& error) noexcept {
  Connection* c = table_.find({error.local, error.local_port}, {error.remote, error.remote_port});
  if (c == nullptr) return counters_.path_errors_ignored.add();
  const Seq seq{error.seq};
  if (c->state_ == State::syn_sent) {
    if (seq != c->iss_ || error.kind == wire::PathError::Kind::too_big) {
      return counters_.path_errors_ignored.add();
    }
    const bool refused = error.kind == wire::PathError::Kind::port_unreachable;
    return drop(*c, refused ? CloseReason::refused : CloseReason::unreachable);
  }
  const bool in_flight = seq >= c->send_.una() && seq < c->send_.nxt();
  if (error.kind != wire::PathError::Kind::too_big || !in_flight) {
    return counters_.path_errors_ignored.add();
  }
  const std::uint32_t headers = wire::IpHeader::bytes_for(c->remote_.address) + 20;
  const std::uint32_t least = c->remote_.address.is_v4() ? 552 : 1280;  // RFC 8201 §4
  std::uint32_t mtu = error.mtu;
  if (mtu == 0) mtu = (c->mss_ + headers) * 3 / 4;  // RFC 1191 §5: an old router
  mtu = std::max(mtu, least);
  if (mtu >= c->mss_ + headers) return counters_.path_errors_ignored.add();
  lower_mss(*c, mtu - headers);
  arm(*c);
}

void Stack::lower_mss(Connection& c, std::uint32_t mss) noexcept {
  counters_.path_mtu_lowered.add();
  c.mss_ = static_cast<std::uint16_t>(std::max<std::uint32_t>(mss, limits::tcp_mss_min));
  c.congestion_.set_mss(payload_max(c));
  c.send_.mark_longer_lost(payload_max(c));
  c.resend_now_ = true;
  touch(c);
}

}  // namespace gh::tcp
