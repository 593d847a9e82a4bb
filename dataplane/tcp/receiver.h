// SPDX-License-Identifier: Apache-2.0
// The receive side of one connection: bytes in order, what came too early, the window.
// In: the pieces of segments.   Out: pieces in order (take_ready), rcv_nxt, the window, SACK
// blocks. Owner: Connection. Where segments overlap with different bytes, those that came first
// stay, so that nobody rewrites what was received. Bounds: limits::tcp_holes_max,
// tcp_receive_bytes_… Not here: when to acknowledge (stack).
#pragma once

#include "base/limits.h"
#include "base/units.h"
#include "dataplane/net/wire/frame.h"
#include "dataplane/net/wire/tcp_header.h"
#include "dataplane/tcp/seq.h"

#include <cstdint>

namespace gh::tcp {

// Frames that all connections of a stack keep; see limits::tcp_frames_held_max.
struct FrameBudget {
  std::size_t held = 0;
  std::size_t most = limits::tcp_frames_held_max;

  bool pressed() const noexcept { return held >= most / 4 * 3; }

  bool full() const noexcept { return held >= most; }
};

class Receiver {
 public:
  enum class Arrival : std::uint8_t { in_order, filled_hole, out_of_order, duplicate, refused };

  void start(Seq rcv_nxt, std::uint32_t limit) noexcept {
    nxt_ = edge_ = nxt_at_mark_ = rcv_nxt;
    limit_ = limit;
  }

  // One piece of payload whose first byte is `seq`; takes it.
  Arrival on_piece(wire::Frame* piece, Seq seq, FrameBudget& budget) noexcept;
  void on_fin(Seq at) noexcept;  // the peer's FIN follows the byte before `at`

  bool take_fin() noexcept;  // true once: everything before the FIN has come

  wire::Frame* take_ready(FrameBudget& budget) noexcept;  // the next piece in order, or null

  bool has_ready() const noexcept { return ready_ != nullptr; }

  Seq nxt() const noexcept { return nxt_; }

  Seq edge() const noexcept { return edge_; }  // first sequence number the peer may not send

  std::uint32_t window() const noexcept { return edge_ - nxt_; }

  bool has_holes() const noexcept { return holes_ != nullptr; }

  std::uint32_t buffered() const noexcept { return buffered_; }

  std::uint32_t limit() const noexcept { return limit_; }

  // Where the edge would be if it were told now; it never moves back (RFC 9293 §3.8.6).
  // `shift`: of the window field, which cannot say every number.
  Seq next_edge(std::uint32_t mss, std::uint8_t shift) const noexcept;

  void tell_edge(Seq edge) noexcept { edge_ = edge; }

  void grow(Duration srtt, Instant now, const FrameBudget& budget) noexcept;  // with use

  void shrink() noexcept { limit_ = limits::tcp_receive_bytes_min; }

  std::uint8_t sack_blocks(wire::SackBlock* out, std::uint8_t most) const noexcept;

  void clear(FrameBudget& budget) noexcept;

 private:
  wire::Frame* trim(wire::Frame* piece, Seq& seq) const noexcept;
  Arrival take_early(wire::Frame* piece, Seq seq, FrameBudget& budget) noexcept;
  void append_ready(wire::Frame* piece, FrameBudget& budget) noexcept;
  void join_holes(FrameBudget& budget) noexcept;

  Seq nxt_, edge_, fin_at_, newest_hole_;
  Seq nxt_at_mark_;  // for grow(): a round trip ago
  std::uint32_t limit_ = limits::tcp_receive_bytes_min;
  std::uint32_t buffered_ = 0;
  std::uint8_t hole_count_ = 0;
  bool fin_known_ = false;
  bool fin_taken_ = false;
  wire::Frame* ready_ = nullptr;
  wire::Frame* ready_tail_ = nullptr;
  wire::Frame* holes_ = nullptr;  // ranges in order, each a list of pieces
  Instant mark_;
};

}  // namespace gh::tcp
