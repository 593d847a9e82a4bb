// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/uring/road.h"

#include "base/limits.h"
#include "dataplane/net/uring/ring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gh::net::uring {
namespace {

// user_data: a stream's address or a listener's index × 64, and in the low bits what was asked for.
enum class Operation : std::uint64_t { receive, output, accept, wake, cancel };
constexpr std::uint64_t operation_mask = 63;
static_assert(cache_line > operation_mask, "streams are aligned to a cache line");

std::uint64_t tag_of(const SocketStream& stream, Operation what) {
  return reinterpret_cast<std::uintptr_t>(&stream) | static_cast<std::uint64_t>(what);
}

std::uint64_t tag_of(std::size_t listener, Operation what) {
  return listener * (operation_mask + 1) | static_cast<std::uint64_t>(what);
}

Endpoint peer_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
}

// Not: out of buffers (they come back this turn), cancelled by us.
bool is_failure(int error) {
  return error != ENOBUFS && error != EINTR && error != EAGAIN && error != ECANCELED;
}

}  // namespace

Outcome<std::unique_ptr<Road>> UringRoad::make(BufferPool& pool) {
  GH_TRY(auto ring, Ring::make());
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) return fault(std::string("eventfd: ") + std::strerror(errno));
  return std::unique_ptr<Road>(new UringRoad(pool, wake_fd, std::move(ring)));
}

UringRoad::UringRoad(BufferPool& pool, int wake_fd, std::unique_ptr<Ring> ring)
    : SocketRoad(pool, wake_fd), ring_(std::move(ring)) {
  watch_wake();
}

UringRoad::~UringRoad() = default;

// ---- asking ----

void UringRoad::watch_wake() noexcept {
  io_uring_sqe& sqe = ring_->prepare(static_cast<std::uint64_t>(Operation::wake));
  io_uring_prep_poll_multishot(&sqe, wake_fd(), POLLIN);
  sqe.user_data = static_cast<std::uint64_t>(Operation::wake);
}

void UringRoad::watch_listener(Listener& listener) noexcept {
  if (std::exchange(listener.accepting, true)) return;
  const auto index = static_cast<std::size_t>(&listener - listeners().data());
  io_uring_sqe& sqe = ring_->prepare(0);
  io_uring_prep_multishot_accept(&sqe, listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  sqe.user_data = tag_of(index, Operation::accept);
}

// At once: the kernel's accept keeps the port open until it is cancelled.
void UringRoad::forget_listener(Listener& listener) noexcept {
  if (!listener.accepting) return;
  cancel(tag_of(static_cast<std::size_t>(&listener - listeners().data()), Operation::accept));
  ring_->submit_now();
}

void UringRoad::want_input(SocketStream& stream) noexcept {
  if (!stream.held.empty() || stream.held_error != 0)
    return owe(stream);  // what came during the pause first
  receive(stream, false);
}

// A stream of requests is received from by one multishot operation, which costs 3 % less per round
// trip than asking each time. A stream in bulk is asked each time, with a larger buffer: a pause
// then leaves the rest in the kernel.
void UringRoad::receive(SocketStream& stream, bool known_empty) noexcept {
  if (std::exchange(stream.receiving, true)) return;
  ++stream.operations;
  if (!ring_->has_multishot_receive()) stream.bulk = true;
  stream.received_in_bulk = stream.bulk;
  const BufferGroup& buffers = ring_->buffers(stream.bulk);
  io_uring_sqe& sqe = ring_->prepare(0);
  if (stream.bulk) {
    io_uring_prep_recv(&sqe, stream.fd, nullptr, buffers.each(), 0);
  } else {
    io_uring_prep_recv_multishot(&sqe, stream.fd, nullptr, 0, 0);
  }
  if (known_empty) sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = buffers.group();
  sqe.user_data = tag_of(stream, Operation::receive);
}

void UringRoad::stop_receiving(SocketStream& stream) noexcept {
  if (stream.receiving && !std::exchange(stream.stopping, true))
    cancel(tag_of(stream, Operation::receive));
}

void UringRoad::want_room(SocketStream& stream) noexcept { watch_output(stream); }

void UringRoad::want_hangup(SocketStream& stream) noexcept { watch_output(stream); }

// The kernel adds POLLRDHUP to every poll, so after the peer's FIN a one-shot poll would come back
// at once, for ever. A multishot one is edge-triggered: it comes back at once, and then when
// something changes.
void UringRoad::watch_output(SocketStream& stream) noexcept {
  if (std::exchange(stream.watched, true)) return;
  ++stream.operations;
  io_uring_sqe& sqe = ring_->prepare(0);
  if (stream.state == StreamState::connecting) {
    io_uring_prep_poll_add(&sqe, stream.fd, POLLOUT);
  } else {
    io_uring_prep_poll_multishot(&sqe, stream.fd, POLLOUT);
  }
  sqe.user_data = tag_of(stream, Operation::output);
}

void UringRoad::cancel(std::uint64_t user_data) noexcept {
  io_uring_sqe& sqe = ring_->prepare(0);
  io_uring_prep_cancel64(&sqe, user_data, 0);
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe.user_data = static_cast<std::uint64_t>(Operation::cancel);
}

bool UringRoad::detach(SocketStream& stream) noexcept {
  stop_receiving(stream);
  if (stream.watched) cancel(tag_of(stream, Operation::output));
  return stream.operations == 0;
}

// ---- hearing ----

void UringRoad::wait_events(Duration timeout) noexcept {
  sleep_in(timeout, [&] { ring_->enter(timeout); });
  ring_->each_completion([this](const io_uring_cqe& done) { on_completion(done); });
}

void UringRoad::on_completion(const io_uring_cqe& done) noexcept {
  const bool last = (done.flags & IORING_CQE_F_MORE) == 0;
  const auto what = static_cast<Operation>(done.user_data & operation_mask);
  switch (what) {
    case Operation::cancel:
      return;
    case Operation::wake:
      return last ? watch_wake() : void();
    case Operation::accept:
      return on_accept(done.user_data / (operation_mask + 1), done);
    case Operation::receive:
    case Operation::output:
      break;
  }
  auto& stream = *reinterpret_cast<SocketStream*>(done.user_data & ~operation_mask);
  if (last) --stream.operations;
  if (what == Operation::receive) {
    stream.receiving = !last;
    if (last) stream.stopping = false;
    on_received(stream, done);
  } else {
    stream.watched = !last;
    on_output(stream, done);
  }
  if (stream.state == StreamState::dead && stream.operations == 0 && stream.fd >= 0)
    on_detached(stream);
}

void UringRoad::on_accept(std::size_t index, const io_uring_cqe& done) noexcept {
  Listener& listener = listeners()[index];
  if ((done.flags & IORING_CQE_F_MORE) == 0) listener.accepting = false;
  if (listener.fd < 0) {
    if (done.res >= 0) ::close(done.res);  // it came in while listening stopped
    return;
  }
  if (done.res < 0) {
    on_accept_failed(-done.res);
  } else {
    on_accepted(listener, done.res, peer_of(done.res));
  }
  if (listeners()[index].fd >= 0 && !accept_rests()) watch_listener(listeners()[index]);
}

void UringRoad::on_output(SocketStream& stream, const io_uring_cqe& done) noexcept {
  if (stream.state == StreamState::dead) return;
  const bool hung_up = done.res < 0 || (done.res & (POLLERR | POLLHUP)) != 0;
  if (stream.state == StreamState::connecting || stream.blocked) on_room(stream);
  if (stream.state == StreamState::dead) return;
  if (stream.ended && hung_up) return on_hangup(stream);
  if (!stream.watched && (stream.blocked || stream.ended)) watch_output(stream);
}

void UringRoad::on_received(SocketStream& stream, const io_uring_cqe& done) noexcept {
  const auto bytes = static_cast<std::size_t>(done.res > 0 ? done.res : 0);
  if ((done.flags & IORING_CQE_F_BUFFER) != 0) {
    BufferGroup& buffers = ring_->buffers(stream.received_in_bulk);
    const unsigned id = done.flags >> IORING_CQE_BUFFER_SHIFT;
    take_bytes(stream, buffers.view(id, bytes));
    buffers.give_back(id);
    if (stream.state == StreamState::dead) return;
    change_pace(stream, bytes, buffers.each());
  } else if (stream.wants_input() && stream.held.empty()) {
    take_end(stream, done.res);
    if (stream.state == StreamState::dead) return;
  } else if (done.res < 0 && is_failure(-done.res)) {
    stream.held_error = -done.res;  // the kernel says it once only
  }
  if (stream.wants_input() && stream.held.empty()) {
    receive(stream, bytes > 0 && (done.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0);
  }
}

// Bytes that arrived for a stream as it was paused are held: at most what one multishot operation
// delivers before it is cancelled by the next turn.
void UringRoad::take_bytes(SocketStream& stream, ByteView bytes) noexcept {
  if (bytes.empty() || stream.state == StreamState::dead) return;
  if (stream.deaf) return stop_receiving(stream);
  if (stream.held.empty() && stream.wants_input()) return on_input(stream, bytes);
  stream.held.append(bytes);
  stop_receiving(stream);
}

void UringRoad::take_end(SocketStream& stream, int result) noexcept {
  if (result == 0) {
    on_input_end(stream);
  } else if (is_failure(-result)) {
    on_input_failed(stream, -result);
  }
}

void UringRoad::change_pace(SocketStream& stream, std::size_t bytes, std::size_t room) noexcept {
  if (stream.received_in_bulk) {
    stream.bulk = bytes >= limits::uring_small_buffer_bytes;
    stream.full_in_a_row = 0;
    return;
  }
  stream.full_in_a_row = bytes == room ? stream.full_in_a_row + 1 : 0;
  if (stream.full_in_a_row < limits::uring_bulk_after) return;
  stream.bulk = true;
  stop_receiving(stream);
}

}  // namespace gh::net::uring
