// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tcp_sim.h"

#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/checksum.h"

#include <algorithm>
#include <cstring>

namespace gh::test {
namespace {

wire::MacAddress mac_of(int side) { return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(side + 1)}}; }

wire::HostConfig host_config(int side, bool v6) {
  wire::HostConfig config;
  config.mac = mac_of(side);
  config.detect_duplicates = false;
  config.neighbors_max = 16;
  const std::string last = std::to_string(side + 1);
  config.addresses = {
      *wire::Network::parse(v6 ? "2001:db8::" + last + "/64" : "10.0.0." + last + "/24")
  };
  return config;
}

}  // namespace

SimHost::SimHost(
    const wire::HostConfig& ip, const tcp::StackConfig& tcp, Instant now, std::size_t frames_max
)
    : frames(frames_max),
      host(ip, frames, SipKey{1, tcp.secret.k1}, now),
      stack(tcp, host, frames, now) {}

TcpSim::TcpSim(
    std::uint64_t seed, const tcp::StackConfig& a_config, const tcp::StackConfig& b_config, bool v6
)
    : random(seed),
      a(host_config(0, v6), a_config, now),
      b(host_config(1, v6), b_config, now),
      a_address{host_config(0, v6).addresses[0].address, 0},
      b_address{host_config(1, v6).addresses[0].address, 443} {}

wire::Frame* frame_of(wire::FramePool& pool, ByteView bytes) {
  wire::Frame* frame = pool.take();
  if (frame == nullptr) return nullptr;
  if (bytes.size() > frame->tail_room()) {
    wire::give(frame);
    return nullptr;
  }
  std::copy(bytes.begin(), bytes.end(), frame->put(static_cast<std::uint32_t>(bytes.size())));
  return frame;
}

void TcpSim::take_output(SimHost& from, int side) {
  while (wire::Frame* frame = from.host.output().pop_front()) {
    std::vector<std::uint8_t> bytes(frame->data(), frame->data() + frame->size());
    wire::give(frame);
    if (on_wire) on_wire(side, bytes);
    put_on_link(side, std::move(bytes));
  }
}

void SimLink::carry(
    const LinkWeather& w,
    std::vector<std::uint8_t> bytes,
    Instant now,
    std::mt19937_64& random,
    const std::function<void(Instant, std::vector<std::uint8_t>)>& arrive
) {
  const auto chance = [&] { return std::uniform_real_distribution<>(0, 1)(random); };
  const auto below = [&](std::uint64_t n) { return random() % n; };
  if (chance() < w.loss) return;
  Instant leaves = std::max(now, free_);
  if (w.bytes_per_second > 0) {
    const Duration each(
        static_cast<std::int64_t>(bytes.size()) * 1'000'000'000 / w.bytes_per_second
    );
    const Duration most(
        static_cast<std::int64_t>(w.queue_bytes) * 1'000'000'000 / w.bytes_per_second
    );
    if (leaves - now > most) return;  // the queue is full
    leaves = leaves + each;
    free_ = leaves;
  }
  Instant at = leaves + w.delay;
  if (w.jitter.count() > 0) at = at + Duration(below(static_cast<std::uint64_t>(w.jitter.count())));
  if (chance() < w.reorder) at = at + w.delay;
  if (chance() < w.corrupt) bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1 + below(255));
  if (chance() < w.duplicate) arrive(at + w.delay / 4, bytes);
  // Without jitter the link keeps the order.
  arrive(at, std::move(bytes));
}

void TcpSim::put_on_link(int side, std::vector<std::uint8_t> bytes) {
  const LinkWeather& w = weather[side];
  if (w.dark(now)) return;
  if (bytes.size() > 14 + w.mtu) {
    if (w.says_too_big) answer_too_big(side, bytes);
    return;
  }
  links_[side]
      .carry(w, std::move(bytes), now, random, [&](Instant at, std::vector<std::uint8_t> copy) {
        flying_.push({at, order_++, 1 - side, std::move(copy)});
      });
}

// A router says "packet too big" and quotes the packet (RFC 1191, RFC 8201).
void TcpSim::answer_too_big(int side, const std::vector<std::uint8_t>& packet) {
  const bool v4 = wire::load16(packet.data() + 12) == wire::ethertype_ipv4;
  const std::size_t quoted = std::min<std::size_t>(packet.size() - 14, 128);
  std::vector<std::uint8_t> message(8 + quoted);
  message[0] = v4 ? 3 : 2;
  message[1] = v4 ? 4 : 0;
  wire::store32(message.data() + 4, weather[side].mtu);
  std::memcpy(message.data() + 8, packet.data() + 14, quoted);
  wire::IpHeader ip;
  const ByteView head(packet.data() + 14, packet.size() - 14);
  const auto original = wire::IpHeader::parse_quoted(head, v4);
  if (!original) return;
  ip.from = original->to;
  ip.to = original->from;
  ip.protocol = v4 ? wire::protocol_icmp : wire::protocol_icmpv6;
  ip.hop_limit = 64;
  ip.payload_bytes = static_cast<std::uint32_t>(message.size());
  const std::uint64_t pseudo =
      v4 ? 0 : wire::pseudo_header_sum(ip.from, ip.to, ip.protocol, message.size());
  const auto sum = wire::checksum_fold(wire::checksum_add(pseudo, message));
  wire::store_checksum(message.data() + 2, static_cast<std::uint16_t>(~sum));
  const std::uint32_t l3 = wire::IpHeader::bytes_for(ip.to);
  std::vector<std::uint8_t> out(14 + l3);
  wire::EthernetHeader ethernet;
  ethernet.to = mac_of(side);
  ethernet.from = mac_of(1 - side);
  ethernet.ethertype = v4 ? wire::ethertype_ipv4 : wire::ethertype_ipv6;
  ethernet.write(out.data());
  ip.write(out.data() + 14, true);
  out.insert(out.end(), message.begin(), message.end());
  flying_.push({now + weather[side].delay, order_++, side, std::move(out)});
}

void TcpSim::settle() {
  for (int round = 0; round < 2; ++round) {
    a.stack.poll(now);
    b.stack.poll(now);
  }
  take_output(a, 0);
  take_output(b, 1);
}

void TcpSim::deliver(const Flight& flight) {
  SimHost& to = flight.to == 0 ? a : b;
  if (wire::Frame* frame = frame_of(to.frames, flight.bytes)) to.stack.on_frame(frame, now);
}

bool TcpSim::step() {
  settle();
  Instant next = std::min(
      {a.stack.next_deadline(),
       b.stack.next_deadline(),
       a.host.next_deadline(),
       b.host.next_deadline()}
  );
  if (!flying_.empty()) next = std::min(next, flying_.top().at);
  if (wake <= now) wake = Instant::never();
  next = std::min(next, wake);
  if (next == Instant::never()) return false;
  now = std::max(now, next);
  while (!flying_.empty() && flying_.top().at <= now) {
    const Flight flight = flying_.top();
    flying_.pop();
    deliver(flight);
  }
  settle();
  return true;
}

bool TcpSim::run(const std::function<bool()>& done, Instant until) {
  while (!done()) {
    if (now > until || !step()) return done();
  }
  return true;
}

std::vector<std::uint8_t> make_tcp_frame(
    const wire::MacAddress& from_mac,
    const wire::MacAddress& to_mac,
    const tcp::Endpoint& from,
    const tcp::Endpoint& to,
    const wire::TcpHeader& header,
    ByteView payload
) {
  const bool v4 = to.address.is_v4();
  std::vector<std::uint8_t> tcp(header.bytes_to_write() + payload.size());
  wire::TcpHeader copy = header;
  copy.from_port = from.port;
  copy.to_port = to.port;
  copy.write(tcp.data());
  std::copy(payload.begin(), payload.end(), tcp.begin() + copy.bytes_to_write());
  const std::uint64_t pseudo =
      wire::pseudo_header_sum(from.address, to.address, wire::protocol_tcp, tcp.size());
  const auto sum = wire::checksum_fold(wire::checksum_add(pseudo, tcp));
  wire::store_checksum(tcp.data() + 16, static_cast<std::uint16_t>(~sum));
  wire::IpHeader ip;
  ip.from = from.address;
  ip.to = to.address;
  ip.protocol = wire::protocol_tcp;
  ip.hop_limit = 64;
  ip.payload_bytes = static_cast<std::uint32_t>(tcp.size());
  std::vector<std::uint8_t> out(14 + wire::IpHeader::bytes_for(to.address));
  wire::EthernetHeader ethernet;
  ethernet.to = to_mac;
  ethernet.from = from_mac;
  ethernet.ethertype = v4 ? wire::ethertype_ipv4 : wire::ethertype_ipv6;
  ethernet.write(out.data());
  ip.write(out.data() + 14, true);
  out.insert(out.end(), tcp.begin(), tcp.end());
  return out;
}

std::vector<std::uint8_t> make_arp_frame(
    const wire::MacAddress& from_mac, const wire::IpAddress& from, const wire::IpAddress& to
) {
  std::vector<std::uint8_t> out(14 + wire::ArpPacket::bytes_of);
  wire::EthernetHeader ethernet;
  ethernet.to = wire::MacAddress::broadcast();
  ethernet.from = from_mac;
  ethernet.ethertype = wire::ethertype_arp;
  ethernet.write(out.data());
  wire::ArpPacket arp;
  arp.from_mac = from_mac;
  arp.from = from;
  arp.to = to;
  arp.write(out.data() + 14);
  return out;
}

}  // namespace gh::test
