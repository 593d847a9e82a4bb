// SPDX-License-Identifier: Apache-2.0
// A road, a recording handler for its streams, and a plain blocking socket for the other side.
// Which roads, and over what they meet the kernel's sockets, is each test program's own:
// kernel_roads.cc (loopback), stack_roads.cc (TAP devices).
#pragma once

#include "base/buffer_pool.h"
#include "base/limits.h"
#include "dataplane/net/byte_stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gh::net {

std::vector<RoadKind> roads_under_test();
Outcome<std::unique_ptr<Road>> make_road_under_test(RoadKind kind, BufferPool& pool);
// Loopback addresses stand for those of the road under test.
Outcome<Listening> make_listening(RoadKind kind, const Endpoint& at);
Endpoint seen_by_peer(RoadKind kind, const Endpoint& at);

// What one stream went through, and what to do at each step.
struct Recorder final : StreamHandler {
  Stream* stream = nullptr;
  std::string got;
  std::string events;  // c b e r x, runs of b written once
  StreamError error = StreamError::none;
  bool closed = false;
  std::function<void(Stream&, ByteView)> at_bytes;
  std::function<void(Stream&)> at_connected, at_end, at_room, at_closed;

  bool saw(char event) const { return events.find(event) != std::string::npos; }

  void on_connected(Stream& from) noexcept override {
    note('c');
    if (at_connected) at_connected(from);
  }

  void on_bytes(Stream& from, ByteView bytes) noexcept override {
    note('b');
    got += as_text(bytes);
    if (at_bytes) at_bytes(from, bytes);
  }

  void on_end(Stream& from) noexcept override {
    note('e');
    if (at_end) at_end(from);
  }

  void on_send_room(Stream& from) noexcept override {
    note('r');
    if (at_room) at_room(from);
  }

  void on_closed(Stream& from, StreamError why) noexcept override {
    EXPECT_FALSE(closed) << "closed twice";
    note('x');
    closed = true;
    error = why;
    stream = nullptr;
    if (at_closed) at_closed(from);
  }

 private:
  void note(char event) {
    EXPECT_FALSE(closed) << event << " after on_closed";
    if (event != 'b' || events.empty() || events.back() != 'b') events += event;
  }
};

struct Acceptor final : AcceptHandler {
  std::vector<std::unique_ptr<Recorder>> accepted;
  std::function<void(Recorder&)> prepare;  // before its first event
  bool refuse = false;
  std::size_t refused = 0;

  StreamHandler* on_accept(Stream& stream) noexcept override {
    if (refuse) {
      ++refused;
      return nullptr;
    }
    accepted.push_back(std::make_unique<Recorder>());
    accepted.back()->stream = &stream;
    if (prepare) prepare(*accepted.back());
    return accepted.back().get();
  }
};

inline void send_text(Stream& stream, std::string_view text) {
  stream.out().append(as_bytes(text));
  stream.flush();
}

inline std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

// The other side: a kernel socket used by the test itself.
class Peer {
 public:
  Peer() = default;

  explicit Peer(int fd) : fd_(fd) {}

  explicit Peer(const Endpoint& to, int receive_buffer = 0) {
    fd_ = ::socket(to.address()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    error_ = connect(to);
  }

  // Run while a call would block, where the road is what it waits for.
  inline static std::function<void()> meanwhile;

  Peer(Peer&& other) noexcept : fd_(std::exchange(other.fd_, -1)), error_(other.error_) {}

  Peer& operator=(Peer&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }

  ~Peer() { close(); }

  int fd() const { return fd_; }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  void reset() {
    const linger none{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }

  void finish() { ::shutdown(fd_, SHUT_WR); }

  void send(std::string_view text) {
    while (!text.empty()) {
      const int flags = MSG_NOSIGNAL | (meanwhile ? MSG_DONTWAIT : 0);
      const ssize_t n = ::send(fd_, text.data(), text.size(), flags);
      if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
      if (n >= 0) continue;
      if (errno != EAGAIN) break;
      meanwhile();
    }
    EXPECT_TRUE(text.empty() || meanwhile) << strerror(errno);
  }

  // What could be sent without blocking.
  std::size_t try_send(std::string_view text) {
    const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

  // Reads what is there; true once the end (or an error, see error()) was met.
  bool take(std::string& into, std::size_t at_most = 256 * 1024) {
    scratch_.resize(std::max(scratch_.size(), at_most));
    const ssize_t n = ::recv(fd_, scratch_.data(), at_most, MSG_DONTWAIT);
    if (n > 0) into.append(scratch_.data(), static_cast<std::size_t>(n));
    if (n < 0 && errno != EAGAIN) error_ = errno;
    return n == 0 || (n < 0 && errno != EAGAIN);
  }

  int error() const { return error_; }

 private:
  int connect(const Endpoint& to) const {
    if (!meanwhile) return ::connect(fd_, to.address(), to.length()) == 0 ? 0 : errno;
    const int flags = ::fcntl(fd_, F_GETFL);
    ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
    int error = ::connect(fd_, to.address(), to.length()) == 0 ? 0 : errno;
    pollfd wait{fd_, POLLOUT, 0};
    while (error == EINPROGRESS) {
      meanwhile();
      if (::poll(&wait, 1, 0) != 1) continue;
      socklen_t length = sizeof error;
      ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    }
    ::fcntl(fd_, F_SETFL, flags);
    return error;
  }

  int fd_ = -1;
  int error_ = 0;
  std::vector<char> scratch_;
};

class RoadTest : public testing::TestWithParam<RoadKind> {
 protected:
  void SetUp() override {
    if (GetParam() == RoadKind::uring && !uring_missing().empty()) GTEST_SKIP() << uring_missing();
    auto made = make_road_under_test(GetParam(), pool);
    ASSERT_TRUE(made) << made.error().to_string();
    road = std::move(*made);
    if (GetParam() == RoadKind::dpdk) Peer::meanwhile = [this] { turn(); };
  }

  void TearDown() override {
    Peer::meanwhile = nullptr;
    road.reset();
    EXPECT_EQ(pool.in_use(), 0u);
  }

  Endpoint listen_at(const char* address = "127.0.0.1:0") { return listen_at(address, acceptor); }

  Endpoint listen_at(const char* address, AcceptHandler& handler) {
    const auto where = make_listening(GetParam(), *Endpoint::parse(address));
    EXPECT_TRUE(where) << where.error().to_string();
    road->listen(*where, handler);
    return where->at;
  }

  // As seen by a socket, of an address that means loopback.
  Endpoint seen(const std::string& address) {
    return seen_by_peer(GetParam(), *Endpoint::parse(address));
  }

  bool kernel_listens() const { return GetParam() != RoadKind::dpdk; }

  void turn(Duration at_most = std::chrono::milliseconds(1)) {
    road->submit();
    const Instant now = monotonic_now();
    road->wait(now, now + at_most);
    road->submit();
  }

  // Turns of the loop until `done`; fails after a generous while.
  void run_until(const std::function<bool()>& done, const char* what = "condition") {
    const Instant end = monotonic_now() + std::chrono::seconds(60);
    while (!done()) {
      ASSERT_LT(monotonic_now(), end) << "waited in vain for " << what;
      turn();
    }
  }

  void turns(int count) {
    for (int i = 0; i < count; ++i) turn(std::chrono::milliseconds(1));
  }

  // A connected pair: the road's stream (with its recorder) and the peer's socket.
  Recorder& accept_one(const Endpoint& at, Peer& peer, int receive_buffer = 0) {
    const std::size_t before = acceptor.accepted.size();
    peer = Peer(at, receive_buffer);
    run_until([&] { return acceptor.accepted.size() > before; }, "accept");
    return *acceptor.accepted.back();
  }

  BufferPool pool;
  Acceptor acceptor;
  std::unique_ptr<Road> road;
};

}  // namespace gh::net
