// SPDX-License-Identifier: Apache-2.0
// Two TCP stacks, a link with weather, and a clock, all from one seed. Used by tests/sim, tests/tcp
// and the fuzzers. The link loses, reorders, doubles, spoils, delays and narrows what passes, and
// may shrink its MTU (with or without saying so) or swallow everything for a while.
#pragma once

#include "dataplane/net/wire/ip_host.h"
#include "dataplane/net/wire/memory_frames.h"
#include "dataplane/tcp/stack.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace gh::test {

struct LinkWeather {
  double loss = 0, duplicate = 0, corrupt = 0, reorder = 0;
  Duration delay = std::chrono::microseconds(100);
  Duration jitter{0};
  std::int64_t bytes_per_second = 0;  // 0: no bound
  std::size_t queue_bytes = 256 * 1024;
  std::uint32_t mtu = 1500;                          // larger IP packets are dropped…
  bool says_too_big = true;                          // …with an ICMP message, or silently
  Instant dark_from = Instant::never(), dark_until;  // nothing passes

  bool dark(Instant now) const { return now >= dark_from && now < dark_until; }
};

// One direction of a link.
class SimLink {
 public:
  // arrive(when, bytes) for each copy that arrives: none, one or two. Darkness and the MTU are the
  // caller's to mind.
  void carry(
      const LinkWeather& weather,
      std::vector<std::uint8_t> bytes,
      Instant now,
      std::mt19937_64& random,
      const std::function<void(Instant, std::vector<std::uint8_t>)>& arrive
  );

 private:
  Instant free_;  // the last frame has left
};

// A host: frames, IP, TCP.
struct SimHost {
  SimHost(
      const wire::HostConfig& ip,
      const tcp::StackConfig& tcp,
      Instant now,
      std::size_t frames_max = 16'384
  );

  wire::MemoryFrames frames;
  wire::IpHost host;
  tcp::Stack stack;
};

class TcpSim {
 public:
  TcpSim(std::uint64_t seed, const tcp::StackConfig& a, const tcp::StackConfig& b, bool v6 = false);

  // One event: the earliest frame or timer. False: nothing is left to happen.
  bool step();
  // Steps until done() or `until`; true when done.
  bool run(const std::function<bool()>& done, Instant until);
  void settle();  // polls both and puts what they send on the link

  double chance() { return std::uniform_real_distribution<>(0, 1)(random); }

  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : random() % n; }

  Instant now{1'000'000'000};
  Instant wake = Instant::never();  // step() stops here too: a user has something to do
  std::mt19937_64 random;
  LinkWeather weather[2];  // a to b, b to a
  SimHost a, b;
  tcp::Endpoint a_address, b_address;
  std::function<void(int from, ByteView frame)> on_wire;  // sees each frame as it is sent

 private:
  struct Flight {
    Instant at;
    std::uint64_t order;
    int to;
    std::vector<std::uint8_t> bytes;

    bool operator>(const Flight& other) const {
      return std::tie(at, order) > std::tie(other.at, other.order);
    }
  };

  void take_output(SimHost& from, int side);
  void put_on_link(int side, std::vector<std::uint8_t> bytes);
  void answer_too_big(int side, const std::vector<std::uint8_t>& bytes);
  void deliver(const Flight& flight);

  std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flying_;
  SimLink links_[2];
  std::uint64_t order_ = 0;
};

// Bytes that tell their place in a stream.
inline std::uint8_t stream_byte(std::uint64_t key, std::uint64_t at) {
  return static_cast<std::uint8_t>((at * 0x9e3779b97f4a7c15 + key) >> 56);
}

// Fills frames by hand: a whole TCP packet on Ethernet, as a peer would send it.
std::vector<std::uint8_t> make_tcp_frame(
    const wire::MacAddress& from_mac,
    const wire::MacAddress& to_mac,
    const tcp::Endpoint& from,
    const tcp::Endpoint& to,
    const wire::TcpHeader& header,
    ByteView payload
);
// An ARP request: who gets it knows the sender's link address, so that no ARP stands between
// segments.
std::vector<std::uint8_t> make_arp_frame(
    const wire::MacAddress& from_mac, const wire::IpAddress& from, const wire::IpAddress& to
);
wire::Frame* frame_of(wire::FramePool& pool, ByteView bytes);

}  // namespace gh::test
