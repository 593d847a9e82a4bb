// SPDX-License-Identifier: Apache-2.0
// Addresses as text, and listening sockets with their errors.
#include "dataplane/net/byte_stream.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace gh::net {
namespace {

TEST(Endpoint, addresses_are_read_and_written_alike) {
  const std::vector<std::string> same = {
      "127.0.0.1:8443",
      "0.0.0.0:1",
      "[::1]:8443",
      "[::]:65535",
      "[2001:db8::5]:443",
      ":8443",
      "10.0.0.1:0",
  };
  for (const auto& text : same) {
    const auto at = Endpoint::parse(text);
    ASSERT_TRUE(at) << text;
    EXPECT_EQ(at->to_string(), text);
  }
}

TEST(Endpoint, what_is_no_address_is_refused_with_a_sentence) {
  const std::vector<std::string> wrong = {
      "",
      ":",
      "8443",
      "127.0.0.1",
      "127.0.0.1:",
      "127.0.0.1:65536",
      "127.0.0.1:-1",
      "127.0.0.1:+80",
      "127.0.0.1: 80",
      "127.0.0.1:80 ",
      "127.0.0.1:0x50",
      "127.1:80",
      "256.0.0.1:80",
      "::1:80",
      "[::1:80",
      "::1]:80",
      "[::1]80",
      "[::1]",
      "[]:80",
      "[127.0.0.1]:80",
      "[::g]:80",
      "localhost:80",
      "127.0.0.1:80:80",
      "[::1%nosuchzone]:80",
      "http://127.0.0.1:80",
      "*:80",
      std::string("127.0.0.1\0:80", 13),
      std::string("127.0.0.1:80\0", 13),
      std::string("[::1\0]:80", 9),
  };
  for (const auto& text : wrong) {
    const auto at = Endpoint::parse(text);
    ASSERT_FALSE(at) << text;
    EXPECT_NE(at.error().text.find("is not an address"), std::string::npos);
  }
}

TEST(Endpoint, an_ipv4_mapped_address_is_written_as_ipv4) {
  const auto at = Endpoint::parse("[::ffff:10.1.2.3]:80");
  ASSERT_TRUE(at);
  EXPECT_EQ(at->ip(), "10.1.2.3");
  EXPECT_EQ(at->to_string(), "10.1.2.3:80");
  EXPECT_FALSE(at->is_loopback());
}

TEST(Endpoint, loopback_is_known_in_each_of_its_forms) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(Endpoint::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1:1", "[::2]:1", ":1", "0.0.0.0:1"}) {
    EXPECT_FALSE(Endpoint::parse(text)->is_loopback()) << text;
  }
  EXPECT_FALSE(Endpoint().is_loopback());
}

TEST(Endpoint, a_zone_is_an_interface_by_name_or_number) {
  const auto named = Endpoint::parse("[fe80::1%lo]:80");
  ASSERT_TRUE(named);
  EXPECT_EQ(Endpoint::parse(named->to_string())->to_string(), named->to_string());
  EXPECT_FALSE(Endpoint::parse("[fe80::1%0]:80"));
}

TEST(Endpoint, an_empty_endpoint_is_harmless) {
  const Endpoint none;
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.ip(), "");
}

TEST(Resolve, literals_need_no_resolver) {
  for (const char* host : {"::1", "[::1]"}) {
    const auto all = resolve(host, 8443);
    ASSERT_TRUE(all) << host;
    ASSERT_EQ(all->size(), 1u);
    EXPECT_EQ(all->front().to_string(), "[::1]:8443");
  }
  EXPECT_EQ(resolve("127.0.0.1", 1)->front().to_string(), "127.0.0.1:1");
}

TEST(Resolve, localhost_is_a_loopback_address) {
  const auto all = resolve("localhost", 80);
  ASSERT_TRUE(all);
  for (const auto& each : *all) EXPECT_TRUE(each.is_loopback());
}

TEST(Resolve, what_is_no_name_is_refused) {
  EXPECT_FALSE(resolve("", 80));
  EXPECT_FALSE(resolve(std::string_view("local\0host", 10), 80));
  const auto none = resolve("no-such-host.invalid", 80);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text.find("no-such-host.invalid"), std::string::npos);
}

struct Socket {
  explicit Socket(int number) : fd(number) {}

  ~Socket() { ::close(fd); }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd;
};

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  getsockopt(fd, level, name, &value, &length);
  return value;
}

const Endpoint any_port = *Endpoint::parse("127.0.0.1:0");

TEST(ListenSocket, workers_share_a_port) {
  const Socket first(*listen_socket(any_port));
  const Endpoint at = local_endpoint(first.fd, any_port);
  const auto second = listen_socket(at);
  ASSERT_TRUE(second);
  ::close(*second);
}

TEST(ListenSocket, accepted_connections_inherit_no_delay_and_keep_alive) {
  const Socket listening(*listen_socket(any_port));
  const Endpoint at = local_endpoint(listening.fd, any_port);
  const Socket client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(client.fd, at.address(), at.length()), 0);
  const Socket accepted(::accept(listening.fd, nullptr, nullptr));
  ASSERT_GE(accepted.fd, 0);
  EXPECT_EQ(option(accepted.fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(accepted.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(accepted.fd, IPPROTO_TCP, TCP_KEEPIDLE), int(limits::keepalive_idle.count()));
}

TEST(ListenSocket, an_explicit_ipv6_address_leaves_ipv4_free) {
  const auto six_any = *Endpoint::parse("[::]:0");
  const Socket six(*listen_socket(six_any));
  EXPECT_EQ(option(six.fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  const auto both_any = *Endpoint::parse(":0");
  const Socket both(*listen_socket(both_any));
  EXPECT_EQ(option(both.fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
  EXPECT_NE(local_endpoint(both.fd, both_any).port(), 0);
}

TEST(ListenSocket, a_port_in_use_is_said_so) {
  const Socket other(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(other.fd, any_port.address(), any_port.length()), 0);
  ASSERT_EQ(::listen(other.fd, 1), 0);
  const Endpoint at = local_endpoint(other.fd, any_port);
  const std::string expected = "address " + at.to_string() + " is already in use";
  const auto one = listen_socket(at);
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().to_string(), expected);
  const auto all = listen_sockets(at, 2);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().to_string(), expected);
}

TEST(ListenSocket, another_gate_of_ours_on_the_port_is_an_error) {
  const Socket first(*listen_socket(any_port));
  EXPECT_FALSE(listen_sockets(local_endpoint(first.fd, any_port), 2));
}

TEST(ListenSocket, all_workers_get_the_same_free_port) {
  const auto sockets = listen_sockets(any_port, 3);
  ASSERT_TRUE(sockets);
  ASSERT_EQ(sockets->size(), 3u);
  const auto port = local_endpoint(sockets->front(), any_port).port();
  for (const int fd : *sockets) {
    EXPECT_EQ(local_endpoint(fd, any_port).port(), port);
    ::close(fd);
  }
}

TEST(ListenSocket, an_address_of_another_host_is_said_so) {
  const auto none = listen_socket(*Endpoint::parse("192.0.2.1:8443"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().to_string(), "address 192.0.2.1:8443 does not belong to this host");
}

}  // namespace
}  // namespace gh::net
