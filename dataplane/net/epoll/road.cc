// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/epoll/road.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gh::net::epoll {
namespace {

// What an event is about: a stream's address, or a small number (streams are aligned, so never one
// of these).
constexpr std::uint64_t wake_tag = 1;
constexpr std::uint64_t listener_tag = 3;  // + index × 4

constexpr std::uint32_t hang_up = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

bool add(int epoll_fd, int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = tag;
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

int milliseconds_of(Duration timeout) {
  if (timeout.count() < 0) return -1;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  return static_cast<int>(std::min<std::int64_t>(ms, 3'600'000));
}

}  // namespace

Outcome<std::unique_ptr<Road>> EpollRoad::make(BufferPool& pool) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return fault(std::string("epoll_create1: ") + std::strerror(errno));
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0 || !add(epoll_fd, wake_fd, EPOLLIN, wake_tag)) {
    const int error = errno;
    if (wake_fd >= 0) ::close(wake_fd);
    ::close(epoll_fd);
    return fault(std::string("eventfd: ") + std::strerror(error));
  }
  return std::unique_ptr<Road>(new EpollRoad(pool, epoll_fd, wake_fd));
}

EpollRoad::EpollRoad(BufferPool& pool, int epoll_fd, int wake_fd)
    : SocketRoad(pool, wake_fd),
      epoll_fd_(epoll_fd),
      buffer_(new std::array<std::uint8_t, limits::read_buffer_bytes>) {}

EpollRoad::~EpollRoad() { ::close(epoll_fd_); }

void EpollRoad::watch_listener(Listener& listener) noexcept {
  const auto index = static_cast<std::size_t>(&listener - listeners().data());
  if (std::exchange(listener.accepting, true)) {  // again after a rest: the edge is gone, so try
    accepting_.push_back(index);
    return;
  }
  if (!add(epoll_fd_, listener.fd, EPOLLIN, listener_tag + index * 4)) on_accept_failed(ENOMEM);
}

void EpollRoad::watch(SocketStream& stream) noexcept {
  const auto tag = reinterpret_cast<std::uintptr_t>(&stream);
  if (!add(epoll_fd_, stream.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, tag)) {
    on_watch_failed(stream, errno);
  }
}

void EpollRoad::want_input(SocketStream& stream) noexcept {
  if (!stream.readable || std::exchange(stream.in_ready, true)) return;
  ready_.push_back(&stream);
}

void EpollRoad::wait_events(Duration timeout) noexcept {
  if (!ready_.empty() || !accepting_.empty()) timeout = Duration(0);
  int count = 0;
  sleep_in(timeout, [&] {
    count = epoll_wait(
        epoll_fd_, events_.data(), static_cast<int>(events_.size()), milliseconds_of(timeout)
    );
  });
  // What was left over comes first; what is left over again waits for the next turn.
  reading_.swap(ready_);
  for (std::size_t i = 0; i < reading_.size(); ++i) {
    if (reading_[i] == nullptr) continue;
    reading_[i]->in_ready = false;
    read(*reading_[i]);
  }
  reading_.clear();
  for (std::size_t left = accepting_.size(); left > 0; --left) {
    const std::size_t index = accepting_.front();
    accepting_.erase(accepting_.begin());
    accept(index);
  }
  for (int i = 0; i < count; ++i) dispatch(events_[static_cast<std::size_t>(i)]);
}

void EpollRoad::dispatch(const epoll_event& event) noexcept {
  const std::uint64_t tag = event.data.u64;
  if (tag == wake_tag) {
    std::uint64_t times = 0;
    (void)!::read(wake_fd(), &times, sizeof times);
  } else if ((tag & 3) == listener_tag) {
    accept(static_cast<std::size_t>(tag / 4));
  } else {
    on_events(*reinterpret_cast<SocketStream*>(static_cast<std::uintptr_t>(tag)), event.events);
  }
}

void EpollRoad::on_events(SocketStream& stream, std::uint32_t events) noexcept {
  const bool connecting = stream.state == StreamState::connecting;
  if ((connecting || stream.blocked) && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
    on_room(stream);
  if (stream.state == StreamState::dead) return;
  if (stream.ended) {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) on_hangup(stream);
    return;
  }
  if ((events & (EPOLLIN | hang_up)) == 0) return;
  stream.readable = true;
  stream.hung_up = stream.hung_up || (events & hang_up) != 0;
  if (!stream.in_ready) read(stream);
}

// A read shorter than the buffer has emptied the socket: the next byte is a new edge. Not so when a
// FIN or an error is known to wait behind the bytes.
void EpollRoad::read(SocketStream& stream) noexcept {
  for (std::size_t reads = 0; reads < limits::reads_per_turn_max; ++reads) {
    if (!stream.readable || !stream.wants_input()) return;
    const ssize_t n = ::recv(stream.fd, buffer_->data(), buffer_->size(), MSG_DONTWAIT);
    if (n > 0) {
      const auto got = static_cast<std::size_t>(n);
      stream.readable = got == buffer_->size() || stream.hung_up;
      on_input(stream, {buffer_->data(), got});
    } else if (n == 0) {
      stream.readable = false;
      return on_input_end(stream);
    } else if (errno == EAGAIN) {
      stream.readable = false;
      return;
    } else if (errno != EINTR) {
      return on_input_failed(stream, errno);
    }
  }
  if (stream.wants_input()) want_input(stream);
}

void EpollRoad::accept(std::size_t index) noexcept {
  for (std::size_t taken = 0; taken < limits::accepts_per_turn_max; ++taken) {
    Listener& listener = listeners()[index];
    if (listener.fd < 0) return;
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int fd = ::accept4(
        listener.fd, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC
    );
    if (fd >= 0) {
      on_accepted(
          listener, fd, Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&peer), length)
      );
      continue;
    }
    const int error = errno;
    if (error == EAGAIN) return;
    on_accept_failed(error);
    if (accept_rests()) return;
  }
  accepting_.push_back(index);
}

void EpollRoad::forget(SocketStream& stream) noexcept {
  if (!stream.in_ready) return;
  SocketStream* const gone = &stream;
  std::replace(ready_.begin(), ready_.end(), gone, static_cast<SocketStream*>(nullptr));
}

}  // namespace gh::net::epoll
