// SPDX-License-Identifier: Apache-2.0
// What the road over our own TCP does besides the contract that road_test.cc holds it to: steering
// between cores.
#include "dataplane/net/stack/steering.h"
#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/ethernet.h"
#include "dataplane/net/wire/ip.h"
#include "dataplane/net/wire/memory_frames.h"
#include "tests/net/road_fixture.h"

#include <array>
#include <deque>
#include <optional>

namespace gh::net {
namespace {

// A queue that gives what was put into it.
struct FakeQueue final : stack::FramePort {
  wire::MemoryFrames memory{10'000};
  std::deque<wire::Frame*> arriving;

  wire::FramePool& frames() noexcept override { return memory; }

  std::size_t receive(std::span<wire::Frame*> into) noexcept override {
    std::size_t count = 0;
    while (count < into.size() && !arriving.empty()) {
      into[count++] = arriving.front();
      arriving.pop_front();
    }
    return count;
  }

  bool transmit(wire::FrameList& list) noexcept override {
    list.clear();
    return true;
  }

  void put(const std::vector<std::uint8_t>& bytes) {
    wire::Frame* frame = memory.take();
    std::copy(bytes.begin(), bytes.end(), frame->put(static_cast<std::uint32_t>(bytes.size())));
    arriving.push_back(frame);
  }
};

std::vector<std::uint8_t> packet(std::uint8_t protocol, std::uint16_t from_port) {
  std::vector<std::uint8_t> bytes(14 + 20 + 20);
  wire::EthernetHeader ethernet;
  ethernet.ethertype = wire::ethertype_ipv4;
  ethernet.write(bytes.data());
  wire::IpHeader ip;
  ip.from = *wire::IpAddress::parse("10.0.0.1");
  ip.to = *wire::IpAddress::parse("10.0.0.2");
  ip.protocol = protocol;
  ip.payload_bytes = 20;
  ip.write(bytes.data() + 14, true);
  wire::store16(bytes.data() + 34, from_port);
  wire::store16(bytes.data() + 36, 443);
  return bytes;
}

std::vector<std::uint8_t> arp() {
  std::vector<std::uint8_t> bytes(60);
  wire::EthernetHeader ethernet;
  ethernet.ethertype = wire::ethertype_arp;
  ethernet.write(bytes.data());
  return bytes;
}

// Two cores; a segment from an odd port is core 1's.
struct TwoCores {
  explicit TwoCores(bool port_steers) {
    auto made = stack::Steering::make(2, port_steers, [](auto&, const tcp::Endpoint& remote) {
      return std::size_t{remote.port % 2u};
    });
    steering = std::move(*made);
    for (std::size_t i = 0; i < 2; ++i) ports[i].emplace(*steering, i, queues[i]);
  }

  std::size_t take(std::size_t core) {
    std::array<wire::Frame*, 64> frames;
    const std::size_t count = ports[core]->receive(frames);
    for (std::size_t i = 0; i < count; ++i) wire::give(frames[i]);
    return count;
  }

  FakeQueue queues[2];
  std::unique_ptr<stack::Steering> steering;
  std::optional<stack::SteeredPort> ports[2];
};

TEST(Steering, a_segment_reaches_its_owner_wherever_it_arrived) {
  TwoCores cores(false);
  for (const auto port : {std::uint16_t{1000}, std::uint16_t{1001}, std::uint16_t{1003}})
    cores.queues[0].put(packet(6, port));
  EXPECT_EQ(cores.take(0), 1u);
  EXPECT_EQ(cores.take(1), 2u);
  EXPECT_EQ(cores.ports[0]->passed_on.read(), 2u);
}

TEST(Steering, what_neighbours_say_reaches_everybody) {
  TwoCores cores(false);
  cores.queues[1].put(arp());
  cores.queues[1].put(packet(wire::protocol_icmp, 0));
  EXPECT_EQ(cores.take(1), 2u);
  EXPECT_EQ(cores.take(0), 2u);
}

TEST(Steering, other_protocols_stay_where_they_arrived) {
  TwoCores cores(false);
  cores.queues[1].put(packet(17, 1000));
  cores.queues[1].put({1, 2, 3});
  EXPECT_EQ(cores.take(1), 2u);
  EXPECT_EQ(cores.take(0), 0u);
}

TEST(Steering, a_port_that_hashes_is_believed) {
  TwoCores cores(true);
  cores.queues[0].put(packet(6, 1001));
  cores.queues[0].put(arp());
  EXPECT_EQ(cores.take(0), 2u);
  EXPECT_EQ(cores.take(1), 1u);
}

TEST(Steering, a_full_ring_drops_and_counts) {
  TwoCores cores(false);
  constexpr std::size_t over = 10;
  for (std::size_t i = 0; i < limits::dpdk_steered_frames_max + over; ++i) {
    cores.queues[0].put(packet(6, 1001));
    EXPECT_EQ(cores.take(0), 0u);
  }
  EXPECT_EQ(cores.ports[0]->ring_full.read(), over);
  EXPECT_EQ(cores.queues[0].memory.in_use(), limits::dpdk_steered_frames_max);
}

TEST(Steering, a_sleeper_is_woken_and_an_armed_one_misses_nothing) {
  TwoCores cores(false);
  std::vector<pollfd> waits;
  EXPECT_FALSE(cores.ports[1]->arm(waits)) << "the queue itself tells of nothing";
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(::poll(waits.data(), 1, 0), 0);
  cores.queues[0].put(packet(6, 1001));
  EXPECT_EQ(cores.take(0), 0u);
  EXPECT_EQ(::poll(waits.data(), 1, 0), 1);
  cores.ports[1]->disarm();
  EXPECT_EQ(::poll(waits.data(), 1, 0), 0);
  EXPECT_EQ(cores.take(1), 1u);
}

TEST_P(RoadTest, a_connection_in_progress_may_be_aborted) {
  Recorder client;
  client.stream = road->connect(*Endpoint::parse("10.99.0.77:80"), client);  // nobody
  turns(3);
  EXPECT_EQ(client.events, "");
  client.stream->abort();
  run_until([&] { return client.closed; });
  EXPECT_EQ(client.error, StreamError::aborted);
}

}  // namespace
}  // namespace gh::net
