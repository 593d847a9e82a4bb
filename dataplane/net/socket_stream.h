// SPDX-License-Identifier: Apache-2.0
// A stream over a kernel socket, the same on both roads. How its input arrives, and how the kernel
// says that there is room again, is the road's own (epoll/road.h, uring/road.h). Owner: its
// SocketRoad, which also reads and writes the fields; handlers see a Stream.
#pragma once

#include "base/units.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/net/stream_state.h"

#include <cstddef>
#include <cstdint>

namespace gh::net {

class SocketRoad;

class SocketStream final : public Stream {
 public:
  SocketStream(
      SocketRoad& owner, BufferPool& pool, int socket, const Endpoint& peer, StreamState first
  )
      : Stream(pool, peer), road(owner), fd(socket), state(first), held(pool) {}

  void flush() noexcept override;

  void pause_read() noexcept override { paused = true; }

  void resume_read() noexcept override;
  void finish() noexcept override;
  void close() noexcept override;
  void abort() noexcept override;

  ByteQueue& queue() noexcept { return out_; }

  bool wants_input() const noexcept {
    return state == StreamState::open ? !paused && !ended : discards_input() && !ended && !deaf;
  }

  bool discards_input() const noexcept {
    return state == StreamState::draining || state == StreamState::lingering;
  }

  SocketRoad& road;
  StreamHandler* handler = nullptr;
  int fd;
  StreamState state;
  StreamError error = StreamError::none;  // what on_closed will say
  StreamError broken =
      StreamError::none;  // sending failed; what the peer sent before is still read
  bool paused = false;
  bool ended = false;  // the peer's FIN was read
  bool finish_asked = false;
  bool fin_sent = false;
  bool deaf = false;      // linger_bytes_max discarded
  bool blocked = false;   // the kernel took no more; the road says when it does
  bool was_high = false;  // out() was above high
  bool room_owed = false;
  bool in_flush = false, in_owed = false;  // in the road's lists
  // epoll
  bool in_ready = false;
  bool readable = false;  // an edge was seen and the socket not yet emptied
  bool hung_up = false;   // FIN or an error waits behind the unread bytes
  // uring: what the kernel holds
  bool receiving = false;
  bool stopping = false;  // the receive is being cancelled
  bool watched = false;   // a poll tells of room, hang-up, or the connection
  bool bulk = false, received_in_bulk = false;
  std::uint8_t operations = 0;  // completions still to come
  unsigned full_in_a_row = 0;   // small buffers
  int held_error = 0;           // what ended the input during a pause
  ByteQueue held;  // what arrived as it was paused; bound: limits::uring_small_buffer_bytes
  std::size_t discarded = 0;
  // lingering, oldest first
  SocketStream* linger_prev = nullptr;
  SocketStream* linger_next = nullptr;
  Instant linger_until;
};

}  // namespace gh::net
