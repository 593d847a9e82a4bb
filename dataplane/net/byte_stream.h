// SPDX-License-Identifier: Apache-2.0
// What every road offers: ordered bytes over a connection, accept, connect, back-pressure. The
// worker sees only this. In: Road::turn() is called in a loop by the owner's core.  Out: the
// handlers below, always from inside turn(). Owner: one core. Nothing here is called from another
// thread, except Road::wake().
//
// Legal order for one StreamHandler:  [on_connected]  (on_bytes | on_send_room)*  [on_end]
// (on_send_room)*  on_closed on_closed comes exactly once for every stream that was accepted or
// connected (also after abort()), never from inside a call the handler makes; the stream must not
// be touched after it.
#pragma once

#include "base/byte_queue.h"
#include "base/byte_view.h"
#include "base/core.h"
#include "base/result.h"
#include "base/units.h"

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::net {

// An IPv4 or IPv6 address and port.
class Endpoint {
 public:
  Endpoint() = default;
  // "127.0.0.1:8443", "[::1]:8443", ":8443" (all addresses, both families). No names: see
  // resolve().
  static Outcome<Endpoint> parse(std::string_view text);
  static Endpoint from_sockaddr(const sockaddr* address, socklen_t length, bool any_family = false);

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }

  socklen_t length() const { return length_; }

  bool is_ipv6() const { return storage_.ss_family == AF_INET6; }

  bool any_family() const { return any_family_; }  // ":8443"

  bool is_loopback() const;
  std::uint16_t port() const;
  std::string ip() const;  // "127.0.0.1", "::1"; an IPv4-mapped IPv6 address is written as IPv4
  std::string to_string() const;  // with port, IPv6 in brackets

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
  bool any_family_ = false;
};

// "host:port" to its addresses through the system's resolver. Control only: blocks.
Outcome<std::vector<Endpoint>> resolve(std::string_view host, std::uint16_t port);

enum class StreamError : std::uint8_t {
  none,         // closed by us, or both sides finished
  reset,        // the peer reset it
  refused,      // connect: nobody listens there
  unreachable,  // connect: no route, host down
  timed_out,    // connect, or the kernel gave the peer up
  aborted,      // by our abort()
  out_of_memory,
  other,
};

std::string_view name_of(StreamError error);

class Stream;

// Somebody who uses a stream: a client's or an upstream's connection.
class StreamHandler {
 public:
  virtual void on_connected(Stream& stream) noexcept = 0;
  virtual void on_bytes(Stream& stream, ByteView bytes) noexcept = 0;  // valid during the call
  virtual void on_end(Stream& stream) noexcept = 0;                    // the peer sends no more
  // out() fell to limits::stream_out_low_bytes after it was above high
  virtual void on_send_room(Stream& stream) noexcept = 0;
  virtual void on_closed(Stream& stream, StreamError error) noexcept = 0;

 protected:
  ~StreamHandler() = default;
};

class Stream {
 public:
  // Bytes waiting to be sent. Append, then call flush(); the road sends at the end of the turn.
  ByteQueue& out() noexcept { return out_; }

  bool above_high() const noexcept { return out_.size() >= limits::stream_out_high_bytes; }

  virtual void flush() noexcept = 0;  // out() has bytes: send them this turn
  // no on_bytes until resume_read() (one more delivery may be under way)
  virtual void pause_read() noexcept = 0;
  virtual void resume_read() noexcept = 0;
  virtual void finish() noexcept = 0;  // what is in out() is sent, then FIN; reading goes on
  // what is in out() is sent, then closed; no more on_bytes. While connecting: dropped.
  virtual void close() noexcept = 0;
  // After our FIN the peer has limits::linger_timeout for its own
  virtual void abort() noexcept = 0;  // dropped now, with RST where there was unsent data

  const Endpoint& peer() const noexcept { return peer_; }

 protected:
  Stream(BufferPool& pool, const Endpoint& peer) : out_(pool), peer_(peer) {}

  ~Stream() = default;

  ByteQueue out_;
  Endpoint peer_;
};

class AcceptHandler {
 public:
  // A new connection. Null refuses it (closed at once, no on_closed).
  virtual StreamHandler* on_accept(Stream& stream) noexcept = 0;

 protected:
  ~AcceptHandler() = default;
};

enum class RoadKind : std::uint8_t { uring, epoll, dpdk };
std::string_view name_of(RoadKind kind);

// Where a worker accepts. Made by control before the workers start, so that what is wrong with it
// is a start-up error.
struct Listening {
  Endpoint at;
  int socket = -1;  // where the kernel listens: from listen_socket(); none on a road of our own TCP
};

// Told around the blocking system call of Road::wait(), so that a sleeping worker holds up no RCU
// publisher.
class SleepObserver {
 public:
  virtual void on_sleep() noexcept = 0;  // just before it may block
  virtual void on_awake() noexcept = 0;  // just after, before any event is dispatched

 protected:
  ~SleepObserver() = default;
};

class Road {
 public:
  virtual ~Road() = default;

  // null: nobody
  void observe_sleep(SleepObserver* observer) noexcept { sleep_observer_ = observer; }

  virtual RoadKind kind() const noexcept = 0;

  // Takes the socket, if there is one. Each worker has its own, with SO_REUSEPORT.
  virtual void listen(const Listening& where, AcceptHandler& handler) noexcept = 0;
  // nothing more is accepted; what was accepted lives on
  virtual void stop_listening() noexcept = 0;

  // Starts a connection; on_connected or on_closed follows from a later turn. `from`: the address
  // of ours to connect from (its port is not looked at); null: the system chooses.
  virtual Stream* connect(
      const Endpoint& to, StreamHandler& handler, const Endpoint* from = nullptr
  ) noexcept = 0;

  // One turn of the loop's I/O. submit(): everything flushed so far goes out. wait(): at most until
  // `deadline`, not at all if it is past; then dispatches every event at hand.
  virtual void submit() noexcept = 0;
  virtual void wait(Instant now, Instant deadline) noexcept = 0;

  virtual void wake() noexcept = 0;  // any thread: makes wait() return soon
  virtual std::size_t open_streams() const noexcept = 0;

  // out of descriptors or memory; see limits::accept_backoff
  virtual std::uint64_t accept_errors() const noexcept { return 0; }

 protected:
  // Around the blocking system call of wait(): told only when it may block.
  template <class Block>
  void sleep_in(Duration timeout, Block block) noexcept {
    SleepObserver* told = timeout == Duration(0) ? nullptr : sleep_observer_;
    if (told != nullptr) told->on_sleep();
    block();
    if (told != nullptr) told->on_awake();
  }

  SleepObserver* sleep_observer_ = nullptr;
};

// Bound, listening, non-blocking, SO_REUSEPORT, TCP_NODELAY and keep-alive inherited. Control calls
// it for each worker before it starts, so that a port in use is a start-up error. ":8443" takes
// both families, "[::]:8443" IPv6 alone.
Outcome<int> listen_socket(const Endpoint& at);

// The same for all workers at once: also an error when another process of ours listens there
// already (SO_REUSEPORT alone would share the port with it). Port 0: one free port for all.
Outcome<std::vector<int>> listen_sockets(const Endpoint& at, std::size_t workers);

// Where a socket is bound: what port 0 became.
Endpoint local_endpoint(int socket, const Endpoint& asked);

// What io_uring lacks here (a sentence), or empty when the uring road runs on this kernel.
std::string uring_missing();

// A road over kernel sockets. Called on the thread that will use it (io_uring rings belong to their
// thread).
Outcome<std::unique_ptr<Road>> make_road(RoadKind kind, BufferPool& pool);

}  // namespace gh::net
