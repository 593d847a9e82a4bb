// SPDX-License-Identifier: Apache-2.0
// What both roads over kernel sockets share: the life of a stream, sending, closing, lingering, and
// the order of a turn. In: what the kernel says, through the on_… functions below.  Out: the
// handlers' calls, and what to ask of the kernel next (the virtual functions below). Owner: one
// core. Sending is a plain sendmsg() from submit() on both roads: see README.md for what was
// measured.
#pragma once

#include "dataplane/net/byte_stream.h"
#include "dataplane/net/linger_list.h"
#include "dataplane/net/socket_stream.h"
#include "dataplane/net/stream_pool.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gh::net {

class SocketRoad : public Road {
 public:
  SocketRoad(const SocketRoad&) = delete;
  SocketRoad& operator=(const SocketRoad&) = delete;
  ~SocketRoad() override;  // closes what is open; no handler is called

  void listen(const Listening& where, AcceptHandler& handler) noexcept override;
  void stop_listening() noexcept override;
  Stream* connect(
      const Endpoint& to, StreamHandler& handler, const Endpoint* from = nullptr
  ) noexcept override;
  void submit() noexcept override;
  void wait(Instant now, Instant deadline) noexcept override;
  void wake() noexcept override;

  std::size_t open_streams() const noexcept override { return open_streams_; }

  std::uint64_t accept_errors() const noexcept override { return accept_errors_; }

 protected:
  struct Listener {
    int fd = -1;
    AcceptHandler* handler = nullptr;
    bool accepting = false;  // uring: an accept is under way
  };

  SocketRoad(BufferPool& pool, int wake_fd);

  // ---- what a road asks of the kernel its own way ----
  virtual void watch_listener(Listener& listener
  ) noexcept = 0;  // accept from now on; also again after a rest
  virtual void forget_listener(Listener& listener) noexcept = 0;  // before it is closed
  virtual void watch(SocketStream& stream) noexcept = 0;          // a socket joins
  virtual void want_input(SocketStream& stream) noexcept = 0;     // wants_input() became true
  virtual void want_room(SocketStream& stream
  ) noexcept = 0;  // tell on_room() when it can be written to
  virtual void want_hangup(SocketStream& stream
  ) noexcept = 0;  // tell on_hangup(): input has ended, output has not
  virtual bool detach(SocketStream& stream
  ) noexcept = 0;  // false: the kernel still holds it, on_detached() follows
  virtual void wait_events(Duration timeout
  ) noexcept = 0;  // dispatches what is at hand; negative: no timeout

  // ---- what the kernel said ----
  void on_accepted(Listener& listener, int fd, const Endpoint& peer) noexcept;
  void on_accept_failed(int error) noexcept;

  bool accept_rests() const noexcept { return accept_resting_; }

  void on_watch_failed(SocketStream& stream, int error) noexcept;
  void on_room(SocketStream& stream) noexcept;
  void on_input(SocketStream& stream, ByteView bytes) noexcept;
  void on_input_end(SocketStream& stream) noexcept;
  void on_input_failed(SocketStream& stream, int error) noexcept;
  void on_hangup(SocketStream& stream) noexcept;
  void on_detached(SocketStream& stream) noexcept;
  void owe(SocketStream& stream
  ) noexcept;  // something is to be said to its handler at the end of wait()

  std::vector<Listener>& listeners() noexcept { return listeners_; }

  int wake_fd() const noexcept { return wake_fd_; }

  virtual void forget(SocketStream& stream) noexcept { (void)stream; }  // its memory goes now

 private:
  friend class SocketStream;

  void kill(SocketStream& stream, StreamError error) noexcept;
  void send_out(SocketStream& stream) noexcept;
  bool send_all(SocketStream& stream) noexcept;
  void on_send_failed(SocketStream& stream, int error) noexcept;
  void on_drained(SocketStream& stream) noexcept;
  void on_connect_result(SocketStream& stream) noexcept;
  void settle() noexcept;
  void deliver_held(SocketStream& stream) noexcept;
  void close_and_free(SocketStream& stream) noexcept;
  void keep_time(Instant now) noexcept;
  Duration timeout_until(Instant now, Instant deadline) const noexcept;

  BufferPool* pool_;
  StreamPool<SocketStream> streams_;
  std::size_t open_streams_ = 0;
  std::vector<Listener> listeners_;
  std::vector<SocketStream*> flush_;  // sent to by submit(); a null was freed meanwhile
  std::vector<SocketStream*> owed_;   // what settle() says at the end of wait()
  LingerList<SocketStream> lingering_;
  bool accept_resting_ = false;
  Instant accept_again_;
  std::uint64_t accept_errors_ = 0;
  int wake_fd_;
};

}  // namespace gh::net
