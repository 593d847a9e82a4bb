// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/socket_road.h"

#include "base/assert.h"
#include "base/limits.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace gh::net {
namespace {

constexpr Instant unset{0};

StreamError error_of(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
      return StreamError::reset;
    case ECONNREFUSED:
      return StreamError::refused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return StreamError::unreachable;
    case ETIMEDOUT:
      return StreamError::timed_out;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE:
      return StreamError::out_of_memory;
    default:
      return StreamError::other;
  }
}

// One system call: as much of the queue as the kernel takes. `asked` says how much it was offered.
ssize_t send_some(int fd, const ByteQueue& queue, std::size_t& asked) {
  const Chunk* chunk = queue.first();
  if (chunk->next == nullptr) {
    asked = queue.size();
    return ::send(fd, chunk->data + chunk->begin, asked, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  std::array<iovec, 16> pieces;
  std::size_t count = 0;
  asked = 0;
  for (; chunk != nullptr && count < pieces.size(); chunk = chunk->next) {
    const std::size_t here = chunk->end - chunk->begin;
    pieces[count++] = {const_cast<std::uint8_t*>(chunk->data + chunk->begin), here};
    asked += here;
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

// A connect to a port of this host with nobody there may be given that very port as its own and
// meet itself.
bool met_itself(int fd, const Endpoint& peer) {
  if (!peer.is_loopback()) return false;
  const Endpoint own = local_endpoint(fd, peer);
  return own.port() == peer.port() && own.ip() == peer.ip();
}

void set_up_outgoing(int fd) {
  const auto set = [fd](int level, int name, int value) {
    (void)setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, int(limits::keepalive_idle.count()));
  set(IPPROTO_TCP, TCP_KEEPINTVL, int(limits::keepalive_interval.count()));
  set(IPPROTO_TCP, TCP_KEEPCNT, limits::keepalive_probes);
}

// Only the address: connect() then chooses a port that is free towards that peer.
bool bind_address(int fd, const Endpoint& from) {
  const int yes = 1;
  (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  sockaddr_storage address{};
  std::memcpy(&address, from.address(), from.length());
  if (address.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&address)->sin6_port = 0;
  } else {
    reinterpret_cast<sockaddr_in*>(&address)->sin_port = 0;
  }
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), from.length()) == 0;
}

void close_with_reset(int fd) {
  const linger none{.l_onoff = 1, .l_linger = 0};
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

void replace_by_null(std::vector<SocketStream*>& list, const SocketStream* gone) {
  std::replace(
      list.begin(), list.end(), const_cast<SocketStream*>(gone), static_cast<SocketStream*>(nullptr)
  );
}

}  // namespace

SocketRoad::SocketRoad(BufferPool& pool, int wake_fd) : pool_(&pool), wake_fd_(wake_fd) {}

SocketRoad::~SocketRoad() {
  for (const Listener& listener : listeners_) ::close(listener.fd);
  streams_.each([this](SocketStream& stream) {
    if (stream.fd >= 0) ::close(stream.fd);
    streams_.destroy(&stream);
  });
  ::close(wake_fd_);
}

// ---- listening and connecting ----

void SocketRoad::listen(const Listening& where, AcceptHandler& handler) noexcept {
  GH_ASSERT(where.socket >= 0);
  listeners_.push_back({where.socket, &handler});
  watch_listener(listeners_.back());
}

void SocketRoad::stop_listening() noexcept {
  for (Listener& listener : listeners_) {
    if (listener.fd < 0) continue;
    forget_listener(listener);
    ::close(listener.fd);
    listener.fd = -1;  // its slot stays: a completion may still name it
  }
}

void SocketRoad::on_accepted(Listener& listener, int fd, const Endpoint& peer) noexcept {
  SocketStream& stream = *streams_.make(*this, *pool_, fd, peer, StreamState::open);
  ++open_streams_;
  stream.handler = listener.handler->on_accept(stream);
  if (stream.handler == nullptr) {
    stream.state = StreamState::dead;
    close_and_free(stream);
    return;
  }
  if (stream.state == StreamState::dead) return;
  watch(stream);
  if (stream.state != StreamState::dead && stream.wants_input()) want_input(stream);
}

void SocketRoad::on_accept_failed(int error) noexcept {
  switch (error) {  // that connection's own trouble, accept(2): the next may be well
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ETIMEDOUT:
      return;
    default:  // out of descriptors or memory, and what would come again at once
      ++accept_errors_;
      accept_resting_ = true;
      accept_again_ = unset;
  }
}

void SocketRoad::on_watch_failed(SocketStream& stream, int error) noexcept {
  kill(stream, error_of(error));
}

Stream* SocketRoad::connect(
    const Endpoint& to, StreamHandler& handler, const Endpoint* from
) noexcept {
  const int fd = ::socket(to.address()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int error = fd < 0 ? errno : 0;
  SocketStream& stream = *streams_.make(*this, *pool_, fd, to, StreamState::connecting);
  ++open_streams_;
  stream.handler = &handler;
  if (fd < 0) {
    kill(stream, error_of(error));
    return &stream;
  }
  set_up_outgoing(fd);
  if (from != nullptr && !bind_address(fd, *from)) {
    kill(stream, error_of(errno));
    return &stream;
  }
  if (::connect(fd, to.address(), to.length()) != 0 && errno != EINPROGRESS) {
    kill(stream, error_of(errno));
    return &stream;
  }
  watch(stream);
  if (stream.state == StreamState::connecting) want_room(stream);
  return &stream;
}

void SocketRoad::on_connect_result(SocketStream& stream) noexcept {
  int error = pending_error(stream.fd);
  if (error == 0 && met_itself(stream.fd, stream.peer())) error = ECONNREFUSED;
  if (error != 0) return kill(stream, error_of(error));
  stream.state = StreamState::open;
  stream.handler->on_connected(stream);
  if (stream.state == StreamState::dead) return;
  if (stream.wants_input()) want_input(stream);
  if (!stream.queue().empty() || stream.finish_asked) stream.flush();
}

void SocketRoad::wake() noexcept {
  const std::uint64_t once = 1;
  (void)!::write(wake_fd_, &once, sizeof once);
}

// ---- input ----

void SocketRoad::on_input(SocketStream& stream, ByteView bytes) noexcept {
  if (stream.state == StreamState::open) return stream.handler->on_bytes(stream, bytes);
  if (!stream.discards_input()) return;
  stream.discarded += bytes.size();
  if (stream.discarded <= limits::linger_bytes_max) return;
  stream.deaf = true;
  if (stream.state == StreamState::lingering) kill(stream, StreamError::none);
}

void SocketRoad::on_input_end(SocketStream& stream) noexcept {
  stream.ended = true;
  switch (stream.state) {
    case StreamState::open:
      break;
    case StreamState::lingering:
      return kill(stream, StreamError::none);
    case StreamState::connecting:
    case StreamState::draining:
    case StreamState::dead:
      return;
  }
  if (stream.broken != StreamError::none) return kill(stream, stream.broken);
  stream.handler->on_end(stream);
  if (stream.state != StreamState::open) return;
  if (stream.fin_sent) return kill(stream, StreamError::none);
  want_hangup(stream);
}

void SocketRoad::on_input_failed(SocketStream& stream, int error) noexcept {
  switch (stream.state) {
    case StreamState::connecting:
    case StreamState::dead:
      return;
    case StreamState::lingering:
      return kill(stream, StreamError::none);  // all of ours was sent
    case StreamState::open:
    case StreamState::draining:
      return kill(stream, stream.broken != StreamError::none ? stream.broken : error_of(error));
  }
}

void SocketRoad::on_hangup(SocketStream& stream) noexcept {
  if (stream.state == StreamState::dead) return;
  const int error = pending_error(stream.fd);
  kill(stream, error == 0 ? StreamError::reset : error_of(error));
}

// ---- output ----

void SocketRoad::submit() noexcept {
  for (std::size_t i = 0; i < flush_.size(); ++i) {
    if (flush_[i] == nullptr) continue;
    flush_[i]->in_flush = false;
    send_out(*flush_[i]);
  }
  flush_.clear();
}

void SocketRoad::on_room(SocketStream& stream) noexcept {
  stream.blocked = false;
  if (stream.state == StreamState::connecting) return on_connect_result(stream);
  stream.flush();
}

void SocketRoad::send_out(SocketStream& stream) noexcept {
  if (stream.blocked ||
      (stream.state != StreamState::open && stream.state != StreamState::draining))
    return;
  ByteQueue& out = stream.queue();
  if (stream.fin_sent || stream.broken != StreamError::none) out.clear();  // nowhere to go
  if (stream.broken != StreamError::none) return;
  stream.was_high = stream.was_high || stream.above_high();
  if (!send_all(stream)) return;
  if (stream.was_high && out.size() <= limits::stream_out_low_bytes) {
    stream.was_high = false;
    stream.room_owed = true;
    owe(stream);
  }
  if (out.empty()) on_drained(stream);
}

// False: sending failed, and the stream may be dead.
bool SocketRoad::send_all(SocketStream& stream) noexcept {
  ByteQueue& out = stream.queue();
  while (!out.empty()) {
    std::size_t asked = 0;
    const ssize_t sent = send_some(stream.fd, out, asked);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      on_send_failed(stream, errno);
      return false;
    }
    if (sent > 0) out.pop(static_cast<std::size_t>(sent));
    if (sent < 0 || static_cast<std::size_t>(sent) < asked) {
      stream.blocked = true;
      want_room(stream);
      return true;
    }
  }
  return true;
}

// The peer reset it, but may have said why first (a response to a request it did not want to read):
// that is still read, and its end becomes on_closed. Nobody reads a paused or closing stream: it
// dies here.
void SocketRoad::on_send_failed(SocketStream& stream, int error) noexcept {
  if (stream.state != StreamState::open || !stream.wants_input())
    return kill(stream, error_of(error));
  stream.broken = error_of(error);
  stream.queue().clear();
  stream.hung_up = stream.readable = true;
  want_input(stream);
}

void SocketRoad::on_drained(SocketStream& stream) noexcept {
  const bool closing = stream.state == StreamState::draining;
  if (!closing && !stream.finish_asked) return;
  if (closing && (stream.ended || stream.deaf)) return kill(stream, StreamError::none);
  if (!stream.fin_sent) ::shutdown(stream.fd, SHUT_WR);
  stream.fin_sent = true;
  if (stream.ended) return kill(stream, StreamError::none);
  if (!closing) return;
  stream.state = StreamState::lingering;
  lingering_.push_back(stream);
}

// ---- a turn ----

void SocketRoad::wait(Instant now, Instant deadline) noexcept {
  keep_time(now);
  wait_events(timeout_until(now, deadline));
  settle();
}

void SocketRoad::keep_time(Instant now) noexcept {
  lingering_.expire(now, [this](SocketStream& stream) { kill(stream, StreamError::none); });
  if (!accept_resting_) return;
  if (accept_again_ == unset) accept_again_ = now + limits::accept_backoff;
  if (accept_again_ > now) return;
  accept_resting_ = false;
  for (Listener& listener : listeners_) {
    if (listener.fd >= 0) watch_listener(listener);
  }
}

Duration SocketRoad::timeout_until(Instant now, Instant deadline) const noexcept {
  if (!owed_.empty()) return Duration(0);
  deadline = lingering_.before(deadline);
  if (accept_resting_) deadline = std::min(deadline, accept_again_);
  if (deadline == Instant::never()) return Duration(-1);
  return std::max(deadline - now, Duration(0));
}

void SocketRoad::owe(SocketStream& stream) noexcept {
  if (std::exchange(stream.in_owed, true)) return;
  owed_.push_back(&stream);
}

// Calls that must not come from inside a handler's own call. Handlers called here may add to the
// list.
void SocketRoad::settle() noexcept {
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (owed_[i] == nullptr) continue;
    SocketStream& stream = *owed_[i];
    stream.in_owed = false;
    if (stream.state == StreamState::dead) {
      if (stream.fd < 0) close_and_free(stream);  // else on_detached() brings it again
      continue;
    }
    if (std::exchange(stream.room_owed, false) && stream.state == StreamState::open) {
      stream.handler->on_send_room(stream);
    }
    deliver_held(stream);
  }
  owed_.clear();
}

void SocketRoad::deliver_held(SocketStream& stream) noexcept {
  if (stream.held.empty() && stream.held_error == 0) return;
  while (!stream.held.empty() && stream.wants_input()) {
    const ByteView piece = stream.held.front();
    on_input(stream, piece);
    stream.held.pop(piece.size());
  }
  if (!stream.wants_input()) return;
  if (stream.held_error != 0) return on_input_failed(stream, std::exchange(stream.held_error, 0));
  want_input(stream);
}

// ---- the end of a stream ----

void SocketRoad::kill(SocketStream& stream, StreamError error) noexcept {
  GH_ASSERT(stream.state != StreamState::dead);
  if (stream.state == StreamState::lingering) lingering_.remove(stream);
  if (error == StreamError::aborted && !stream.queue().empty()) close_with_reset(stream.fd);
  stream.state = StreamState::dead;
  stream.error = error;
  stream.queue().clear();
  if (stream.fd < 0 || detach(stream)) on_detached(stream);
}

void SocketRoad::on_detached(SocketStream& stream) noexcept {
  if (stream.fd >= 0) ::close(std::exchange(stream.fd, -1));
  owe(stream);
}

void SocketRoad::close_and_free(SocketStream& stream) noexcept {
  if (stream.fd >= 0) ::close(stream.fd);
  --open_streams_;
  if (stream.handler != nullptr) stream.handler->on_closed(stream, stream.error);
  // Lists of a turn may still name it.
  if (stream.in_flush) replace_by_null(flush_, &stream);
  if (stream.in_owed) replace_by_null(owed_, &stream);
  forget(stream);
  streams_.destroy(&stream);
}

// ---- a handler's calls ----

void SocketStream::flush() noexcept {
  if (state != StreamState::open && state != StreamState::draining) return;
  if (std::exchange(in_flush, true)) return;
  road.flush_.push_back(this);
}

void SocketStream::resume_read() noexcept {
  if (!std::exchange(paused, false)) return;
  if (wants_input()) road.want_input(*this);
}

void SocketStream::finish() noexcept {
  finish_asked = true;
  flush();
}

void SocketStream::close() noexcept {
  if (state == StreamState::connecting) return road.kill(*this, StreamError::none);
  if (state != StreamState::open) return;
  if (broken != StreamError::none) return road.kill(*this, broken);
  const bool was_reading = wants_input();
  state = StreamState::draining;
  if (!was_reading && wants_input()) road.want_input(*this);
  flush();
}

void SocketStream::abort() noexcept {
  if (state != StreamState::dead) road.kill(*this, StreamError::aborted);
}

}  // namespace gh::net
