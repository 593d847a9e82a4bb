// SPDX-License-Identifier: Apache-2.0
// A network in memory on a seeded clock: every road of a test's hosts, with random cuts, delays,
// narrow pipes, resets. One turn: time passes, each stream may deliver a piece of what is under
// way, then each host runs and submits. The same seed gives the same run.
#pragma once

#include "base/core.h"
#include "dataplane/net/byte_stream.h"

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace gh::test {

class SimRoad;

// A host as the simulator turns it.
class SimHosted {
 public:
  virtual ~SimHosted() = default;
  virtual net::Road& road() noexcept = 0;
  virtual net::Endpoint at(std::uint16_t port) const = 0;  // where others find it
  virtual void listen_at(std::uint16_t port, net::AcceptHandler& handler) = 0;
  virtual void deliver() = 0;  // a turn's events for this host's streams
  virtual void submit() = 0;
  virtual void cut_some() = 0;  // resets a random stream
};

struct SimWeather {
  double deliver = 0.7;              // chance that a stream delivers in a turn
  double cut = 0.0;                  // chance that a turn resets some stream
  std::size_t pipe_max = 64 * 1024;  // bytes under way in one direction
  std::size_t piece_max = 20'000;    // bytes of one delivery
  Duration turn_max = std::chrono::milliseconds(3);
};

class SimNet {
 public:
  explicit SimNet(std::uint64_t seed) : random(seed) {}

  // A host's step in each turn, after its deliveries.
  void add_host(SimHosted& host, std::function<void()> step) {
    hosts_.push_back({&host, std::move(step)});
  }

  void turn();
  // Turns until `done` or `most` turns have passed; true when done.
  bool run(const std::function<bool()>& done, std::size_t most);

  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random) < p; }

  std::size_t below(std::size_t n) {
    return n == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  }

  Core core{CoreId{0}};
  SimWeather weather;
  std::mt19937_64 random;

 private:
  friend class SimRoad;

  struct Host {
    SimHosted* hosted;
    std::function<void()> step;
  };

  std::vector<Host> hosts_;
  std::map<std::uint16_t, SimRoad*> listeners_;
};

class SimRoad final : public net::Road, public SimHosted {
 public:
  SimRoad(SimNet& net, BufferPool& pool);
  ~SimRoad() override;

  net::Road& road() noexcept override { return *this; }

  net::Endpoint at(std::uint16_t port) const override;
  void listen_at(std::uint16_t port, net::AcceptHandler& handler) override;

  void stop_at(std::uint16_t port) { net_.listeners_.erase(port); }

  void deliver() override;
  void submit() noexcept override;
  void cut_some() override;

  net::RoadKind kind() const noexcept override { return net::RoadKind::epoll; }

  void listen(const net::Listening&, net::AcceptHandler&) noexcept override {}

  void stop_listening() noexcept override {}

  net::Stream* connect(
      const net::Endpoint& to, net::StreamHandler& handler, const net::Endpoint* from = nullptr
  ) noexcept override;

  void wait(Instant, Instant) noexcept override {}

  void wake() noexcept override {}

  std::size_t open_streams() const noexcept override { return streams_.size(); }

 private:
  class End;
  SimNet& net_;
  BufferPool& pool_;
  net::AcceptHandler* acceptor_ = nullptr;
  std::list<std::unique_ptr<End>> streams_;
};

}  // namespace gh::test
