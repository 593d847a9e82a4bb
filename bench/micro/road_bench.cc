// SPDX-License-Identifier: Apache-2.0
// CPU of a road per echo round trip on loopback: arguments are connections and bytes. The client is
// a plain epoll loop on another thread; only the road's thread is measured
// (CLOCK_THREAD_CPUTIME_ID), which includes the kernel's part of sending.
#include "base/buffer_pool.h"
#include "dataplane/net/byte_stream.h"

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace gh::net {
namespace {

class Echo final : public AcceptHandler, public StreamHandler {
 public:
  explicit Echo(std::size_t message) : message_(message) {}

  StreamHandler* on_accept(Stream&) noexcept override { return this; }

  void on_connected(Stream&) noexcept override {}

  void on_bytes(Stream& stream, ByteView bytes) noexcept override {
    stream.out().append(bytes);
    stream.flush();
    bytes_ += bytes.size();
  }

  void on_end(Stream& stream) noexcept override { stream.close(); }

  void on_send_room(Stream&) noexcept override {}

  void on_closed(Stream&, StreamError) noexcept override {}

  std::size_t round_trips() const { return bytes_ / message_; }

 private:
  std::size_t message_;
  std::size_t bytes_ = 0;
};

// Keeps one message under way on each of its connections until told to stop.
class Client {
 public:
  Client(const Endpoint& to, std::size_t connections, std::size_t bytes)
      : message_(bytes, 'x'), got_(connections, 0) {
    epoll_ = epoll_create1(0);
    for (std::size_t i = 0; i < connections; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
      if (::connect(fd, to.address(), to.length()) != 0) std::abort();
      const int one = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      sockets_.push_back(fd);
    }
    thread_ = std::thread([this] { run(); });
  }

  ~Client() {
    stop_.store(true);
    thread_.join();
    for (const int fd : sockets_) ::close(fd);
    ::close(epoll_);
  }

 private:
  void run() {
    for (const int fd : sockets_) (void)!::write(fd, message_.data(), message_.size());
    std::vector<char> buffer(256 * 1024);
    std::vector<epoll_event> events(1024);
    while (!stop_.load(std::memory_order_relaxed)) {
      const int count = epoll_wait(epoll_, events.data(), int(events.size()), 10);
      for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(events[std::size_t(i)].data.u64);
        const ssize_t n = ::recv(sockets_[at], buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n > 0) got_[at] += std::size_t(n);
        if (got_[at] < message_.size()) continue;
        got_[at] -= message_.size();
        (void)!::send(sockets_[at], message_.data(), message_.size(), MSG_NOSIGNAL);
      }
    }
  }

  std::string message_;
  std::vector<std::size_t> got_;
  std::vector<int> sockets_;
  int epoll_ = -1;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

double thread_cpu() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return double(at.tv_sec) + double(at.tv_nsec) * 1e-9;
}

void echo_round_trips(benchmark::State& state, RoadKind kind) {
  const auto bytes = static_cast<std::size_t>(state.range(1));
  BufferPool pool;
  auto road = make_road(kind, pool);
  if (!road) return state.SkipWithError(road.error().text.c_str());
  Echo echo(bytes);
  const auto any = *Endpoint::parse("127.0.0.1:0");
  const int socket = *listen_socket(any);
  (*road)->listen({any, socket}, echo);
  const auto turn = [&] {
    const Instant now = monotonic_now();
    (*road)->wait(now, now + std::chrono::milliseconds(100));
    (*road)->submit();
  };
  Client client(local_endpoint(socket, any), static_cast<std::size_t>(state.range(0)), bytes);
  for (int i = 0; i < 2000; ++i) turn();
  constexpr std::size_t batch = 1000;
  std::size_t turns = 0;
  std::size_t done = 0;
  double cpu = 0;
  while (state.KeepRunningBatch(batch)) {
    const std::size_t first = echo.round_trips();
    const double before = thread_cpu();
    for (; echo.round_trips() < first + batch; ++turns) turn();
    const double spent = thread_cpu() - before;
    const std::size_t trips = echo.round_trips() - first;
    done += trips;
    cpu += spent;
    state.SetIterationTime(spent * double(batch) / double(trips));
  }
  state.counters["cpu_ns"] = cpu * 1e9 / double(done);
  state.counters["trips_per_turn"] = double(done) / double(turns);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({1, 1024})
      ->Args({32, 1024})
      ->Args({256, 1024})
      ->Args({32, 128})
      ->Args({32, 64 * 1024})
      ->UseManualTime();
}

BENCHMARK_CAPTURE(echo_round_trips, epoll, RoadKind::epoll)->Apply(shapes);
BENCHMARK_CAPTURE(echo_round_trips, uring, RoadKind::uring)->Apply(shapes);

}  // namespace
}  // namespace gh::net
