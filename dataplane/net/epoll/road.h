// SPDX-License-Identifier: Apache-2.0
// The road for hosts that refuse io_uring: edge-triggered epoll, one epoll_ctl per connection, one
// receive buffer per worker. Owner: one core.
#pragma once

#include "base/limits.h"
#include "dataplane/net/socket_road.h"

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace gh::net::epoll {

class EpollRoad final : public SocketRoad {
 public:
  static Outcome<std::unique_ptr<Road>> make(BufferPool& pool);
  ~EpollRoad() override;

  RoadKind kind() const noexcept override { return RoadKind::epoll; }

 private:
  EpollRoad(BufferPool& pool, int epoll_fd, int wake_fd);

  void watch_listener(Listener& listener) noexcept override;

  void forget_listener(Listener&) noexcept override {}  // closing removes it

  void watch(SocketStream& stream) noexcept override;
  void want_input(SocketStream& stream) noexcept override;

  void want_room(SocketStream&) noexcept override {}  // the next edge says so

  void want_hangup(SocketStream&) noexcept override {}  // so does it here

  bool detach(SocketStream&) noexcept override { return true; }

  void wait_events(Duration timeout) noexcept override;
  void forget(SocketStream& stream) noexcept override;

  void dispatch(const epoll_event& event) noexcept;
  void on_events(SocketStream& stream, std::uint32_t events) noexcept;
  void read(SocketStream& stream) noexcept;
  void accept(std::size_t index) noexcept;

  int epoll_fd_;
  std::vector<SocketStream*> ready_;    // readable, and not yet emptied: read on in the next turn
  std::vector<SocketStream*> reading_;  // those of this turn
  std::vector<std::size_t> accepting_;  // listeners likewise
  std::array<epoll_event, 256> events_;
  std::unique_ptr<std::array<std::uint8_t, limits::read_buffer_bytes>> buffer_;
};

}  // namespace gh::net::epoll
