// SPDX-License-Identifier: Apache-2.0
// A core's TCP (RFC 9293): listeners, connections, and how segments, sends and time move them.
// In: on_frames() with what the port received, poll() at the end of
// each turn, the user's calls.   Out: the handlers' calls, frames in the host's output(),
// next_deadline().
// A turn: on_frames() for what arrived, the user's work, poll(), then the port takes output().
// Sends of a turn go out in poll(): ACKs ride on data, FIN on the last segment.
// Owner: one core; takes no lock, allocates nothing once warm.
// Not here: sequence ranges (receiver.h), lost segments (send_queue.h), congestion (congestion.h).
#pragma once

#include "base/siphash.h"
#include "base/units.h"
#include "dataplane/net/wire/ip_host.h"
#include "dataplane/net/wire/tcp_header.h"
#include "dataplane/tcp/connection.h"
#include "dataplane/tcp/connection_table.h"
#include "dataplane/tcp/counters.h"
#include "dataplane/tcp/handshake.h"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace gh::tcp {

struct StackConfig {
  SipKey secret;
  CongestionKind congestion = CongestionKind::cubic;
  bool timestamps = true;
  bool sack = true;
  bool window_scale = true;
  std::size_t connections_max = limits::tcp_connections_max;
  std::size_t connections_per_source_max = limits::tcp_connections_per_source_max;
  std::size_t half_open_max = limits::tcp_half_open_max;
  std::size_t time_wait_max = limits::tcp_time_wait_max;
  std::size_t frames_held_max = limits::tcp_frames_held_max;
  std::size_t source_slots = limits::tcp_source_slots;
  // connect(): whether what answers to this port comes back to this core. Null: always.
  std::function<bool(const Endpoint& local, const Endpoint& remote)> port_is_ours;
  Duration keepalive_idle = limits::keepalive_idle;
  Duration zero_window_max = limits::tcp_zero_window_max;
};

class Stack {
 public:
  Stack(const StackConfig& config, wire::IpHost& host, wire::FramePool& frames, Instant now);
  ~Stack();  // what is open is forgotten; no handler is called
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // ---- the turn ----
  // Takes them. Of what arrived together, the memory each needs is on its way while others are
  // worked on: a burst costs less a frame than one alone.
  void on_frames(std::span<wire::Frame* const> frames, Instant now) noexcept;

  void on_frame(wire::Frame* frame, Instant now) noexcept { on_frames({&frame, 1}, now); }

  void poll(Instant now) noexcept;
  Instant next_deadline() const noexcept;  // of TCP; the host has its own

  bool has_work() const noexcept { return !dirty_.empty(); }  // poll() wants to run this turn

  // ---- for the user ----
  // An unspecified address listens at all of ours of both families. False: taken, or too many.
  bool listen(const Endpoint& at, Acceptor& acceptor);
  void stop_listening(const Endpoint& at) noexcept;

  // Null: no way there, no port or memory left. local_port 0: one is chosen (RFC 6056).
  Connection* connect(
      const Endpoint& to, Handler& handler, Instant now, std::uint16_t local_port = 0
  ) noexcept;

  // Takes as much as the peer's window and congestion allow now; when that is less than offered,
  // on_send_room follows. `bytes` is all there is to send, so that small rests are not held back.
  std::size_t send(Connection& connection, ByteView bytes) noexcept;
  void finish(Connection& connection) noexcept;  // FIN after what was taken; reading goes on
  void close(Connection& connection) noexcept;   // finish, and what comes in is discarded
  void abort(Connection& connection) noexcept;   // RST; on_closed(aborted) from poll()

  void pause_read(Connection& connection) noexcept { connection.paused_ = true; }

  void resume_read(Connection& connection) noexcept;

  // Its user is told no more; the connection ends by itself, if close() or abort() was called.
  void disown(Connection& connection) noexcept { connection.handler_ = nullptr; }

  // ---- sight ----
  const Counters& counters() const noexcept { return counters_; }

  std::size_t connections() const noexcept { return pool_.in_use(); }

  std::size_t half_open() const noexcept { return half_open_; }

  std::size_t time_waits() const noexcept { return time_waits_; }

  std::size_t frames_held() const noexcept { return budget_.held; }

  template <class Visit>
  void each_connection(Visit visit) {
    pool_.each(visit);
  }

 private:
  static constexpr std::size_t burst_max = 32;  // frames worked on together

  struct Arrived {
    wire::Input input;
    const Connection* seen = nullptr;
    std::uint32_t hash = 0;
  };

  struct Segment;
  struct Listener;

  // ---- in (stack_in.cc) ----
  void on_burst(std::span<wire::Frame* const> frames) noexcept;
  void on_segment(const wire::Input& input, std::uint32_t hash) noexcept;
  void on_segment_for(Connection& c, Segment& s) noexcept;
  void on_syn_sent(Connection& c, Segment& s) noexcept;
  bool check_sequence(Connection& c, const Segment& s) noexcept;
  bool check_reset(Connection& c, const Segment& s) noexcept;
  void hold_reset(Connection& c) noexcept;
  bool check_ack(Connection& c, const Segment& s) noexcept;
  void on_ack(Connection& c, const Segment& s) noexcept;
  void update_window(Connection& c, const Segment& s) noexcept;
  void on_acked_fin(Connection& c) noexcept;
  void on_text(Connection& c, Segment& s) noexcept;
  void on_time_wait(Connection& c, Segment& s) noexcept;
  void deliver(Connection& c) noexcept;
  void on_peer_fin(Connection& c) noexcept;
  void on_path_error(const wire::PathError& error) noexcept;
  void lower_mss(Connection& c, std::uint32_t mss) noexcept;

  // ---- recovery (stack_recovery.cc) ----
  void recover(
      Connection& c, const Segment& s, const AckOutcome& ack, std::uint32_t flight
  ) noexcept;
  void enter_recovery(Connection& c, std::uint32_t flight) noexcept;
  void look_for_losses(Connection& c) noexcept;
  void on_timeout(Connection& c) noexcept;
  void on_tail_probe(Connection& c) noexcept;
  void on_window_probe(Connection& c) noexcept;
  void arm_rtx(Connection& c) noexcept;

  // ---- opening and closing (stack_open.cc) ----
  void on_listen(const Listener& listener, Segment& s) noexcept;
  void answer_with_cookie(const Segment& s) noexcept;
  Connection* open_from_cookie(const Listener& listener, const Segment& s) noexcept;
  Connection* make_passive(const Listener& listener, const Segment& s, Seq iss) noexcept;
  Connection* make_connection(const Endpoint& local, const Endpoint& remote) noexcept;
  bool accept(Connection& c) noexcept;
  void take_syn_options(Connection& c, const wire::TcpHeader& header) noexcept;
  void take_mss(Connection& c) noexcept;
  void establish(Connection& c) noexcept;
  void on_handshake_timer(Connection& c) noexcept;
  void leave_half_open(Connection& c) noexcept;
  void enter_time_wait(Connection& c) noexcept;
  void leave_time_wait(Connection& c) noexcept;
  void queue_fin(Connection& c) noexcept;
  void drop(Connection& c, CloseReason reason) noexcept;  // gone; told and freed by poll()
  void release(Connection& c) noexcept;
  std::uint16_t choose_port(const Endpoint& local, const Endpoint& to) noexcept;
  const Listener* find_listener(const Endpoint& local) const noexcept;
  std::uint32_t& source_slot(const wire::IpAddress& source) noexcept;

  // ---- out (stack_out.cc) ----
  void emit(Connection& c, wire::Frame* frame, Seq seq, std::uint8_t flags) noexcept;
  void emit_data(Connection& c, wire::Frame* segment) noexcept;
  void emit_empty(Connection& c, Seq seq, std::uint8_t flags) noexcept;
  void emit_syn(Connection& c) noexcept;
  void emit_raw(const Endpoint& local, const Endpoint& remote, wire::TcpHeader header) noexcept;
  void send_ack(Connection& c) noexcept;
  void challenge(Connection& c) noexcept;
  void answer_stray(Connection& c) noexcept;
  void reset_stray(const Segment& s) noexcept;
  void transmit(Connection& c) noexcept;
  std::uint32_t room_to_send(const Connection& c) const noexcept;
  std::uint32_t timestamp(const Connection& c) const noexcept;
  std::uint32_t payload_max(const Connection& c) const noexcept;

  // ---- time and work (stack.cc) ----
  void touch(Connection& c) noexcept;  // poll() looks at it
  void arm(Connection& c) noexcept;
  void on_timer(Connection& c) noexcept;
  void on_life_timer(Connection& c) noexcept;
  void work(Connection& c) noexcept;
  template <class Call>
  void tell(Connection& c, Call call) noexcept;

  StackConfig config_;
  wire::IpHost& host_;
  wire::FramePool& frames_;
  HandshakeSecrets secrets_;
  FrameBudget budget_;
  ConnectionPool pool_;
  ConnectionTable table_;
  DeadlineWheel wheel_;
  std::vector<Listener> listeners_;
  std::vector<Connection*> dirty_, working_;
  std::vector<std::uint32_t> sources_;
  SipKey source_key_;
  Connection* time_wait_first_ = nullptr;
  Connection* time_wait_last_ = nullptr;
  std::size_t time_waits_ = 0;
  std::size_t half_open_ = 0;
  Instant now_;
  Instant cookies_until_;
  std::uint64_t random_ = 0;
  std::uint32_t next_port_ = 0;
  Instant second_;
  std::uint32_t challenges_left_ = 0;
  std::uint32_t resets_left_ = 0;
  Counters counters_;
  std::array<Arrived, burst_max> arrived_;
};

}  // namespace gh::tcp
