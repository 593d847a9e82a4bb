// SPDX-License-Identifier: Apache-2.0
// Our TCP/IP between two stacks of one core over an in-process ring of frames: a 64-byte echo on
// kept connections, and connections of one request each. The ring copies each frame once, as a NIC
// would. Time is the whole core's: client stack, server stack, ring and the bench's own loop; so a
// server alone does about twice the rate. Column rate = requests (connections) a CPU second.
#include "tests/support/tcp_sim.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace gh {
namespace {

using namespace std::chrono_literals;

wire::HostConfig ip(int side) {
  wire::HostConfig config;
  config.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(side + 1)}};
  config.detect_duplicates = false;
  // The client's side has many addresses: one has but 28 000 ports.
  const std::string last = side == 0 ? "1" : "250";
  config.addresses = {*wire::Network::parse("10.0.0." + last + "/24")};
  return config;
}

tcp::StackConfig tcp_config(std::uint64_t key) {
  tcp::StackConfig config;
  config.secret = {key, key + 1};
  config.connections_per_source_max = config.connections_max = 1'100'000;
  return config;
}

constexpr std::uint16_t server_ports = 64;  // one has room for but 28 000 of a client

class Echo final : public tcp::Handler, public tcp::Acceptor {
 public:
  explicit Echo(test::SimHost& host) : host_(host) {}

  tcp::Handler* on_accept(tcp::Connection&) noexcept override { return this; }

  void on_connected(tcp::Connection&) noexcept override {}

  void on_bytes(tcp::Connection& c, ByteView bytes) noexcept override {
    host_.stack.send(c, bytes);
  }

  void on_end(tcp::Connection& c) noexcept override { host_.stack.finish(c); }

  void on_send_room(tcp::Connection&) noexcept override {}

  void on_closed(tcp::Connection&, tcp::CloseReason) noexcept override {}

 private:
  test::SimHost& host_;
};

// Sends a request when the answer to the last has come; or closes then.
class Asker final : public tcp::Handler {
 public:
  Asker(test::SimHost& host, bool once) : host_(host), once_(once) {}

  void on_connected(tcp::Connection& c) noexcept override {
    ++connected;
    if (once_) host_.stack.send(c, request_);
  }

  void on_bytes(tcp::Connection& c, ByteView) noexcept override {
    ++answers;
    if (once_) {
      host_.stack.finish(c);
    } else if (running) {
      host_.stack.send(c, request_);
    }
  }

  void on_end(tcp::Connection&) noexcept override {}

  void on_send_room(tcp::Connection&) noexcept override {}

  void on_closed(tcp::Connection&, tcp::CloseReason) noexcept override { ++closed; }

  void ask(tcp::Connection& c) { host_.stack.send(c, request_); }

  std::uint64_t answers = 0, connected = 0, closed = 0;
  bool running = true;

 private:
  test::SimHost& host_;
  bool once_;
  std::uint8_t request_[64] = {};
};

struct Pair {
  Pair() : a(ip(0), tcp_config(1), now, 400'000), b(ip(1), tcp_config(9), now, 400'000), echo(b) {
    for (std::uint16_t port = 443; port < 443 + server_ports; ++port) {
      b.stack.listen({server.address, port}, echo);
    }
  }

  void carry(test::SimHost& from, test::SimHost& to) {
    std::array<wire::Frame*, 64> burst;
    std::size_t n = 0;
    while (n < burst.size()) {
      wire::Frame* frame = from.host.output().pop_front();
      if (frame == nullptr) break;
      if (wire::Frame* arrived = to.frames.take()) {
        std::memcpy(arrived->put(frame->size()), frame->data(), frame->size());
        burst[n++] = arrived;
      }
      wire::give(frame);
    }
    to.stack.on_frames({burst.data(), n}, now);
  }

  void turn() {
    now = now + 10us;
    carry(a, b);
    b.stack.poll(now);
    carry(b, a);
    a.stack.poll(now);
  }

  Instant now{1'000'000'000};
  test::SimHost a, b;
  tcp::Endpoint server{*wire::IpAddress::parse("10.0.0.250"), 443};
  Echo echo;
};

void echo_kept(benchmark::State& state) {
  Pair pair;
  Asker asker(pair.a, false);
  std::vector<tcp::Connection*> open;
  const auto wanted = static_cast<std::size_t>(state.range(0));
  while (open.size() < wanted) {
    if (tcp::Connection* c = pair.a.stack.connect(pair.server, asker, pair.now)) open.push_back(c);
    if (open.size() % 32 == 0) pair.turn();
  }
  while (asker.connected < wanted) pair.turn();
  for (tcp::Connection* c : open) asker.ask(*c);
  for (int i = 0; i < 2000; ++i) pair.turn();
  const std::uint64_t before = asker.answers;
  for (auto _ : state) pair.turn();
  state.counters["rate"] =
      benchmark::Counter(static_cast<double>(asker.answers - before), benchmark::Counter::kIsRate);
}

void connect_once(benchmark::State& state) {
  Pair pair;
  Asker asker(pair.a, true);
  std::uint64_t started = 0;
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i) {
      if (pair.a.stack.connect(pair.server, asker, pair.now) != nullptr) ++started;
    }
    pair.now = pair.now + 10ms;  // so that TIME-WAIT is old enough to be used again
    pair.turn();
  }
  state.counters["rate"] =
      benchmark::Counter(static_cast<double>(asker.closed), benchmark::Counter::kIsRate);
  state.counters["refused"] =
      static_cast<double>(static_cast<std::uint64_t>(state.iterations()) * 16 - started);
}

// A thousand busy connections among many that say nothing: what look-up and timers cost then.
void echo_among_idle(benchmark::State& state) {
  Pair pair;
  Asker asker(pair.a, false);
  const auto idle = static_cast<std::size_t>(state.range(0));
  std::vector<tcp::Connection*> open;
  tcp::Endpoint to = pair.server;
  while (open.size() < idle + 1000) {
    to.port = static_cast<std::uint16_t>(443 + open.size() % server_ports);
    if (tcp::Connection* c = pair.a.stack.connect(to, asker, pair.now)) {
      open.push_back(c);
    } else {
      return state.SkipWithError("no connection");
    }
    if (open.size() % 32 == 0) pair.turn();
  }
  while (asker.connected < open.size()) pair.turn();
  for (std::size_t i = 0; i < 1000; ++i) asker.ask(*open[i * open.size() / 1000]);
  for (int i = 0; i < 2000; ++i) pair.turn();
  const std::uint64_t before = asker.answers;
  for (auto _ : state) pair.turn();
  state.counters["rate"] =
      benchmark::Counter(static_cast<double>(asker.answers - before), benchmark::Counter::kIsRate);
}

BENCHMARK(echo_among_idle)->Arg(0)->Arg(1'000'000);
BENCHMARK(echo_kept)->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK(connect_once);

}  // namespace
}  // namespace gh
