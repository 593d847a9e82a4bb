// SPDX-License-Identifier: Apache-2.0
// The road over our own TCP: streams, the order of a turn, and sleep. One a core, on any number of
// interfaces.
// In: frames of the ports, calls of the handlers' owners.   Out: the handlers' calls, frames.
// A turn: wait() takes frames and tells what they brought; submit() sends what was flushed, runs
// TCP's timers and hands the ports all frames of the turn at once. What TCP finds out in submit()
// (room, ends) is told in the next wait(), which then does not sleep.
// Owner: one core. Not here: TCP (dataplane/tcp), ports (net/dpdk).
#pragma once

#include "base/limits.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/net/linger_list.h"
#include "dataplane/net/stack/interface.h"
#include "dataplane/net/stack/stream.h"
#include "dataplane/net/stream_pool.h"

#include <poll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace gh::net::stack {

struct StackRoadConfig {
  std::vector<Interface*> interfaces;  // they outlive the road
  bool busy_poll = false;              // never sleep
  std::function<Instant()> clock = monotonic_now;
};

class StackRoad final : public Road {
 public:
  static Outcome<std::unique_ptr<Road>> make(StackRoadConfig config, BufferPool& pool);
  StackRoad(const StackRoad&) = delete;
  StackRoad& operator=(const StackRoad&) = delete;
  ~StackRoad() override;  // connections are forgotten; no handler is called

  RoadKind kind() const noexcept override { return RoadKind::dpdk; }

  void listen(const Listening& where, AcceptHandler& handler) noexcept override;
  void stop_listening() noexcept override;
  Stream* connect(
      const Endpoint& to, StreamHandler& handler, const Endpoint* from = nullptr
  ) noexcept override;
  void submit() noexcept override;
  void wait(Instant now, Instant deadline) noexcept override;
  void wake() noexcept override;

  std::size_t open_streams() const noexcept override { return open_streams_; }

 private:
  friend class StackStream;

  // One address of one interface that is listened at.
  struct Listener final : tcp::Acceptor {
    Listener(StackRoad& owner, Interface& interface, const tcp::Endpoint& where, AcceptHandler& to)
        : road(owner), at(interface), local(where), handler(to) {}

    tcp::Handler* on_accept(tcp::Connection& connection) noexcept override;

    StackRoad& road;
    Interface& at;
    tcp::Endpoint local;
    AcceptHandler& handler;
    bool stopped = false;
  };

  struct Arrived {
    std::array<wire::Frame*, limits::stack_burst> frames;
    std::size_t count = 0;
  };

  StackRoad(StackRoadConfig config, BufferPool& pool, int wake_fd);

  // ---- a turn ----
  bool receive() noexcept;
  void take_frames() noexcept;
  void take_resumed() noexcept;
  void settle() noexcept;
  void transmit(Interface& at) noexcept;
  Duration timeout_until(Instant now, Instant deadline) noexcept;
  void rest(Instant until) noexcept;
  bool arm() noexcept;
  void disarm() noexcept;

  // ---- streams ----
  void listen_at(Interface& at, const tcp::Endpoint& where, AcceptHandler& handler) noexcept;
  Interface* interface_for(const wire::IpAddress& to, const Endpoint* from) noexcept;
  void send_out(StackStream& stream) noexcept;
  void on_drained(StackStream& stream) noexcept;
  void kill(StackStream& stream, StreamError error, bool reset = false) noexcept;
  void owe(StackStream& stream) noexcept;
  void free(StackStream& stream) noexcept;

  StackRoadConfig config_;
  BufferPool* pool_;
  StreamPool<StackStream> streams_;
  std::size_t open_streams_ = 0;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Arrived> arrived_;       // by interface
  std::vector<StackStream*> flush_;    // sent to by submit(); a null was freed meanwhile
  std::vector<StackStream*> owed_;     // what settle() says at the end of wait()
  std::vector<StackStream*> resumed_;  // read on in the next wait()
  LingerList<StackStream> lingering_;
  Instant now_;
  Duration pause_{limits::stack_pause_min};  // between looks at ports that cannot wake us
  bool told_ = false;     // a handler was called outside of wait(): its owner wants a turn
  bool blocked_ = false;  // a port took not all frames
  int wake_fd_;
  std::vector<pollfd> waits_;  // of rest(): wake_fd_, then the ports that have one
};

}  // namespace gh::net::stack
