// SPDX-License-Identifier: Apache-2.0
// Hosts of the simulator that speak our own TCP over a switch with weather: what SimRoad
// (sim_net.h) does with pipes, these do with frames. Clock and dice are the SimNet's.
#pragma once

#include "dataplane/net/stack/road.h"
#include "dataplane/net/wire/memory_frames.h"
#include "tests/support/sim_net.h"
#include "tests/support/tcp_sim.h"

#include <memory>
#include <queue>
#include <vector>

namespace gh::test {

class SimTcpHost;

// Carries frames between hosts by their link address; a broadcast goes to all others.
class SimSwitch {
 public:
  explicit SimSwitch(SimNet& owner) : net(owner) {}

  std::unique_ptr<SimTcpHost> make_host(BufferPool& pool);

  SimNet& net;
  LinkWeather weather;

 private:
  friend class SimTcpHost;

  struct Flight {
    Instant at;
    std::uint64_t order;
    std::vector<std::uint8_t> bytes;

    bool operator>(const Flight& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  using Queue = std::priority_queue<Flight, std::vector<Flight>, std::greater<>>;

  void carry(std::size_t from, std::vector<std::uint8_t> bytes);
  void put(std::size_t to, std::vector<std::uint8_t> bytes);

  struct Port {
    SimLink link;
    Queue flying;  // to it
  };

  std::vector<Port> ports_;  // by host
  std::uint64_t order_ = 0;
};

class SimTcpHost final : public SimHosted, private net::stack::FramePort {
 public:
  SimTcpHost(SimSwitch& to, std::size_t number, BufferPool& pool);
  ~SimTcpHost() override;

  net::Road& road() noexcept override { return *road_; }

  net::Endpoint at(std::uint16_t port) const override;
  void listen_at(std::uint16_t port, net::AcceptHandler& handler) override;
  void deliver() override;

  void submit() override { road_->submit(); }

  void cut_some() override;  // aborts a random connection

 private:
  wire::FramePool& frames() noexcept override { return memory_; }

  std::size_t receive(std::span<wire::Frame*> into) noexcept override;
  bool transmit(wire::FrameList& frames) noexcept override;

  SimSwitch& switch_;
  std::size_t number_;
  wire::MemoryFrames memory_;
  net::stack::Interface interface_;
  std::unique_ptr<net::Road> road_;
};

}  // namespace gh::test
