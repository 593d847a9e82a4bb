// SPDX-License-Identifier: Apache-2.0
// A stream over a connection of our own TCP. Owner: its StackRoad; handlers see a Stream.
#pragma once

#include "base/units.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/net/stack/interface.h"
#include "dataplane/net/stream_state.h"
#include "dataplane/tcp/connection.h"

#include <cstddef>

namespace gh::net::stack {

class StackRoad;

class StackStream final : public Stream, public tcp::Handler {
 public:
  StackStream(
      StackRoad& owner, BufferPool& pool, Interface* interface, const Endpoint& peer, StreamState s
  )
      : Stream(pool, peer), road(owner), at(interface), state(s) {}

  // ---- for the handler ----
  void flush() noexcept override;
  void pause_read() noexcept override;
  void resume_read() noexcept override;
  void finish() noexcept override;
  void close() noexcept override;
  void abort() noexcept override;

  // ---- from TCP ----
  void on_connected(tcp::Connection&) noexcept override;
  void on_bytes(tcp::Connection&, ByteView bytes) noexcept override;
  void on_end(tcp::Connection&) noexcept override;
  void on_send_room(tcp::Connection&) noexcept override;
  void on_closed(tcp::Connection&, tcp::CloseReason reason) noexcept override;

  ByteQueue& queue() noexcept { return out_; }

  bool discards_input() const noexcept {
    return state == StreamState::draining || state == StreamState::lingering;
  }

  StackRoad& road;
  Interface* at;                   // null: no interface leads to the peer
  tcp::Connection* tcp = nullptr;  // null: none yet, or gone
  StreamHandler* handler = nullptr;
  StreamState state;
  StreamError error = StreamError::none;  // what on_closed will say
  bool paused = false;
  bool ended = false;  // the peer's FIN was told
  bool finish_asked = false;
  bool fin_sent = false;
  bool was_high = false;  // out() was above high
  bool room_owed = false;
  bool in_flush = false, in_owed = false, in_resumed = false;  // in the road's lists
  std::size_t discarded = 0;
  StackStream* linger_prev = nullptr;
  StackStream* linger_next = nullptr;
  Instant linger_until;
};

}  // namespace gh::net::stack
