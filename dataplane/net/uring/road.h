// SPDX-License-Identifier: Apache-2.0
// The default road: accepts and receives through io_uring, one system call a turn for all streams.
// Owner: the thread that made it.
#pragma once

#include "dataplane/net/socket_road.h"

#include <cstdint>
#include <memory>

struct io_uring_cqe;

namespace gh::net::uring {

class Ring;

class UringRoad final : public SocketRoad {
 public:
  static Outcome<std::unique_ptr<Road>> make(BufferPool& pool);
  ~UringRoad() override;  // the ring goes first, then the sockets

  RoadKind kind() const noexcept override { return RoadKind::uring; }

 private:
  UringRoad(BufferPool& pool, int wake_fd, std::unique_ptr<Ring> ring);

  void watch_listener(Listener& listener) noexcept override;
  void forget_listener(Listener& listener) noexcept override;

  void watch(SocketStream&) noexcept override {}

  void want_input(SocketStream& stream) noexcept override;
  void want_room(SocketStream& stream) noexcept override;
  void want_hangup(SocketStream& stream) noexcept override;
  bool detach(SocketStream& stream) noexcept override;
  void wait_events(Duration timeout) noexcept override;

  void watch_wake() noexcept;
  void watch_output(SocketStream& stream) noexcept;
  void receive(SocketStream& stream, bool known_empty) noexcept;
  void stop_receiving(SocketStream& stream) noexcept;
  void cancel(std::uint64_t user_data) noexcept;
  void on_completion(const io_uring_cqe& done) noexcept;
  void on_accept(std::size_t index, const io_uring_cqe& done) noexcept;
  void on_output(SocketStream& stream, const io_uring_cqe& done) noexcept;
  void on_received(SocketStream& stream, const io_uring_cqe& done) noexcept;
  void take_bytes(SocketStream& stream, ByteView bytes) noexcept;
  void take_end(SocketStream& stream, int result) noexcept;
  void change_pace(SocketStream& stream, std::size_t bytes, std::size_t room) noexcept;

  std::unique_ptr<Ring> ring_;
};

}  // namespace gh::net::uring
