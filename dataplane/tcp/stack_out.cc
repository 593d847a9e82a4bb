// SPDX-License-Identifier: Apache-2.0
// Segments that leave: when, how many, and their headers.
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>
#include <cstring>

namespace gh::tcp {

using wire::Frame;
using wire::TcpFlags;

std::uint32_t Stack::timestamp(const Connection& c) const noexcept {
  return static_cast<std::uint32_t>(now_.ns / 1'000'000) + c.ts_offset_;
}

std::uint32_t Stack::payload_max(const Connection& c) const noexcept {
  return c.mss_ - (c.ts_ok_ ? 12u : 0u);
}

std::uint32_t Stack::room_to_send(const Connection& c) const noexcept {
  if (c.send_.segments() >= limits::tcp_segments_in_flight_max) return 0;
  const Seq edge = c.send_.una() + c.snd_wnd_;
  const std::uint32_t window = edge > c.send_.end() ? edge - c.send_.end() : 0;
  std::uint32_t used = c.send_.in_flight() + c.send_.unsent_bytes();
  // Without SACK each duplicate ACK says that a segment has left (RFC 6582, RFC 3042).
  const std::uint32_t left = c.sack_ok_ ? 0 : c.duplicate_acks_ * payload_max(c);
  used -= std::min(used, left);
  const std::uint32_t cwnd = c.congestion_.cwnd();
  return std::min(window, cwnd > used ? cwnd - used : 0);
}

void Stack::transmit(Connection& c) noexcept {
  constexpr StateSet sending =
      to({State::established, State::close_wait, State::fin_wait_1, State::closing, State::last_ack}
      );
  if ((sending & to({c.state_})) == 0) return;
  if (c.fin_asked_ && !c.fin_queued_) queue_fin(c);
  const std::uint32_t mss = payload_max(c);
  while (Frame* frame = c.send_.next_lost()) {
    if (!c.resend_now_ && c.send_.in_flight() >= c.congestion_.cwnd()) break;
    if (!c.send_.split(frame, mss, frames_, budget_)) break;
    c.resend_now_ = false;
    (c.timed_out_ ? counters_.resent_timeout : counters_.resent_fast).add();
    emit_data(c, frame);
    c.send_.on_sent(frame, now_);
  }
  c.resend_now_ = false;
  const Seq edge = c.send_.una() + c.snd_wnd_;
  while (Frame* frame = c.send_.unsent()) {
    if (!c.send_.split(frame, mss, frames_, budget_)) break;
    const Sent& segment = sent(frame);
    if (segment.end() - (segment.fin ? 1u : 0u) > edge) break;  // the peer took its window back
    const std::uint32_t flight = c.send_.in_flight();
    const std::uint32_t left = c.sack_ok_ ? 0 : c.duplicate_acks_ * mss;
    if (flight > left && flight - left + segment.length > c.congestion_.cwnd() + mss) break;
    counters_.bytes_out.add(segment.length);
    emit_data(c, frame);
    c.send_.on_sent(frame, now_);
    if (c.rtx_timer_ == RtxTimer::tail_probe) c.rtx_timer_ = RtxTimer::off;  // from the last one on
  }
  arm_rtx(c);
}

void Stack::emit_data(Connection& c, Frame* frame) noexcept {
  const Sent& segment = sent(frame);
  const std::uint32_t payload = segment.length - (segment.fin ? 1u : 0u);
  std::uint8_t flags = TcpFlags::ack;
  if (segment.fin) flags |= TcpFlags::fin;
  if (payload > 0) flags |= TcpFlags::psh;
  if (frames_.shared(*frame)) {  // the port has not sent the last one yet: leave it its bytes
    Frame* copy = frames_.take();
    if (copy == nullptr) return counters_.no_frame.add();
    std::memcpy(copy->put(payload), frame->memory + segment.payload_begin, payload);
    return emit(c, copy, segment.seq, flags);
  }
  frame->begin = segment.payload_begin;
  frame->end = frame->begin + payload;
  frame->hold();
  emit(c, frame, segment.seq, flags);
}

void Stack::emit(Connection& c, Frame* frame, Seq seq, std::uint8_t flags) noexcept {
  wire::TcpHeader header;
  header.from_port = c.local_.port;
  header.to_port = c.remote_.port;
  header.seq = seq.value;
  header.flags = flags;
  if ((flags & TcpFlags::ack) != 0) {
    header.ack = c.receive_.nxt().value;
    const Seq edge = c.receive_.next_edge(c.mss_, c.rcv_shift_);
    const std::uint32_t window =
        std::min<std::uint32_t>((edge - c.receive_.nxt()) >> c.rcv_shift_, 65'535);
    header.window = static_cast<std::uint16_t>(window);
    c.receive_.tell_edge(later(c.receive_.edge(), c.receive_.nxt() + (window << c.rcv_shift_)));
    c.last_ack_sent_ = c.receive_.nxt();
    c.ack_now_ = false;
    c.ack_deadline_ = Instant::never();
  }
  if (c.ts_ok_) {
    header.has_timestamps = true;
    header.ts_value = timestamp(c);
    header.ts_echo = c.ts_recent_;
  }
  if (frame->size() == 0 && (flags & TcpFlags::rst) == 0 && c.sack_ok_ && c.receive_.has_holes()) {
    header.sack_blocks = c.receive_.sack_blocks(header.sack.data(), c.ts_ok_ ? 3 : 4);
  }
  const std::uint32_t bytes = header.bytes_to_write();
  header.write(frame->push(bytes));
  counters_.segments_out.add();
  c.last_sent_ = now_;
  host_.send(frame, c.local_.address, c.remote_.address, wire::protocol_tcp, c.path_, now_);
}

void Stack::emit_empty(Connection& c, Seq seq, std::uint8_t flags) noexcept {
  Frame* frame = frames_.take();
  if (frame == nullptr) return counters_.no_frame.add();
  if ((flags & TcpFlags::rst) != 0) counters_.resets_out.add();
  emit(c, frame, seq, flags);
}

void Stack::send_ack(Connection& c) noexcept { emit_empty(c, c.send_.nxt(), TcpFlags::ack); }

// SYN, or SYN and ACK, with what we can do. The peer's SYN decides what of it an answer repeats.
void Stack::emit_syn(Connection& c) noexcept {
  const bool answers = c.state_ == State::syn_received;
  wire::TcpHeader header;
  header.seq = c.iss_.value;
  header.flags = TcpFlags::syn;
  header.window = 65'535;
  header.mss = static_cast<std::uint16_t>(
      host_.config().mtu - wire::IpHeader::bytes_for(c.remote_.address) - 20
  );
  header.has_timestamps = answers ? c.ts_ok_ : config_.timestamps;
  header.ts_value = timestamp(c);
  header.sack_permitted = answers ? c.sack_ok_ : config_.sack;
  const bool scales = answers ? c.rcv_shift_ > 0 : config_.window_scale;
  if (scales) header.window_shift = our_shift;
  if (answers) {
    header.flags |= TcpFlags::ack;
    header.ack = c.receive_.nxt().value;
    header.ts_echo = c.ts_recent_;
    c.receive_.tell_edge(later(c.receive_.edge(), c.receive_.nxt() + 65'535));
    c.last_ack_sent_ = c.receive_.nxt();
  }
  c.last_sent_ = now_;
  emit_raw(c.local_, c.remote_, header);
}

void Stack::emit_raw(
    const Endpoint& local, const Endpoint& remote, wire::TcpHeader header
) noexcept {
  Frame* frame = frames_.take();
  if (frame == nullptr) return counters_.no_frame.add();
  header.from_port = local.port;
  header.to_port = remote.port;
  header.write(frame->push(header.bytes_to_write()));
  counters_.segments_out.add();
  wire::Path path;
  host_.send(frame, local.address, remote.address, wire::protocol_tcp, path, now_);
}

// RFC 5961 §3, §4, §5: "say that again", limited for each connection and in all.
void Stack::challenge(Connection& c) noexcept {
  if (now_ < c.challenged_ || challenges_left_ == 0) return counters_.challenge_acks_held.add();
  --challenges_left_;
  c.challenged_ = now_ + std::chrono::milliseconds(200);
  counters_.challenge_acks.add();
  send_ack(c);
}

// An ACK to a segment that is not acceptable. Limited, or two ends out of step would answer each
// other for ever.
void Stack::answer_stray(Connection& c) noexcept {
  if (now_ < c.challenged_) return counters_.challenge_acks_held.add();
  c.challenged_ = now_ + std::chrono::milliseconds(200);
  send_ack(c);
}

// RFC 9293 §3.10.7.1.
void Stack::reset_stray(const Segment& s) noexcept {
  if (s.has(TcpFlags::rst) || resets_left_ == 0) return;
  --resets_left_;
  wire::TcpHeader reply;
  if (s.has(TcpFlags::ack)) {
    reply.seq = s.ack.value;
    reply.flags = TcpFlags::rst;
  } else {
    reply.ack = (s.seq + s.length()).value;
    reply.flags = TcpFlags::rst | TcpFlags::ack;
  }
  counters_.resets_out.add();
  emit_raw(s.local, s.remote, reply);
}

}  // namespace gh::tcp
