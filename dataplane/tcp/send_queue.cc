// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/send_queue.h"

#include "dataplane/tcp/receiver.h"

#include <algorithm>
#include <cstring>

namespace gh::tcp {
namespace {

using wire::Frame;

// RFC 8985 §5.2: which of two was sent later, by sequence when at the same time.
bool sent_after(Instant a, Seq a_end, Instant b, Seq b_end) noexcept {
  return a > b || (a == b && a_end > b_end);
}

}  // namespace

// ---- what is queued ----

Frame* SendQueue::make_frame(wire::FramePool& frames, FrameBudget& budget) noexcept {
  if (budget.full() || segments_ >= limits::tcp_segments_in_flight_max) return nullptr;
  Frame* frame = frames.take();
  if (frame == nullptr) return nullptr;
  ++budget.held;
  Sent& segment = frame->make_note<Sent>();
  segment.seq = end_;
  segment.payload_begin = static_cast<std::uint16_t>(frame->begin);
  link_back(frame);
  return frame;
}

void SendQueue::link_back(Frame* frame) noexcept {
  sent(frame).prev = tail_;
  (tail_ == nullptr ? head_ : sent(tail_).next) = frame;
  tail_ = frame;
  if (unsent_ == nullptr) unsent_ = frame;
  ++segments_;
}

std::size_t SendQueue::append(
    ByteView bytes, std::uint32_t mss, wire::FramePool& frames, FrameBudget& budget
) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    Frame* frame = unsent_ != nullptr ? tail_ : nullptr;
    std::uint32_t room = 0;
    if (frame != nullptr && sent(frame).length < mss) {
      room = std::min(mss - sent(frame).length, frame->tail_room());
    }
    if (room == 0) {
      frame = make_frame(frames, budget);
      if (frame == nullptr) break;
      room = std::min(mss, frame->tail_room());
    }
    const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(room, bytes.size() - taken));
    std::memcpy(frame->put(n), bytes.data() + taken, n);
    sent(frame).length = static_cast<std::uint16_t>(sent(frame).length + n);
    end_ = end_ + n;
    taken += n;
  }
  return taken;
}

bool SendQueue::append_fin(wire::FramePool& frames, FrameBudget& budget) noexcept {
  Frame* frame = unsent_ != nullptr ? tail_ : make_frame(frames, budget);
  if (frame == nullptr) return false;
  sent(frame).fin = true;
  ++sent(frame).length;
  end_ = end_ + 1;
  return true;
}

void SendQueue::on_sent(Frame* frame, Instant now) noexcept {
  Sent& segment = sent(frame);
  segment.at = now;
  if (frame == unsent_) {
    nxt_ = segment.end();
    unsent_ = segment.next;
    return;
  }
  segment.ever_resent = true;
  if (segment.lost && !segment.resent) {
    segment.resent = true;
    resent_bytes_ += segment.length;
  }
}

Frame* SendQueue::next_lost() noexcept {
  if (!has_lost()) return nullptr;
  for (Frame* frame = head_; frame != unsent_; frame = sent(frame).next) {
    if (sent(frame).lost && !sent(frame).resent) return frame;
  }
  return nullptr;
}

bool SendQueue::split(
    Frame* frame, std::uint32_t mss, wire::FramePool& frames, FrameBudget& budget
) noexcept {
  Sent& first = sent(frame);
  const std::uint32_t payload = first.length - (first.fin ? 1u : 0u);
  if (payload <= mss) return true;
  if (budget.full()) return false;
  Frame* rest = frames.take();
  if (rest == nullptr) return false;
  ++budget.held;
  ++segments_;
  Sent& second = rest->make_note<Sent>();
  second = first;
  second.payload_begin = static_cast<std::uint16_t>(rest->begin);
  second.seq = first.seq + mss;
  second.length = static_cast<std::uint16_t>(first.length - mss);
  std::memcpy(rest->put(payload - mss), frame->memory + first.payload_begin + mss, payload - mss);
  first.length = static_cast<std::uint16_t>(mss);
  first.fin = false;
  second.prev = frame;
  first.next = rest;
  (second.next == nullptr ? tail_ : sent(second.next).prev) = rest;
  if (first.sacked) ++sacked_segments_;
  return true;
}

Frame* SendQueue::last_sent() const noexcept {
  return unsent_ == nullptr ? tail_ : sent(unsent_).prev;
}

// ---- what arrived ----

void SendQueue::forget_marks(Sent& segment) noexcept {
  if (segment.sacked) {
    sacked_bytes_ -= segment.length;
    --sacked_segments_;
  }
  if (segment.lost) lost_bytes_ -= segment.length;
  if (segment.lost && segment.resent) resent_bytes_ -= segment.length;
  segment.sacked = segment.lost = segment.resent = false;
}

void SendQueue::mark_lost(Sent& segment) noexcept {
  if (segment.sacked) return;
  if (segment.lost) {  // the one sent again is lost too
    if (segment.resent) resent_bytes_ -= segment.length;
    segment.resent = false;
    return;
  }
  segment.lost = true;
  segment.resent = false;
  lost_bytes_ += segment.length;
}

void SendQueue::unlink_head(FrameBudget& budget) noexcept {
  Frame* frame = head_;
  head_ = sent(frame).next;
  (head_ == nullptr ? tail_ : sent(head_).prev) = nullptr;
  --segments_;
  --budget.held;
  wire::give(frame);
}

// RFC 8985 §6.2 steps 1 to 3.
void SendQueue::on_delivered(const Sent& segment, Instant now, AckOutcome& out) noexcept {
  out.delivered += segment.length;
  const Duration rtt = now - segment.at;
  if (!segment.ever_resent) {
    out.rtt = rtt;
    if (segment.end() < fack_) reordering_seen_ = true;
  } else if (rtt < std::chrono::microseconds(rack_rtt_us_) / 2) {
    return;  // more likely it is the first one that arrived
  }
  fack_ = later(fack_, segment.end());
  if (sent_after(segment.at, segment.end(), rack_sent_, rack_end_)) {
    rack_sent_ = segment.at;
    rack_end_ = segment.end();
    rack_rtt_us_ =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(rtt.count() / 1000, 1, 100'000'000));
  }
}

void SendQueue::take_acked(Seq ack, Instant now, AckOutcome& out, FrameBudget& budget) noexcept {
  bool resent = false;
  while (head_ != nullptr && head_ != unsent_ && sent(head_).end() <= ack) {
    Sent& segment = sent(head_);
    if (!segment.sacked) on_delivered(segment, now, out);
    resent = resent || (segment.ever_resent && !segment.sacked);
    out.acked += segment.length;
    forget_marks(segment);
    unlink_head(budget);
  }
  if (head_ != nullptr && head_ != unsent_ && sent(head_).seq < ack) {  // a part of it
    Sent& segment = sent(head_);
    const std::uint32_t n = ack - segment.seq;
    out.acked += n;
    if (segment.sacked) sacked_bytes_ -= n;
    if (!segment.sacked) out.delivered += n;
    if (segment.lost) lost_bytes_ -= n;
    if (segment.lost && segment.resent) resent_bytes_ -= n;
    segment.seq = ack;
    segment.length = static_cast<std::uint16_t>(segment.length - n);
    segment.payload_begin = static_cast<std::uint16_t>(segment.payload_begin + n);
  }
  // What lay behind a hole waited for it to be filled: its time is not the path's.
  if (resent) out.rtt = Duration(-1);
  una_ = ack;
  fack_ = later(fack_, ack);
}

void SendQueue::take_sacked(
    const wire::SackBlock* blocks, std::size_t count, Instant now, AckOutcome& out
) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const Seq begin{blocks[i].begin}, end{blocks[i].end};
    if (i == 0 && end <= una_) out.duplicate_sack = true;
    // Blocks of what was never sent, or upside down, are lies; they are passed over.
    if (begin >= end || begin < una_ || end > nxt_) continue;
    for (Frame* frame = head_; frame != unsent_ && sent(frame).seq < end;
         frame = sent(frame).next) {
      Sent& segment = sent(frame);
      if (segment.sacked || segment.seq < begin || segment.end() > end) continue;
      on_delivered(segment, now, out);
      forget_marks(segment);
      segment.sacked = true;
      sacked_bytes_ += segment.length;
      ++sacked_segments_;
      out.newly_sacked = true;
    }
  }
}

AckOutcome SendQueue::on_ack(
    Seq ack,
    const wire::SackBlock* blocks,
    std::size_t block_count,
    Instant now,
    FrameBudget& budget
) noexcept {
  AckOutcome out;
  if (ack > una_) take_acked(ack, now, out, budget);
  if (block_count > 0) take_sacked(blocks, block_count, now, out);
  return out;
}

void SendQueue::on_duplicate_sack() noexcept {  // RFC 8985 §6.2 step 4: it was reordering
  reorder_steps_ = static_cast<std::uint8_t>(std::min(reorder_steps_ + 1, 16));
}

Instant SendQueue::detect_losses(
    Instant now, Duration min_rtt, Duration srtt, bool in_recovery, bool& found
) noexcept {
  found = false;
  if (rack_rtt_us_ == 0 || (sacked_bytes_ == 0 && !in_recovery)) return Instant::never();
  Duration reorder{0};
  if (reordering_seen_ || !(in_recovery || sacked_segments_ >= 3)) {
    reorder = std::min(min_rtt * reorder_steps_ / 4, srtt);
  }
  const Duration wait = std::chrono::microseconds(rack_rtt_us_) + reorder;
  Instant again = Instant::never();
  for (Frame* frame = head_; frame != unsent_; frame = sent(frame).next) {
    Sent& segment = sent(frame);
    if (segment.sacked || (segment.lost && !segment.resent)) continue;
    if (!sent_after(rack_sent_, rack_end_, segment.at, segment.end())) continue;
    const Instant due = segment.at + wait;
    if (due <= now) {
      mark_lost(segment);
      found = true;
    } else {
      again = again == Instant::never() ? due : std::max(again, due);
    }
  }
  return again;
}

void SendQueue::mark_head_lost() noexcept {
  if (head_ != nullptr && head_ != unsent_) mark_lost(sent(head_));
}

void SendQueue::mark_longer_lost(std::uint32_t mss) noexcept {
  for (Frame* frame = head_; frame != unsent_; frame = sent(frame).next) {
    if (sent(frame).length > mss) mark_lost(sent(frame));
  }
}

void SendQueue::mark_all_lost() noexcept {
  const bool reneged = head_ != nullptr && head_ != unsent_ && sent(head_).sacked;
  for (Frame* frame = head_; frame != unsent_; frame = sent(frame).next) {
    if (reneged) forget_marks(sent(frame));
    mark_lost(sent(frame));
  }
}

void SendQueue::clear(FrameBudget& budget) noexcept {
  while (head_ != nullptr) unlink_head(budget);
  unsent_ = nullptr;
  una_ = nxt_ = end_;
  sacked_bytes_ = lost_bytes_ = resent_bytes_ = 0;
  sacked_segments_ = 0;
}

}  // namespace gh::tcp
