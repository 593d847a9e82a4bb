// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/stack/road.h"

#include "base/assert.h"
#include "dataplane/net/stack/endpoint.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gh::net::stack {
namespace {

StreamError error_of(tcp::CloseReason reason) {
  switch (reason) {
    case tcp::CloseReason::none:
      return StreamError::none;
    case tcp::CloseReason::reset:
      return StreamError::reset;
    case tcp::CloseReason::refused:
      return StreamError::refused;
    case tcp::CloseReason::unreachable:
      return StreamError::unreachable;
    case tcp::CloseReason::timed_out:
      return StreamError::timed_out;
    case tcp::CloseReason::aborted:
      return StreamError::aborted;
    case tcp::CloseReason::no_memory:
      return StreamError::out_of_memory;
  }
  return StreamError::other;
}

void replace_by_null(std::vector<StackStream*>& list, StackStream* gone) {
  std::replace(list.begin(), list.end(), gone, static_cast<StackStream*>(nullptr));
}

}  // namespace

Outcome<std::unique_ptr<Road>> StackRoad::make(StackRoadConfig config, BufferPool& pool) {
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) return fault(std::string("eventfd: ") + std::strerror(errno));
  return std::unique_ptr<Road>(new StackRoad(std::move(config), pool, wake_fd));
}

StackRoad::StackRoad(StackRoadConfig config, BufferPool& pool, int wake_fd)
    : config_(std::move(config)),
      pool_(&pool),
      arrived_(config_.interfaces.size()),
      now_(config_.clock()),
      wake_fd_(wake_fd),
      waits_{{wake_fd, POLLIN, 0}} {}

StackRoad::~StackRoad() {
  for (Arrived& arrived : arrived_) {
    for (std::size_t i = 0; i < arrived.count; ++i) wire::give(arrived.frames[i]);
  }
  stop_listening();
  streams_.each([this](StackStream& stream) {
    if (stream.tcp != nullptr) {
      stream.at->tcp.disown(*stream.tcp);
      stream.at->tcp.abort(*stream.tcp);
    }
    streams_.destroy(&stream);
  });
  for (Interface* at : config_.interfaces) {
    at->tcp.poll(now_);
    transmit(*at);
  }
  ::close(wake_fd_);
}

// ---- listening and connecting ----

void StackRoad::listen(const Listening& where, AcceptHandler& handler) noexcept {
  const tcp::Endpoint all = to_tcp(where.at);
  for (Interface* at : config_.interfaces) {
    if (where.at.any_family()) {
      listen_at(*at, {wire::IpAddress{}, all.port}, handler);
      continue;
    }
    for (const wire::Network& own : at->host.config().addresses) {
      const bool meant = all.address.is_unspecified() ? own.address.is_v4() == all.address.is_v4()
                                                      : own.address == all.address;
      if (meant) listen_at(*at, {own.address, all.port}, handler);
    }
  }
}

void StackRoad::listen_at(
    Interface& at, const tcp::Endpoint& where, AcceptHandler& handler
) noexcept {
  auto listener = std::make_unique<Listener>(*this, at, where, handler);
  if (at.tcp.listen(where, *listener)) listeners_.push_back(std::move(listener));
}

// The listeners stay: a half-open connection may still name one.
void StackRoad::stop_listening() noexcept {
  for (auto& listener : listeners_) {
    if (std::exchange(listener->stopped, true)) continue;
    listener->at.tcp.stop_listening(listener->local);
  }
}

tcp::Handler* StackRoad::Listener::on_accept(tcp::Connection& connection) noexcept {
  if (stopped) return nullptr;
  StackStream& stream =
      *road.streams_.make(road, *road.pool_, &at, from_tcp(connection.remote()), StreamState::open);
  ++road.open_streams_;
  stream.tcp = &connection;
  stream.handler = handler.on_accept(stream);
  if (stream.handler == nullptr) {
    if (stream.state == StreamState::dead) return nullptr;  // settle() frees it
    stream.tcp = nullptr;
    road.free(stream);
    return nullptr;  // reset
  }
  if (stream.state == StreamState::dead) {  // aborted in there: TCP must not call it
    at.tcp.abort(connection);
    return nullptr;
  }
  return &stream;
}

Interface* StackRoad::interface_for(const wire::IpAddress& to, const Endpoint* from) noexcept {
  for (Interface* at : config_.interfaces) {
    if (from != nullptr && !at->host.is_ours(to_tcp(*from).address)) continue;
    if (at->host.is_ours(to)) continue;  // out by another port, where there is one
    if (at->host.source_for(to)) return at;
  }
  return nullptr;
}

Stream* StackRoad::connect(
    const Endpoint& to, StreamHandler& handler, const Endpoint* from
) noexcept {
  const tcp::Endpoint remote = to_tcp(to);
  Interface* at = interface_for(remote.address, from);
  StackStream& stream = *streams_.make(*this, *pool_, at, to, StreamState::connecting);
  ++open_streams_;
  stream.handler = &handler;
  if (at != nullptr) stream.tcp = at->tcp.connect(remote, stream, config_.clock());
  if (stream.tcp == nullptr) kill(stream, StreamError::unreachable);
  return &stream;
}

void StackRoad::wake() noexcept {
  const std::uint64_t once = 1;
  (void)!::write(wake_fd_, &once, sizeof once);
}

// ---- from TCP ----

void StackStream::on_connected(tcp::Connection&) noexcept {
  if (state != StreamState::connecting) return;
  state = StreamState::open;
  road.told_ = true;
  handler->on_connected(*this);
  if (state == StreamState::dead) return;
  if (!out_.empty() || finish_asked) flush();
}

void StackStream::on_bytes(tcp::Connection&, ByteView bytes) noexcept {
  if (state == StreamState::open) {
    road.told_ = true;
    return handler->on_bytes(*this, bytes);
  }
  if (!discards_input()) return;
  discarded += bytes.size();
  // RFC 1122 §4.2.2.13: nobody reads it any more, so it is told with a RST.
  if (discarded > limits::linger_bytes_max) road.kill(*this, StreamError::none, true);
}

void StackStream::on_end(tcp::Connection&) noexcept {
  ended = true;
  switch (state) {
    case StreamState::open:
      road.told_ = true;
      return handler->on_end(*this);
    case StreamState::lingering:
      return road.kill(*this, StreamError::none);
    case StreamState::connecting:
    case StreamState::draining:
    case StreamState::dead:
      return;
  }
}

void StackStream::on_send_room(tcp::Connection&) noexcept { road.send_out(*this); }

void StackStream::on_closed(tcp::Connection&, tcp::CloseReason reason) noexcept {
  tcp = nullptr;
  if (state == StreamState::dead) return;
  // All of ours was sent: how the peer takes its leave is its affair.
  road.kill(*this, state == StreamState::lingering ? StreamError::none : error_of(reason));
}

// ---- output ----

void StackRoad::submit() noexcept {
  now_ = config_.clock();
  told_ = blocked_ = false;
  for (std::size_t i = 0; i < flush_.size(); ++i) {
    if (flush_[i] == nullptr) continue;
    flush_[i]->in_flush = false;
    send_out(*flush_[i]);
  }
  flush_.clear();
  for (Interface* at : config_.interfaces) {
    at->tcp.poll(now_);
    transmit(*at);
  }
}

void StackRoad::transmit(Interface& at) noexcept {
  wire::FrameList& output = at.host.output();
  if (output.empty() || at.port.transmit(output)) return;
  blocked_ = true;
  while (output.size() > limits::stack_unsent_frames_max) {
    wire::give(output.pop_front());
    at.frames_unsent.add();
  }
}

void StackRoad::send_out(StackStream& stream) noexcept {
  if (stream.tcp == nullptr ||
      (stream.state != StreamState::open && stream.state != StreamState::draining))
    return;
  ByteQueue& out = stream.queue();
  if (stream.fin_sent) return out.clear();  // nowhere to go
  stream.was_high = stream.was_high || stream.above_high();
  while (!out.empty()) {
    const ByteView piece = out.front();
    const std::size_t taken = stream.at->tcp.send(*stream.tcp, piece);
    out.pop(taken);
    if (taken < piece.size()) break;  // on_send_room follows
  }
  if (stream.was_high && out.size() <= limits::stream_out_low_bytes) {
    stream.was_high = false;
    stream.room_owed = true;
    owe(stream);
  }
  if (out.empty()) on_drained(stream);
}

void StackRoad::on_drained(StackStream& stream) noexcept {
  const bool closing = stream.state == StreamState::draining;
  if (!closing && !stream.finish_asked) return;
  stream.at->tcp.finish(*stream.tcp);
  stream.fin_sent = true;
  if (stream.ended) return kill(stream, StreamError::none);
  if (!closing) return;
  stream.state = StreamState::lingering;
  lingering_.push_back(stream);
}

// ---- a turn ----

void StackRoad::wait(Instant now, Instant deadline) noexcept {
  lingering_.expire(now, [this](StackStream& stream) { kill(stream, StreamError::none); });
  const Duration timeout = timeout_until(now, deadline);
  bool arrived = receive();
  if (timeout > Duration(0) && !arrived) {
    sleep_in(timeout, [&] { rest(now + timeout); });
  }
  now_ = config_.clock();
  take_resumed();
  take_frames();
  settle();
}

// A burst from each port; true when there was any.
bool StackRoad::receive() noexcept {
  bool any = false;
  for (std::size_t i = 0; i < arrived_.size(); ++i) {
    Arrived& here = arrived_[i];
    here.count += config_.interfaces[i]->port.receive(std::span(here.frames).subspan(here.count));
    any = any || here.count > 0;
  }
  if (any) pause_ = limits::stack_pause_min;
  return any;
}

void StackRoad::take_frames() noexcept {
  for (std::size_t i = 0; i < arrived_.size(); ++i) {
    Interface& at = *config_.interfaces[i];
    Arrived& here = arrived_[i];
    for (std::size_t bursts = 0; bursts < limits::stack_bursts_per_turn_max; ++bursts) {
      at.tcp.on_frames({here.frames.data(), here.count}, now_);
      const bool full = here.count == here.frames.size();
      here.count = 0;
      if (!full) break;
      here.count = at.port.receive(here.frames);
    }
    at.tcp.on_frames({here.frames.data(), here.count}, now_);
    here.count = 0;
  }
}

// Before newer segments: a reset among them must not overtake what was held back.
void StackRoad::take_resumed() noexcept {
  if (resumed_.empty()) return;
  for (StackStream* stream : resumed_) {
    if (stream == nullptr) continue;
    stream->in_resumed = false;
    if (stream->tcp != nullptr && !stream->paused) stream->at->tcp.resume_read(*stream->tcp);
  }
  resumed_.clear();
  for (Interface* at : config_.interfaces) at->tcp.poll(now_);
}

// Zero: do not sleep.
Duration StackRoad::timeout_until(Instant now, Instant deadline) noexcept {
  if (config_.busy_poll || told_ || !owed_.empty() || !resumed_.empty() || !flush_.empty()) {
    return Duration(0);
  }
  deadline = lingering_.before(deadline);
  for (Interface* at : config_.interfaces) {
    deadline = std::min({deadline, at->tcp.next_deadline(), at->host.next_deadline()});
  }
  if (blocked_) deadline = std::min(deadline, now + limits::stack_pause_min);
  if (deadline == Instant::never()) return Duration::max();
  return std::max(deadline - now, Duration(0));
}

// True: every port wakes us by its descriptor.
bool StackRoad::arm() noexcept {
  bool all = true;
  waits_.resize(1);
  for (Interface* at : config_.interfaces) all = at->port.arm(waits_) && all;
  return all;
}

void StackRoad::disarm() noexcept {
  for (Interface* at : config_.interfaces) at->port.disarm();
}

// Until a frame arrives, wake(), or `until`. Ports without interrupts are looked at again and
// again, less and less often.
void StackRoad::rest(Instant until) noexcept {
  while (true) {
    const bool wakes = arm();
    if (receive()) return disarm();
    const Duration left = until - config_.clock();
    const Duration sleep = wakes ? left : std::min(left, pause_);
    timespec time{};
    time.tv_sec = static_cast<time_t>(sleep.count() / 1'000'000'000);
    time.tv_nsec = sleep.count() % 1'000'000'000;
    if (sleep <= Duration(0)) return disarm();
    const int events = ppoll(waits_.data(), waits_.size(), &time, nullptr);
    disarm();
    if (events > 0 && waits_[0].revents != 0) {
      std::uint64_t times = 0;
      (void)!::read(wake_fd_, &times, sizeof times);
      (void)receive();
      return;
    }
    if (receive() || events != 0) return;
    pause_ = std::min<Duration>(pause_ * 2, limits::stack_pause_max);
  }
}

void StackRoad::owe(StackStream& stream) noexcept {
  if (std::exchange(stream.in_owed, true)) return;
  owed_.push_back(&stream);
}

// Calls that must not come from inside a handler's own call, or from submit(). Handlers called here
// may add to the list.
void StackRoad::settle() noexcept {
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    StackStream& stream = *owed_[i];
    stream.in_owed = false;
    if (stream.state == StreamState::dead) {
      free(stream);
      continue;
    }
    if (std::exchange(stream.room_owed, false) && stream.state == StreamState::open) {
      stream.handler->on_send_room(stream);
    }
  }
  owed_.clear();
}

// ---- the end of a stream ----

// TCP takes its leave by itself from here on: what it took is still sent, then FIN.
void StackRoad::kill(StackStream& stream, StreamError error, bool reset) noexcept {
  GH_ASSERT(stream.state != StreamState::dead);
  if (stream.state == StreamState::lingering) lingering_.remove(stream);
  reset = reset || (error == StreamError::aborted && !stream.queue().empty());
  stream.state = StreamState::dead;
  stream.error = error;
  stream.queue().clear();
  if (stream.tcp != nullptr) {
    tcp::Stack& tcp = stream.at->tcp;
    tcp.disown(*stream.tcp);
    reset ? tcp.abort(*stream.tcp) : tcp.close(*stream.tcp);
    stream.tcp = nullptr;
  }
  owe(stream);
}

void StackRoad::free(StackStream& stream) noexcept {
  --open_streams_;
  if (stream.handler != nullptr) stream.handler->on_closed(stream, stream.error);
  // Lists of a turn may still name it.
  if (stream.in_flush) replace_by_null(flush_, &stream);
  if (stream.in_resumed) replace_by_null(resumed_, &stream);
  streams_.destroy(&stream);
}

// ---- a handler's calls ----

void StackStream::flush() noexcept {
  if (state != StreamState::open && state != StreamState::draining) return;
  if (std::exchange(in_flush, true)) return;
  road.flush_.push_back(this);
}

void StackStream::pause_read() noexcept {
  paused = true;
  if (tcp != nullptr) at->tcp.pause_read(*tcp);
}

void StackStream::resume_read() noexcept {
  if (!std::exchange(paused, false) || tcp == nullptr) return;
  if (std::exchange(in_resumed, true)) return;
  road.resumed_.push_back(this);
}

void StackStream::finish() noexcept {
  finish_asked = true;
  flush();
}

void StackStream::close() noexcept {
  if (state == StreamState::connecting) return road.kill(*this, StreamError::none);
  if (state != StreamState::open) return;
  state = StreamState::draining;
  resume_read();
  flush();
}

void StackStream::abort() noexcept {
  if (state != StreamState::dead) road.kill(*this, StreamError::aborted);
}

}  // namespace gh::net::stack
