// SPDX-License-Identifier: Apache-2.0
// The road over our own TCP, against the kernel's: two TAP devices in a network namespace of the
// test program. Ours is 10.99.0.2 behind the first; what it connects to itself goes out by the
// second, through the kernel as a router, and comes in by the first.
#include "dataplane/net/stack/interface.h"
#include "dataplane/net/stack/road.h"
#include "tests/net/road_fixture.h"
#include "tests/support/tap_port.h"

#include <array>
#include <optional>

namespace gh::net {
namespace {

struct Link {
  std::unique_ptr<test::TapPort> port;
  std::optional<stack::Interface> interface;
};

std::array<Link, 2>& links() {
  static std::array<Link, 2> both;
  return both;
}

bool set_up() {
  static const bool done = [] {
    if (!test::own_network_namespace()) return false;
    bool good = test::shell("sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    for (std::size_t i = 0; i < 2; ++i) {
      const std::string n = std::to_string(i), tap = "ghtap" + n;
      links()[i].port = test::TapPort::make(tap);
      good = good && links()[i].port != nullptr &&
             test::shell("ip link set " + tap + " up txqueuelen 10000") &&
             test::shell("ip addr add 10.99." + n + ".1/24 dev " + tap) &&
             test::shell("ip addr add fd99:" + n + "::1/64 dev " + tap + " nodad");
    }
    return good;
  }();
  return done;
}

wire::HostConfig host_config(std::size_t i) {
  const std::string n = std::to_string(i);
  wire::HostConfig host;
  host.mac = {{2, 0, 0, 0, 0x99, static_cast<std::uint8_t>(i)}};
  host.addresses = {
      *wire::Network::parse("10.99." + n + ".2/24"), *wire::Network::parse("fd99:" + n + "::2/64")
  };
  host.routes = {
      {*wire::Network::parse("10.99.0.0/16"), *wire::IpAddress::parse("10.99." + n + ".1")},
      {*wire::Network::parse("fd99::/16"), *wire::IpAddress::parse("fd99:" + n + "::1")}
  };
  host.detect_duplicates = false;
  return host;
}

Endpoint ours(const Endpoint& at, std::uint16_t port) {
  const std::string digits = std::to_string(port);
  if (at.any_family()) return *Endpoint::parse(":" + digits);
  return *Endpoint::parse((at.is_ipv6() ? "[fd99:0::2]:" : "10.99.0.2:") + digits);
}

}  // namespace

std::vector<RoadKind> roads_under_test() { return {RoadKind::dpdk}; }

Outcome<std::unique_ptr<Road>> make_road_under_test(RoadKind, BufferPool& pool) {
  if (!set_up()) return fault("needs CAP_NET_ADMIN and ip(8)");
  stack::StackRoadConfig config;
  static std::uint64_t lives = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    Link& link = links()[i];
    tcp::StackConfig tcp;
    tcp.secret = {++lives, i};
    link.interface.reset();
    EXPECT_EQ(link.port->frames_in_use(), 0u) << "frames were lost";
    stack::Interface& interface =
        link.interface.emplace(*link.port, host_config(i), tcp, monotonic_now());
    interface.tcp.poll(monotonic_now());  // announces its addresses
    link.port->transmit(interface.host.output());
    config.interfaces.push_back(&interface);
  }
  return stack::StackRoad::make(std::move(config), pool);
}

Outcome<Listening> make_listening(RoadKind, const Endpoint& at) {
  static std::uint16_t next_port = 10'000;
  return Listening{ours(at, at.port() != 0 ? at.port() : next_port++)};
}

Endpoint seen_by_peer(RoadKind, const Endpoint& at) { return ours(at, at.port()); }

}  // namespace gh::net
