// SPDX-License-Identifier: Apache-2.0
// The ports of the dpdk road: what is said of a configuration, and a road over two real DPDK ports
// (a veth pair in a network namespace of its own). EAL starts once in a process, so what needs it
// is one test.
#include "base/buffer_pool.h"
#include "dataplane/net/dpdk/device.h"
#include "dataplane/net/dpdk/ports.h"
#include "tests/support/tap_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

namespace gh::net::dpdk {
namespace {

stack::PortConfig port(std::string device, const std::vector<std::string>& addresses) {
  stack::PortConfig out;
  out.device = std::move(device);
  for (const std::string& text : addresses) out.addresses.push_back(*wire::Network::parse(text));
  return out;
}

Config with(std::vector<stack::PortConfig> ports) {
  Config config;
  config.ports = std::move(ports);
  return config;
}

std::string text_of(const std::vector<Fault>& problems) {
  std::string text;
  for (const Fault& problem : problems) text += problem.text + "\n";
  return text;
}

TEST(DpdkDevice, kinds_are_told_apart) {
  EXPECT_EQ(kind_of("0000:03:00.0"), DeviceKind::pci);
  EXPECT_EQ(kind_of("03:00.1"), DeviceKind::pci);
  EXPECT_EQ(kind_of("0000:af:1f.7,arg=1"), DeviceKind::pci);
  EXPECT_EQ(kind_of("net_memif0,role=client"), DeviceKind::virtual_device);
  EXPECT_EQ(kind_of("eth0"), DeviceKind::interface);
  EXPECT_EQ(kind_of("enp3s0f0"), DeviceKind::interface);
  EXPECT_EQ(kind_of("eth0.100"), DeviceKind::interface);
}

TEST(DpdkDevice, an_interface_is_taken_by_af_packet_with_a_queue_for_each_worker) {
  const EalDevice eal = eal_device("veth0", 2, 4, 1500);
  EXPECT_EQ(eal.name, "net_af_packet_gh2");
  EXPECT_TRUE(eal.argument.starts_with("--vdev=net_af_packet_gh2,iface=veth0,qpairs=4,"));
  EXPECT_EQ(eal_device("03:00.0", 0, 1, 1500).name, "0000:03:00.0");
  EXPECT_EQ(eal_device("net_tap0,iface=t", 0, 1, 1500).argument, "--vdev=net_tap0,iface=t");
}

TEST(DpdkDevice, its_interface_is_found_among_its_arguments) {
  EXPECT_EQ(interface_of("veth0"), "veth0");
  EXPECT_EQ(interface_of("net_af_xdp0,iface=eth1,queue_count=1"), "eth1");
  EXPECT_EQ(interface_of("net_tap0,iface=new"), "");  // it is made
  EXPECT_EQ(interface_of("03:00.0"), "");
}

TEST(DpdkCheck, mistakes_are_all_told) {
  EXPECT_NE(text_of(check({})).find("at least one port"), std::string::npos);
  stack::PortConfig bad = port("a", {"10.0.0.2/24", "10.0.0.2/24", "224.0.0.1/8"});
  bad.mtu = 100;
  bad.vlan = 4095;
  bad.routes.push_back({*wire::Network::parse("0.0.0.0/0"), *wire::IpAddress::parse("10.1.0.1")});
  const std::string text = text_of(check(with({bad, port("a", {}), port("b", {"10.0.0.2/24"})})));
  for (const char* part :
       {"is given twice",
        "cannot be a host's address",
        "mtu is from",
        "vlan is from",
        "network of none of its addresses",
        "a is given twice",
        "needs addresses",
        "an address of two ports"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  }
  EXPECT_EQ(text_of(check(with({port("a", {"10.0.0.2/24"})}))), "");
}

TEST(DpdkCheck, what_this_host_lacks_is_told_with_what_to_do) {
  if (!available()) GTEST_SKIP() << "built without DPDK";
  const auto says = [](const char* device, const char* part) {
    const std::string text = text_of(check_host(with({port(device, {"10.0.0.2/24"})})));
    EXPECT_NE(text.find(part), std::string::npos) << device << ": " << text;
  };
  says("no-such-if", "there is no network interface no-such-if here");
  says("net_af_packet0,iface=no-such-if", "there is no network interface no-such-if here");
  says("ffff:ff:1f.7", "there is no PCI device ffff:ff:1f.7");
}

// ---- a road over two ports ----

struct Echo final : AcceptHandler, StreamHandler {
  StreamHandler* on_accept(Stream&) noexcept override { return this; }

  void on_connected(Stream&) noexcept override {}

  void on_bytes(Stream& stream, ByteView bytes) noexcept override {
    stream.out().append(bytes);
    stream.flush();
  }

  void on_end(Stream& stream) noexcept override { stream.close(); }

  void on_send_room(Stream&) noexcept override {}

  void on_closed(Stream&, StreamError) noexcept override { ++closed; }

  int closed = 0;
};

struct Client final : StreamHandler {
  void on_connected(Stream&) noexcept override { connected = true; }

  void on_bytes(Stream&, ByteView bytes) noexcept override { got += as_text(bytes); }

  void on_end(Stream&) noexcept override {}

  void on_send_room(Stream&) noexcept override {}

  void on_closed(Stream&, StreamError why) noexcept override {
    closed = true;
    error = why;
  }

  std::string got;
  bool connected = false, closed = false;
  StreamError error = StreamError::none;
};

TEST(DpdkPorts, a_road_over_two_ports_carries_bytes_both_ways) {
  if (!available()) GTEST_SKIP() << "built without DPDK";
  const bool made = test::own_network_namespace() &&
                    test::shell("ip link add ghp0 type veth peer name ghp1") &&
                    test::shell("sysctl -w net.ipv6.conf.all.disable_ipv6=1") &&
                    test::shell("ip link set ghp0 up") && test::shell("ip link set ghp1 up");
  if (!made) GTEST_SKIP() << "needs CAP_NET_ADMIN and ip(8)";
  Config config = with(
      {port("ghp0", {"10.9.0.1/24", "fd09::1/64"}), port("ghp1", {"10.9.0.2/24", "fd09::2/64"})}
  );
  config.frames = 4096;
  auto ports = Ports::start(config, 1);
  ASSERT_TRUE(ports) << ports.error().to_string();
  EXPECT_EQ((*ports)->describe().size(), 2u);
  BufferPool pool;
  auto road = (*ports)->make_road(CoreId{0}, pool);
  ASSERT_TRUE(road) << road.error().to_string();
  Echo echo;
  (*road)->listen({*Endpoint::parse(":7000")}, echo);
  const auto run_until = [&](const std::function<bool()>& done) {
    const Instant end = monotonic_now() + std::chrono::seconds(30);
    while (!done() && monotonic_now() < end) {
      (*road)->submit();
      const Instant now = monotonic_now();
      (*road)->wait(now, now + std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(done());
  };
  const Instant ready = monotonic_now() + std::chrono::milliseconds(1500);  // addresses are tried
  run_until([&] { return monotonic_now() > ready; });
  // What is ours at one port goes out by the other.
  for (const char* to : {"10.9.0.1:7000", "[fd09::1]:7000"}) {
    Client client;
    Stream* stream = (*road)->connect(*Endpoint::parse(to), client);
    const std::string sent(1'000'000, 'x');
    stream->out().append(as_bytes(sent));
    run_until([&] { return client.connected; });
    stream->flush();
    run_until([&] { return client.got.size() == sent.size(); });
    stream->close();
    run_until([&] { return client.closed; });
    EXPECT_EQ(client.error, StreamError::none);
  }
  run_until([&] { return (*road)->open_streams() == 0; });
  std::map<std::string, std::uint64_t> sums;
  (*ports)->each_sample([&](const Sample& sample) {
    sums[std::string(sample.name) + (sample.kind.empty() ? "" : "_") + std::string(sample.kind)] +=
        sample.value;
  });
  EXPECT_EQ(sums["tcp_opened_passive"], 2u);
  EXPECT_EQ(sums["tcp_opened_active"], 2u);
  EXPECT_GE(sums["queue_rx_bytes"], 4'000'000u);
  EXPECT_EQ(sums["drops_bad_l4_checksum"], 0u);
  road->reset();
  ports->reset();
}

}  // namespace
}  // namespace gh::net::dpdk
