// SPDX-License-Identifier: Apache-2.0
// One peer: everything a stack knows of a connection, and what its user may ask.
// Legal order of a handler's calls:  [on_connected] (on_bytes | on_send_room)* [on_end]
// (on_send_room)* on_closed. on_closed comes exactly once, from poll(); the connection must not be
// touched after it. A handler may call anything of Stack on any connection.
// Owner: the stack of one core. At most 512 bytes while idle: no queue, no buffer.
#pragma once

#include "base/byte_view.h"
#include "base/limits.h"
#include "base/units.h"
#include "dataplane/net/wire/ip_host.h"
#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/deadline_wheel.h"
#include "dataplane/tcp/receiver.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/send_queue.h"
#include "dataplane/tcp/seq.h"
#include "dataplane/tcp/state.h"

#include <cstdint>

namespace gh::tcp {

class Connection;

enum class CloseReason : std::uint8_t {
  none,         // both sides finished, or close() did its work
  reset,        // by the peer
  refused,      // connect(): nobody listens there
  unreachable,  // connect(): no way, or nobody answers for the address
  timed_out,
  aborted,  // by our abort()
  no_memory,
};

class Handler {
 public:
  virtual void on_connected(Connection& connection) noexcept = 0;
  virtual void on_bytes(Connection& connection, ByteView bytes) noexcept = 0;  // during the call
  virtual void on_end(Connection& connection) noexcept = 0;        // the peer sends no more
  virtual void on_send_room(Connection& connection) noexcept = 0;  // send() took less than offered
  virtual void on_closed(Connection& connection, CloseReason reason) noexcept = 0;

 protected:
  ~Handler() = default;
};

class Acceptor {
 public:
  // A new connection. Null refuses it (reset, no on_closed).
  virtual Handler* on_accept(Connection& connection) noexcept = 0;

 protected:
  ~Acceptor() = default;
};

struct Endpoint {
  wire::IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

// What the retransmission deadline is for.
enum class RtxTimer : std::uint8_t { off, timeout, tail_probe, reorder, window_probe, handshake };

class alignas(64) Connection : WheelLink {
 public:
  // Who uses it may keep a word here.
  void* user = nullptr;

  const Endpoint& local() const noexcept { return local_; }

  const Endpoint& remote() const noexcept { return remote_; }

  State state() const noexcept { return state_; }

  // Bytes that were taken by send() and are not acknowledged yet.
  std::uint32_t unacknowledged() const noexcept { return send_.end() - send_.una(); }

  const SendQueue& send_queue() const noexcept { return send_; }

  const Receiver& receiver() const noexcept { return receive_; }

  const Congestion& congestion() const noexcept { return congestion_; }

  const RttEstimator& rtt() const noexcept { return rtt_; }

  std::uint32_t peer_window() const noexcept { return snd_wnd_; }

  std::uint32_t mss() const noexcept { return mss_; }

 private:
  friend class Stack;
  friend class ConnectionTable;
  friend class ConnectionPool;

  void enter(State into) noexcept;

  // ---- looked at for each segment ----
  Handler* handler_ = nullptr;
  SendQueue send_;
  Receiver receive_;
  Seq snd_wl1_, snd_wl2_;
  std::uint32_t snd_wnd_ = 0;
  std::uint32_t snd_wnd_max_ = 0;
  Seq last_ack_sent_;
  std::uint32_t ts_recent_ = 0;
  std::uint32_t ts_offset_ = 0;
  Instant heard_;  // last acceptable segment
  Instant rtx_deadline_ = Instant::never();
  Instant ack_deadline_ = Instant::never();
  Instant life_deadline_ = Instant::never();
  std::uint16_t wanted_ = 0;  // bytes that send() did not take, or more than that
  std::uint16_t mss_ = 536;   // payload bytes of a segment to the peer, without options
  State state_ = State::closed;
  RtxTimer rtx_timer_ = RtxTimer::off;
  std::uint8_t snd_shift_ = 0;
  std::uint8_t rcv_shift_ = 0;
  std::uint8_t retries_ = 0;
  std::uint8_t duplicate_acks_ = 0;
  bool sack_ok_ : 1 = false;
  bool ts_ok_ : 1 = false;
  bool ack_now_ : 1 = false;
  bool dirty_ : 1 = false;  // in the stack's list of work
  bool paused_ : 1 = false;
  bool wants_room_ : 1 = false;  // send() took less than offered
  bool fin_asked_ : 1 = false;
  bool fin_queued_ : 1 = false;
  bool end_told_ : 1 = false;
  bool discard_ : 1 = false;  // close(): nobody reads any more
  bool passive_ : 1 = false;
  bool half_open_ : 1 = false;  // counted as such
  bool counted_ : 1 = false;    // …for its source
  bool in_recovery_ : 1 = false;
  bool timed_out_ : 1 = false;  // the recovery began with a timeout
  bool tlp_out_ : 1 = false;
  bool reported_ : 1 = false;  // on_closed was called, or nobody is to be told
  bool connected_told_ : 1 = false;
  bool reset_held_ : 1 = false;     // the peer reset it; what it said before is still to be read
  bool resend_now_ : 1 = false;     // one segment, whatever is in flight (RFC 6675 §5 (4.3))
  bool small_allowed_ : 1 = false;  // the window stayed silly for long enough
  CloseReason reason_ = CloseReason::none;

  // ---- now and then ----
  Endpoint local_, remote_;
  wire::Path path_;
  RttEstimator rtt_;
  Congestion congestion_;
  Seq recover_;
  Seq tlp_end_;
  Seq iss_, irs_;
  std::uint32_t id_ = 0;  // place in the pool
  std::uint32_t hash_ = 0;
  std::uint16_t peer_mss_ = 536;
  Instant zero_window_since_ = Instant::never();
  Instant challenged_;  // last challenge ACK, and last answer to a segment outside the window
  Instant last_sent_;
  Connection* next_ = nullptr;  // TIME-WAIT, oldest first
  Connection* prev_ = nullptr;
  Acceptor* acceptor_ = nullptr;
  std::uint8_t probes_ = 0;  // keep-alive, unanswered
};

static_assert(sizeof(Connection) <= 512, "the promise of an idle connection's memory");

}  // namespace gh::tcp
