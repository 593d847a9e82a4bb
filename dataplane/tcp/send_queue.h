// SPDX-License-Identifier: Apache-2.0
// What was sent and not yet acknowledged, segment by segment: the scoreboard (RFC 6675), which of
// them are lost (RACK, RFC 8985; duplicate ACKs, RFC 6582) and how many bytes are in flight.
// In: segments, ACKs and SACK blocks, time.   Out: what to send first or again, what was delivered.
// Owner: Connection. Bound: limits::tcp_segments_in_flight_max.
// Not here: how much may be in flight (congestion.h), when timers fire (stack), headers.
#pragma once

#include "base/limits.h"
#include "base/units.h"
#include "dataplane/net/wire/frame.h"
#include "dataplane/net/wire/tcp_header.h"
#include "dataplane/tcp/seq.h"

#include <cstdint>

namespace gh::tcp {

struct FrameBudget;

// A segment in the queue: its frame holds the payload alone; headers are written as it is sent.
struct Sent {
  wire::Frame* next = nullptr;
  wire::Frame* prev = nullptr;
  Instant at;  // last sent
  Seq seq;
  std::uint16_t length = 0;         // in sequence space, with FIN
  std::uint16_t payload_begin = 0;  // Frame::begin of the payload
  bool fin = false;
  bool sacked = false;
  bool lost = false;
  bool resent = false;       // sent again, and that one is not known to be lost
  bool ever_resent = false;  // its round trip is ambiguous (Karn)

  Seq end() const noexcept { return seq + length; }
};

inline Sent& sent(wire::Frame* frame) noexcept { return frame->note<Sent>(); }

struct AckOutcome {
  std::uint32_t acked = 0;      // bytes that left the queue
  std::uint32_t delivered = 0;  // …or were selectively acknowledged: what arrived by this ACK
  Duration rtt{-1};             // of the newest segment that was sent once; negative: none
  bool newly_sacked = false;
  bool duplicate_sack = false;  // RFC 2883: the peer had it already
};

class SendQueue {
 public:
  void start(Seq seq) noexcept { una_ = nxt_ = end_ = fack_ = seq; }

  // ---- what is queued ----
  // Bytes go into the last segment while it has not been sent and has room; else a new frame.
  // Gives how many fitted (no frame left: fewer).
  std::size_t append(
      ByteView bytes, std::uint32_t mss, wire::FramePool& frames, FrameBudget& budget
  ) noexcept;
  bool append_fin(wire::FramePool& frames, FrameBudget& budget) noexcept;

  wire::Frame* unsent() const noexcept { return unsent_; }

  void on_sent(wire::Frame* frame, Instant now) noexcept;  // the first unsent one, or one again
  wire::Frame* next_lost() noexcept;                       // to be sent again, or null
  // Cuts a segment that is longer than `mss` in two (the path's MTU fell).
  bool split(
      wire::Frame* frame, std::uint32_t mss, wire::FramePool& frames, FrameBudget& budget
  ) noexcept;

  // ---- what arrived ----
  AckOutcome on_ack(
      Seq ack,
      const wire::SackBlock* blocks,
      std::size_t block_count,
      Instant now,
      FrameBudget& budget
  ) noexcept;

  // RACK (RFC 8985 §6.2): marks what is lost; gives when to look again, never() when not at all.
  Instant detect_losses(
      Instant now, Duration min_rtt, Duration srtt, bool in_recovery, bool& found
  ) noexcept;
  void mark_head_lost() noexcept;
  void mark_longer_lost(std::uint32_t mss) noexcept;  // they do not fit the path any more
  void mark_all_lost(
  ) noexcept;  // a timeout; forgets SACK when the peer took it back (RFC 2018 §8)
  void on_duplicate_sack() noexcept;

  // ---- counts ----
  Seq una() const noexcept { return una_; }

  Seq nxt() const noexcept { return nxt_; }  // next to be sent for the first time

  Seq end() const noexcept { return end_; }  // next to be queued

  bool empty() const noexcept { return head_ == nullptr; }

  bool outstanding() const noexcept { return una_ != nxt_; }

  wire::Frame* head() const noexcept { return head_; }

  wire::Frame* last_sent() const noexcept;

  std::uint32_t segments() const noexcept { return segments_; }

  // RFC 6675 §4 "pipe", and what waits to be sent first.
  std::uint32_t in_flight() const noexcept {
    return (nxt_ - una_) - sacked_bytes_ - lost_bytes_ + resent_bytes_;
  }

  std::uint32_t unsent_bytes() const noexcept { return end_ - nxt_; }

  std::uint32_t sacked_bytes() const noexcept { return sacked_bytes_; }

  void prefetch() const noexcept {  // what the next ACK reads
    __builtin_prefetch(head_);
    if (head_ != nullptr) __builtin_prefetch(head_->note_memory);
  }

  bool has_lost() const noexcept { return lost_bytes_ > resent_bytes_; }

  void clear(FrameBudget& budget) noexcept;

 private:
  wire::Frame* make_frame(wire::FramePool& frames, FrameBudget& budget) noexcept;
  void link_back(wire::Frame* frame) noexcept;
  void unlink_head(FrameBudget& budget) noexcept;
  void forget_marks(Sent& segment) noexcept;
  void mark_lost(Sent& segment) noexcept;
  void on_delivered(const Sent& segment, Instant now, AckOutcome& out) noexcept;
  void take_acked(Seq ack, Instant now, AckOutcome& out, FrameBudget& budget) noexcept;
  void take_sacked(
      const wire::SackBlock* blocks, std::size_t count, Instant now, AckOutcome& out
  ) noexcept;

  Seq una_, nxt_, end_;
  wire::Frame* head_ = nullptr;
  wire::Frame* tail_ = nullptr;
  wire::Frame* unsent_ = nullptr;
  std::uint32_t segments_ = 0;
  std::uint32_t sacked_bytes_ = 0;
  std::uint32_t lost_bytes_ = 0;
  std::uint32_t resent_bytes_ = 0;
  // RACK: the newest segment that is known to have arrived
  Instant rack_sent_;
  Seq rack_end_;
  Seq fack_;  // highest sequence number that arrived
  std::uint32_t rack_rtt_us_ = 0;
  std::uint16_t sacked_segments_ = 0;
  std::uint8_t reorder_steps_ = 1;  // quarters of the least round trip
  bool reordering_seen_ = false;
};

}  // namespace gh::tcp
