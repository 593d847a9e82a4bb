// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/receiver.h"

#include <algorithm>
#include <cstring>

namespace gh::tcp {
namespace {

using wire::Frame;

struct Note {
  Frame* next = nullptr;        // the following piece of the same range
  Frame* tail = nullptr;        // first piece of a range: its last…
  Frame* next_range = nullptr;  // …and the range behind it
  Seq begin;
  Seq end;  // first piece of a range: of the whole range
};

Note& note(Frame* frame) noexcept { return frame->note<Note>(); }

// Small pieces share a frame, so that a peer who sends a byte at a time does not hold 2 KiB a byte.
constexpr std::uint32_t small_piece = 512;

bool absorb(Frame* tail, const Frame* piece) noexcept {
  const std::uint32_t size = piece->size();
  if (size > small_piece || size > tail->tail_room() || tail->pool->shared(*tail)) return false;
  std::memcpy(tail->put(size), piece->data(), size);
  return true;
}

void drop(Frame* frame, FrameBudget& budget) noexcept {
  --budget.held;
  wire::give(frame);
}

}  // namespace

// Cuts what we have already and what lies beyond the window or the FIN; null: nothing is left.
Frame* Receiver::trim(Frame* piece, Seq& seq) const noexcept {
  if (seq < nxt_) {
    const std::uint32_t old = nxt_ - seq;
    if (old >= piece->size()) return nullptr;
    piece->pull(old);
    seq = nxt_;
  }
  const Seq most = fin_known_ ? earlier(edge_, fin_at_) : edge_;
  if (seq >= most) return nullptr;
  if (seq + piece->size() > most) piece->end = piece->begin + (most - seq);
  return piece;
}

Receiver::Arrival Receiver::on_piece(Frame* piece, Seq seq, FrameBudget& budget) noexcept {
  if (trim(piece, seq) == nullptr) {
    wire::give(piece);
    return Arrival::duplicate;
  }
  if (budget.full() || (budget.pressed() && seq != nxt_)) {
    wire::give(piece);
    return Arrival::refused;
  }
  if (seq != nxt_) return take_early(piece, seq, budget);
  if (holes_ != nullptr && seq + piece->size() > note(holes_).begin) {  // first bytes win
    piece->end = piece->begin + (note(holes_).begin - seq);
  }
  ++budget.held;
  nxt_ = nxt_ + piece->size();
  buffered_ += piece->size();
  append_ready(piece, budget);
  if (holes_ == nullptr) return Arrival::in_order;
  join_holes(budget);
  return Arrival::filled_hole;
}

void Receiver::append_ready(Frame* piece, FrameBudget& budget) noexcept {
  if (ready_ == nullptr) {
    piece->make_note<Note>();
    ready_ = ready_tail_ = piece;
    return;
  }
  if (absorb(ready_tail_, piece)) return drop(piece, budget);
  piece->make_note<Note>();
  note(ready_tail_).next = piece;
  ready_tail_ = piece;
}

void Receiver::join_holes(FrameBudget& budget) noexcept {
  while (holes_ != nullptr && note(holes_).begin == nxt_) {
    Frame* range = holes_;
    nxt_ = note(range).end;
    holes_ = note(range).next_range;
    --hole_count_;
    while (range != nullptr) {
      Frame* next = note(range).next;
      append_ready(range, budget);
      range = next;
    }
  }
}

// A piece that came before its turn: into the gap between two ranges, cut to fit.
Receiver::Arrival Receiver::take_early(Frame* piece, Seq seq, FrameBudget& budget) noexcept {
  Frame* before = nullptr;
  Frame* after = holes_;
  while (after != nullptr && note(after).begin <= seq) {
    before = after;
    after = note(after).next_range;
  }
  if (before != nullptr && seq < note(before).end) {
    const std::uint32_t known = note(before).end - seq;
    if (known >= piece->size()) {
      newest_hole_ = note(before).begin;
      wire::give(piece);
      return Arrival::out_of_order;  // nothing new, yet the peer must hear what we have
    }
    piece->pull(known);
    seq = seq + known;
  }
  if (after != nullptr && seq + piece->size() > note(after).begin) {
    piece->end = piece->begin + (note(after).begin - seq);
  }
  if (piece->size() == 0) {  // between two ranges that touch
    wire::give(piece);
    return Arrival::out_of_order;
  }
  const std::uint32_t size = piece->size();
  const bool extends = before != nullptr && seq == note(before).end;
  if (!extends && hole_count_ >= limits::tcp_holes_max) {
    wire::give(piece);
    return Arrival::refused;
  }
  ++budget.held;
  buffered_ += size;
  Frame* range = before;
  if (extends) {
    note(before).end = seq + size;
    if (absorb(note(before).tail, piece)) {
      drop(piece, budget);
    } else {
      piece->make_note<Note>();
      note(note(before).tail).next = piece;
      note(before).tail = piece;
    }
  } else {
    piece->make_note<Note>() = Note{nullptr, piece, after, seq, seq + size};
    (before == nullptr ? holes_ : note(before).next_range) = piece;
    ++hole_count_;
    range = piece;
  }
  if (after != nullptr && note(range).end == note(after).begin) {
    note(note(range).tail).next = after;
    note(range).tail = note(after).tail;
    note(range).end = note(after).end;
    note(range).next_range = note(after).next_range;
    --hole_count_;
  }
  newest_hole_ = note(range).begin;
  return Arrival::out_of_order;
}

void Receiver::on_fin(Seq at) noexcept {
  // The first word on where the stream ends holds; one that lies outside the window is not heard.
  if (fin_known_ || at < nxt_ || at > edge_) return;
  for (Frame* range = holes_; range != nullptr; range = note(range).next_range) {
    if (note(range).end > at) return;
  }
  fin_known_ = true;
  fin_at_ = at;
}

bool Receiver::take_fin() noexcept {
  if (!fin_known_ || fin_taken_ || nxt_ != fin_at_) return false;
  fin_taken_ = true;
  nxt_ = nxt_ + 1;
  edge_ = later(edge_, nxt_);
  return true;
}

Frame* Receiver::take_ready(FrameBudget& budget) noexcept {
  Frame* piece = ready_;
  if (piece == nullptr) return nullptr;
  ready_ = note(piece).next;
  if (ready_ == nullptr) ready_tail_ = nullptr;
  buffered_ -= piece->size();
  --budget.held;
  return piece;
}

Seq Receiver::next_edge(std::uint32_t mss, std::uint8_t shift) const noexcept {
  std::uint32_t room = limit_ > buffered_ ? limit_ - buffered_ : 0;
  room = std::min(room >> shift, 65'535u) << shift;
  const Seq next = nxt_ + room;
  // Silly window avoidance (RFC 9293 §3.8.6.2.2): no move below a segment or half the buffer.
  if (next <= edge_ || next - edge_ < std::min(limit_ / 2, mss)) return edge_;
  return next;
}

// Doubles when half the buffer arrives within a round trip: the window is what holds the peer back.
void Receiver::grow(Duration srtt, Instant now, const FrameBudget& budget) noexcept {
  if (now - mark_ < std::max<Duration>(srtt, std::chrono::milliseconds(1))) {
    if (nxt_ - nxt_at_mark_ < limit_ / 2) return;
    if (!budget.pressed()) limit_ = std::min(limit_ * 2, limits::tcp_receive_bytes_max);
  }
  mark_ = now;
  nxt_at_mark_ = nxt_;
}

// RFC 2018 §4: the block with the newest segment first, then others.
std::uint8_t Receiver::sack_blocks(wire::SackBlock* out, std::uint8_t most) const noexcept {
  std::uint8_t count = 0;
  for (Frame* range = holes_; range != nullptr; range = note(range).next_range) {
    if (note(range).begin == newest_hole_) {
      out[count++] = {note(range).begin.value, note(range).end.value};
      break;
    }
  }
  for (Frame* range = holes_; range != nullptr && count < most; range = note(range).next_range) {
    if (count > 0 && note(range).begin.value == out[0].begin) continue;
    out[count++] = {note(range).begin.value, note(range).end.value};
  }
  return count;
}

void Receiver::clear(FrameBudget& budget) noexcept {
  while (Frame* piece = take_ready(budget)) wire::give(piece);
  while (holes_ != nullptr) {
    Frame* range = holes_;
    holes_ = note(range).next_range;
    while (range != nullptr) {
      Frame* next = note(range).next;
      drop(range, budget);
      range = next;
    }
  }
  buffered_ = 0;
  hole_count_ = 0;
}

}  // namespace gh::tcp
