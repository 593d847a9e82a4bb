// SPDX-License-Identifier: Apache-2.0
// A rule for each attack: what it must not get, and what it must not cost others.
#include "tests/support/tcp_sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gh::test {
namespace {

using namespace std::chrono_literals;
using wire::TcpFlags;
using wire::TcpHeader;

class Quiet final : public tcp::Handler, public tcp::Acceptor {
 public:
  tcp::Handler* on_accept(tcp::Connection& c) noexcept override {
    ++accepted;
    last = &c;
    return this;
  }

  void on_connected(tcp::Connection& c) noexcept override { last = &c; }

  void on_bytes(tcp::Connection&, ByteView bytes) noexcept override {
    received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  void on_end(tcp::Connection&) noexcept override {}

  void on_send_room(tcp::Connection&) noexcept override {}

  void on_closed(tcp::Connection&, tcp::CloseReason why) noexcept override {
    ++closed;
    reason = why;
    last = nullptr;
  }

  int accepted = 0, closed = 0;
  tcp::CloseReason reason = tcp::CloseReason::none;
  tcp::Connection* last = nullptr;
  std::string received;
};

tcp::StackConfig small() {
  tcp::StackConfig config;
  config.secret = {5, 6};
  config.connections_max = 2'000;
  config.half_open_max = 64;
  return config;
}

// A victim with one established connection from 10.0.0.2:5000, and a hand that forges frames.
class Victim {
 public:
  explicit Victim(const tcp::StackConfig& config = small()) : host(ip(), config, now, 8'192) {
    host.stack.listen(us, user);
    know(peer);
    send(peer, syn(1000), {});
    our_seq = last_syn + 1;
    TcpHeader ack;
    ack.flags = TcpFlags::ack;
    ack.seq = 1001;
    ack.ack = our_seq;
    ack.window = 65'535;
    send(peer, ack, {});
    connection = user.last;
  }

  // Its link address, so that answers do not wait for ARP.
  void know(const tcp::Endpoint& who) {
    const auto frame = make_arp_frame(peer_mac, who.address, us.address);
    host.stack.on_frame(frame_of(host.frames, frame), now);
    turn();
  }

  static TcpHeader syn(std::uint32_t seq) {
    TcpHeader h;
    h.flags = TcpFlags::syn;
    h.seq = seq;
    h.window = 65'535;
    h.mss = 1460;
    return h;
  }

  TcpHeader data(std::uint32_t offset) const {
    TcpHeader h;
    h.flags = TcpFlags::ack;
    h.seq = 1001 + offset;
    h.ack = our_seq;
    h.window = 65'535;
    return h;
  }

  void send(const tcp::Endpoint& from, const TcpHeader& header, const std::string& payload) {
    const auto frame = make_tcp_frame(peer_mac, ip().mac, from, us, header, as_bytes(payload));
    if (wire::Frame* in = frame_of(host.frames, frame)) host.stack.on_frame(in, now);
    turn();
  }

  void turn() {
    host.stack.poll(now);
    while (wire::Frame* frame = host.host.output().pop_front()) {
      const ByteView bytes = frame->bytes();
      if (bytes.size() >= 54 && bytes[13] == 0) {
        ++sent;
        const auto h = TcpHeader::parse(bytes.subspan(34));
        if (h && h->has(TcpFlags::syn)) last_syn = h->seq;
      }
      wire::give(frame);
    }
  }

  void wait(Duration by) {
    const Instant until = now + by;
    while (true) {
      const Instant next = std::min(host.stack.next_deadline(), host.host.next_deadline());
      if (next > until) break;
      now = std::max(now + 1us, next);
      turn();
    }
    now = until;
  }

  static wire::HostConfig ip() {
    wire::HostConfig config;
    config.mac = {{2, 0, 0, 0, 0, 1}};
    config.addresses = {*wire::Network::parse("10.0.0.1/8")};
    config.detect_duplicates = false;
    return config;
  }

  static tcp::Endpoint stranger(std::uint32_t n) {
    const std::uint8_t four[4] = {
        10,
        static_cast<std::uint8_t>(1 + n % 200),
        static_cast<std::uint8_t>(n >> 8),
        static_cast<std::uint8_t>(n)
    };
    return {wire::IpAddress::v4(four), static_cast<std::uint16_t>(1024 + n % 60'000)};
  }

  Instant now{1'000'000'000};
  Quiet user;
  SimHost host;
  tcp::Endpoint us{*wire::IpAddress::parse("10.0.0.1"), 443};
  tcp::Endpoint peer{*wire::IpAddress::parse("10.0.0.2"), 5000};
  wire::MacAddress peer_mac{{2, 0, 0, 0, 0, 2}};
  tcp::Connection* connection = nullptr;
  std::uint32_t our_seq = 0, last_syn = 0;
  std::size_t sent = 0;
};

TEST(TcpAttack, a_syn_flood_is_answered_with_cookies_and_holds_no_memory) {
  Victim victim;
  for (std::uint32_t i = 0; i < 50'000; ++i) victim.send(Victim::stranger(i), Victim::syn(i), {});
  EXPECT_LE(victim.host.stack.half_open(), small().half_open_max);
  EXPECT_LE(victim.host.stack.connections(), small().half_open_max + 1);
  EXPECT_GT(victim.host.stack.counters().cookies_sent.read(), 49'000u);
  victim.send(victim.peer, victim.data(0), "still here");
  EXPECT_EQ(victim.user.received, "still here");
}

TEST(TcpAttack, a_real_client_gets_in_during_a_syn_flood) {
  Victim victim;
  for (std::uint32_t i = 0; i < 1'000; ++i) victim.send(Victim::stranger(i), Victim::syn(i), {});
  const tcp::Endpoint client{*wire::IpAddress::parse("10.0.0.3"), 777};
  victim.send(client, Victim::syn(70), {});
  TcpHeader ack = Victim::syn(71);
  ack.flags = TcpFlags::ack;
  ack.mss = 0;
  tcp::HandshakeSecrets secrets(small().secret);
  ack.ack = secrets.cookie(victim.us, client, tcp::Seq{70}, 1460, victim.now).value + 1;
  victim.send(client, ack, "hello");
  EXPECT_EQ(victim.user.accepted, 2);
  EXPECT_EQ(victim.user.received, "hello");
}

TEST(TcpAttack, guessed_cookies_open_nothing) {
  Victim victim;
  for (std::uint32_t i = 0; i < 1'000; ++i) victim.send(Victim::stranger(i), Victim::syn(i), {});
  const int before = victim.user.accepted;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    TcpHeader ack = Victim::syn(71);
    ack.flags = TcpFlags::ack;
    ack.mss = 0;
    ack.ack = i * 2'654'435'761u;
    victim.send(Victim::stranger(i), ack, {});
  }
  EXPECT_EQ(victim.user.accepted, before);
  EXPECT_LE(victim.host.stack.counters().resets_out.read(), limits::tcp_resets_per_second_max);
}

TEST(TcpAttack, a_blind_reset_ends_nothing_and_is_answered_seldom) {
  Victim victim;
  const std::size_t before = victim.sent;
  for (std::uint32_t i = 1; i < 5'000; ++i) {
    TcpHeader rst;
    rst.flags = TcpFlags::rst;
    rst.seq = 1001 + i * 997;
    victim.send(victim.peer, rst, {});
  }
  EXPECT_EQ(victim.user.closed, 0);
  EXPECT_LE(victim.sent - before, 1u);
}

TEST(TcpAttack, blind_data_is_not_taken_without_a_plausible_ack) {
  Victim victim;
  for (std::uint32_t i = 1; i < 1'000; ++i) {
    TcpHeader h = victim.data(0);
    h.ack = victim.our_seq + 100 + i * 1'000'000;
    victim.send(victim.peer, h, "evil");
  }
  EXPECT_EQ(victim.user.received, "");
}

TEST(TcpAttack, overlapping_segments_cannot_rewrite_what_came_first) {
  Victim victim;
  victim.send(victim.peer, victim.data(4), "EFGH");
  victim.send(victim.peer, victim.data(2), "xxxxxxxx");
  victim.send(victim.peer, victim.data(0), "ABCDyyyyyyyyyy");
  EXPECT_EQ(victim.user.received.substr(0, 8), "ABxxEFGH");
}

TEST(TcpAttack, tiny_segments_in_a_paused_stream_hold_few_frames) {
  Victim victim;
  victim.host.stack.pause_read(*victim.connection);
  for (std::uint32_t i = 0; i < 20'000; ++i) victim.send(victim.peer, victim.data(i), "z");
  EXPECT_LE(victim.host.stack.frames_held(), 20u);
  victim.host.stack.resume_read(*victim.connection);
  victim.turn();
  EXPECT_EQ(victim.user.received, std::string(20'000, 'z'));
}

TEST(TcpAttack, every_second_byte_out_of_order_is_bounded) {
  Victim victim;
  for (std::uint32_t i = 1; i < 20'000; i += 2) victim.send(victim.peer, victim.data(i), "z");
  EXPECT_LE(victim.host.stack.frames_held(), limits::tcp_holes_max);
  EXPECT_GT(victim.host.stack.counters().receive_refused.read(), 0u);
}

TEST(TcpAttack, absurd_options_are_refused_or_skipped) {
  for (const std::string& options :
       {std::string("\x02\x00\x05\xb4", 4),
        std::string("\x08\x0a\x00\x00", 4),
        std::string("\x05\xff\x00\x00", 4),
        std::string("\xfe\x01\x00\x00", 4),
        std::string("\x02", 1)}) {
    std::vector<std::uint8_t> header(20 + (options.size() + 3) / 4 * 4);
    std::copy(options.begin(), options.end(), header.begin() + 20);
    header[12] = static_cast<std::uint8_t>(header.size() / 4 << 4);
    const auto parsed = TcpHeader::parse(header);
    if (parsed) {
      EXPECT_EQ(parsed->mss, 0);
    }
  }
}

TEST(TcpAttack, shut_windows_do_not_hold_connections_for_ever) {
  tcp::StackConfig config = small();
  config.keepalive_idle = 30s;
  Victim victim(config);
  TcpHeader shut = victim.data(0);
  shut.window = 0;
  victim.send(victim.peer, shut, {});
  const std::string answer(10'000, 'a');
  EXPECT_EQ(victim.host.stack.send(*victim.connection, as_bytes(answer)), 0u);
  for (int i = 0; i < 500 && victim.user.closed == 0; ++i) {
    victim.wait(1s);
    victim.send(victim.peer, shut, {});  // it lives, and never takes a byte
  }
  EXPECT_EQ(victim.user.closed, 1);
  EXPECT_EQ(victim.user.reason, tcp::CloseReason::timed_out);
  EXPECT_EQ(victim.host.stack.connections(), 0u);
}

TEST(TcpAttack, a_peer_that_vanishes_with_a_shut_window_is_given_up) {
  Victim victim;
  TcpHeader shut = victim.data(0);
  shut.window = 0;
  victim.send(victim.peer, shut, {});
  victim.host.stack.send(*victim.connection, as_bytes("x"));
  victim.wait(1000s);
  EXPECT_EQ(victim.user.closed, 1);
}

TEST(TcpAttack, one_source_has_its_share_only) {
  tcp::StackConfig config = small();
  config.connections_per_source_max = 10;
  Victim victim(config);
  for (std::uint16_t port = 1; port <= 40; ++port) {
    victim.send({victim.peer.address, port}, Victim::syn(port), {});
  }
  EXPECT_LE(victim.host.stack.connections(), 10u);
  EXPECT_EQ(victim.host.stack.counters().syn_source_full.read(), 31u);
}

TEST(TcpAttack, ack_storms_are_not_answered_in_kind) {
  Victim victim;
  const std::size_t before = victim.sent;
  for (int i = 0; i < 10'000; ++i) victim.send(victim.peer, victim.data(0x40000000), {});
  EXPECT_LE(victim.sent - before, 1u);
}

TEST(TcpAttack, a_port_scan_is_answered_within_the_limit) {
  Victim victim;
  const std::size_t before = victim.sent;
  for (std::uint16_t port = 1; port < 20'000; ++port) {
    victim.us.port = port == 443 ? 444 : port;
    victim.send(victim.peer, Victim::syn(1), {});
  }
  EXPECT_LE(victim.sent - before, limits::tcp_resets_per_second_max);
  EXPECT_LE(victim.host.stack.connections(), 1u);
}

}  // namespace
}  // namespace gh::test
