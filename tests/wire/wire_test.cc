// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/checksum.h"
#include "dataplane/net/wire/ip_host.h"
#include "dataplane/net/wire/memory_frames.h"
#include "dataplane/net/wire/tcp_header.h"
#include "tests/support/tcp_sim.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace gh::wire {
namespace {

using namespace std::chrono_literals;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

TEST(WireAddress, networks_contain_their_addresses_of_both_families) {
  EXPECT_TRUE(Network::parse("10.1.0.0/16")->contains(address("10.1.200.3")));
  EXPECT_FALSE(Network::parse("10.1.0.0/16")->contains(address("10.2.0.1")));
  EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains(address("8.8.8.8")));
  EXPECT_FALSE(Network::parse("::/0")->contains(address("8.8.8.8")));
  EXPECT_TRUE(Network::parse("2001:db8::/33")->contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(Network::parse("2001:db8::/33")->contains(address("2001:db8:8000::1")));
  for (const char* bad :
       {"10.0.0.1", "10.0.0.1/33", "::1/129", "x/8", "10.0.0.1/", "10.0.0.1/8x"}) {
    EXPECT_FALSE(Network::parse(bad)) << bad;
  }
}

TEST(WireChecksum, pieces_at_odd_offsets_sum_as_one) {
  MemoryFrames frames(4);
  std::vector<std::uint8_t> bytes(101);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + 1);
  Frame* whole = frames.take();
  std::memcpy(whole->put(101), bytes.data(), 101);
  Frame* first = frames.take();
  std::memcpy(first->put(33), bytes.data(), 33);
  first->more = frames.take();
  std::memcpy(first->more->put(68), bytes.data() + 33, 68);
  EXPECT_EQ(
      checksum_fold(checksum_add_chain(0, *whole)), checksum_fold(checksum_add_chain(0, *first))
  );
  give(whole);
  give(first);
  EXPECT_EQ(frames.in_use(), 0u);
}

TEST(WireTcpHeader, what_is_written_is_read_back) {
  TcpHeader out;
  out.from_port = 1;
  out.to_port = 2;
  out.seq = 3;
  out.ack = 4;
  out.flags = TcpFlags::syn | TcpFlags::ack;
  out.window = 5;
  out.mss = 1460;
  out.window_shift = 7;
  out.sack_permitted = out.has_timestamps = true;
  out.ts_value = 6;
  out.ts_echo = 7;
  std::vector<std::uint8_t> bytes(out.bytes_to_write());
  out.write(bytes.data());
  const auto in = TcpHeader::parse(bytes);
  ASSERT_TRUE(in);
  EXPECT_EQ(in->mss, 1460);
  EXPECT_EQ(in->window_shift, 7);
  EXPECT_TRUE(in->sack_permitted && in->has_timestamps);
  EXPECT_EQ(in->ts_echo, 7u);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(TcpHeader::parse(ByteView(bytes).first(cut))) << cut;
  }
}

class Host : public testing::Test {
 protected:
  Host() : host(config(), frames, {1, 2}, now) {
    host.expire(now);
    now = now + 3s;
    host.expire(now);
    host.output().clear();
  }

  static HostConfig config() {
    HostConfig out;
    out.mac = {{2, 0, 0, 0, 0, 1}};
    out.addresses = {*Network::parse("10.0.0.1/24"), *Network::parse("2001:db8::1/64")};
    out.routes = {{*Network::parse("0.0.0.0/0"), address("10.0.0.254")}};
    return out;
  }

  Input in(const std::vector<std::uint8_t>& bytes) {
    return host.on_frame(test::frame_of(frames, bytes), now);
  }

  std::vector<std::uint8_t> out() {
    Frame* frame = host.output().pop_front();
    if (frame == nullptr) return {};
    std::vector<std::uint8_t> bytes(frame->data(), frame->data() + frame->size());
    give(frame);
    return bytes;
  }

  std::uint64_t drops(Drop drop) const {
    return host.counters().drops[static_cast<std::size_t>(drop)].read();
  }

  std::vector<std::uint8_t> arp(ArpPacket::Operation operation, const char* from, const char* to) {
    std::vector<std::uint8_t> bytes(14 + ArpPacket::bytes_of);
    EthernetHeader ethernet;
    ethernet.to = MacAddress::broadcast();
    ethernet.from = peer_mac;
    ethernet.ethertype = ethertype_arp;
    ethernet.write(bytes.data());
    ArpPacket packet;
    packet.operation = operation;
    packet.from_mac = peer_mac;
    packet.from = address(from);
    packet.to = address(to);
    packet.write(bytes.data() + 14);
    return bytes;
  }

  std::vector<std::uint8_t> tcp(const char* from, const char* to) {
    TcpHeader header;
    header.flags = TcpFlags::syn;
    return test::make_tcp_frame(
        peer_mac, config().mac, {address(from), 9}, {address(to), 443}, header, {}
    );
  }

  MemoryFrames frames{256};
  Instant now{1'000'000'000};
  MacAddress peer_mac{{2, 0, 0, 0, 0, 9}};
  IpHost host;
};

TEST_F(Host, an_arp_request_for_us_is_answered) {
  in(arp(ArpPacket::Operation::request, "10.0.0.2", "10.0.0.1"));
  const auto reply = ArpPacket::parse(ByteView(out()).subspan(14));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->operation, ArpPacket::Operation::reply);
  EXPECT_EQ(reply->from_mac, config().mac);
  EXPECT_EQ(reply->to, address("10.0.0.2"));
}

TEST_F(Host, an_answer_nobody_asked_for_makes_no_entry) {
  in(arp(ArpPacket::Operation::reply, "10.0.0.2", "10.0.0.1"));
  EXPECT_EQ(host.neighbors().size(), 0u);
}

TEST_F(Host, a_claim_of_our_address_is_answered_once_in_ten_seconds) {
  in(arp(ArpPacket::Operation::reply, "10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(out().empty());
  in(arp(ArpPacket::Operation::reply, "10.0.0.1", "10.0.0.1"));
  EXPECT_TRUE(out().empty());
}

TEST_F(Host, a_segment_for_us_is_handed_up_and_others_are_counted) {
  Input up = in(tcp("10.0.0.2", "10.0.0.1"));
  ASSERT_NE(up.frame, nullptr);
  give(up.frame);
  EXPECT_EQ(in(tcp("10.0.0.2", "10.0.0.3")).frame, nullptr);
  EXPECT_EQ(drops(Drop::not_our_address), 1u);
  for (const char* bad : {"127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "10.0.0.1"}) {
    EXPECT_EQ(in(tcp(bad, "10.0.0.1")).frame, nullptr) << bad;
  }
  EXPECT_EQ(drops(Drop::bad_source), 5u);
  EXPECT_EQ(frames.in_use(), 0u);
}

TEST_F(Host, fragments_bad_checksums_and_cut_packets_are_refused) {
  auto fragment = tcp("10.0.0.2", "10.0.0.1");
  fragment[20] = 0x20;  // more fragments
  fragment[24] = fragment[25] = 0;
  store_checksum(
      fragment.data() + 24,
      static_cast<std::uint16_t>(~checksum_fold(checksum_add(0, ByteView(fragment).subspan(14, 20)))
      )
  );
  in(fragment);
  EXPECT_EQ(drops(Drop::fragment), 1u);
  auto spoiled = tcp("10.0.0.2", "10.0.0.1");
  spoiled[40] ^= 1;
  in(spoiled);
  EXPECT_EQ(drops(Drop::bad_l4_checksum), 1u);
  auto whole = tcp("10.0.0.2", "10.0.0.1");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_EQ(in({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut)}).frame, nullptr);
  }
  EXPECT_EQ(frames.in_use(), 0u);
}

TEST_F(Host, frames_wait_for_an_address_and_go_when_it_comes) {
  Path path;
  for (int i = 0; i < 20; ++i) {
    Frame* frame = frames.take();
    std::memset(frame->put(20), 0, 20);
    EXPECT_TRUE(host.send(frame, address("10.0.0.1"), address("10.0.0.2"), protocol_tcp, path, now)
    );
  }
  const auto request = ArpPacket::parse(ByteView(out()).subspan(14));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->to, address("10.0.0.2"));
  EXPECT_TRUE(out().empty());
  in(arp(ArpPacket::Operation::reply, "10.0.0.2", "10.0.0.1"));
  EXPECT_EQ(host.output().size(), limits::neighbor_queue_max);
}

TEST_F(Host, an_address_nobody_answers_for_is_given_up_and_its_frames_too) {
  Path path;
  Frame* frame = frames.take();
  std::memset(frame->put(20), 0, 20);
  host.send(frame, address("10.0.0.1"), address("10.0.0.2"), protocol_tcp, path, now);
  for (int i = 0; i < 6; ++i) {
    now = now + 1s;
    host.expire(now);
  }
  EXPECT_EQ(drops(Drop::neighbor_lost), 1u);
  host.output().clear();
  EXPECT_EQ(frames.in_use(), 0u);
  EXPECT_EQ(host.next_deadline(), Instant::never());
}

TEST_F(Host, what_is_far_goes_to_the_gateway_and_ipv6_has_none) {
  Path path;
  EXPECT_TRUE(host.route(address("8.8.8.8"), path));
  EXPECT_EQ(path.next_hop, address("10.0.0.254"));
  EXPECT_EQ(host.source_for(address("8.8.8.8")), address("10.0.0.1"));
  EXPECT_FALSE(host.route(address("2001:db9::1"), path));
}

TEST(WireDuplicates, an_address_in_use_is_not_taken) {
  MemoryFrames frames(64);
  Instant now{1'000'000'000};
  HostConfig config;
  config.mac = {{2, 0, 0, 0, 0, 1}};
  config.addresses = {*Network::parse("10.0.0.1/24")};
  IpHost host(config, frames, {1, 2}, now);
  host.expire(now);
  EXPECT_FALSE(host.is_ours(address("10.0.0.1")));
  host.output().clear();
  std::vector<std::uint8_t> bytes(14 + ArpPacket::bytes_of);
  EthernetHeader ethernet;
  ethernet.to = MacAddress::broadcast();
  ethernet.ethertype = ethertype_arp;
  ethernet.write(bytes.data());
  ArpPacket packet;
  packet.operation = ArpPacket::Operation::reply;
  packet.from_mac = {{2, 0, 0, 0, 0, 7}};
  packet.from = packet.to = address("10.0.0.1");
  packet.write(bytes.data() + 14);
  host.on_frame(test::frame_of(frames, bytes), now);
  host.expire(now + 5s);
  EXPECT_FALSE(host.is_ours(address("10.0.0.1")));
  EXPECT_EQ(host.counters().duplicate_addresses.read(), 1u);
}

}  // namespace
}  // namespace gh::wire
