// SPDX-License-Identifier: Apache-2.0
// What an Internet host owes its neighbours: ARP (RFC 826, RFC 5227), ICMP (RFC 792, RFC 1122),
// ICMPv6 (RFC 4443), neighbour discovery (RFC 4861) and duplicate address detection (RFC 4862).
#include "base/limits.h"
#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/checksum.h"
#include "dataplane/net/wire/ip_host.h"

#include <algorithm>
#include <cstring>

namespace gh::wire {
namespace {

constexpr Duration probe_wait = limits::neighbor_probe_interval;
constexpr std::uint8_t announcements = 2;  // RFC 5227 §1.1 ANNOUNCE_NUM

constexpr std::uint8_t echo_request_v4 = 8, echo_reply_v4 = 0, unreachable_v4 = 3;
constexpr std::uint8_t unreachable_v6 = 1, too_big_v6 = 2, echo_request_v6 = 128,
                       echo_reply_v6 = 129, solicitation = 135, advertisement = 136;
constexpr std::uint8_t source_link_option = 1, target_link_option = 2;

IpAddress solicited_node(const IpAddress& target) noexcept {  // ff02::1:ffXX:XXXX, RFC 4291 §2.7.1
  std::uint8_t raw[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0};
  std::memcpy(raw + 13, target.bytes.data() + 13, 3);
  return IpAddress::v6(raw);
}

IpAddress all_nodes() noexcept {
  static constexpr std::uint8_t raw[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return IpAddress::v6(raw);
}

MacAddress multicast_mac(const IpAddress& group) noexcept {  // RFC 2464 §7
  const auto& b = group.bytes;
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

// The link address of an option of neighbour discovery; false: the options are malformed.
bool link_option(ByteView options, std::uint8_t wanted, std::optional<MacAddress>& out) noexcept {
  while (!options.empty()) {
    if (options.size() < 8 || options[1] == 0) return false;  // RFC 4861 §4.6: length 0
    const std::size_t length = options[1] * 8u;
    if (length > options.size()) return false;
    if (options[0] == wanted) {
      MacAddress mac;
      std::memcpy(mac.bytes.data(), options.data() + 2, 6);
      out = mac;
    }
    options = options.subspan(length);
  }
  return true;
}

}  // namespace

// ---- ARP ----

Drop IpHost::on_arp(const Frame& frame, Instant now) noexcept {
  const auto arp = ArpPacket::parse(frame.bytes());
  if (!arp || arp->from_mac.is_group() || arp->from_mac == MacAddress{}) return Drop::bad_arp;
  if (arp->from_mac == config_.mac) return Drop::none;  // an echo of ours
  const bool probe = arp->from.v4_bytes()[0] == 0 && arp->from.is_unspecified();
  if (!probe) {
    if (Own* own = find_own(arp->from); own != nullptr) {
      on_conflict(*own, now);
      return Drop::none;
    }
    if (!arp->from.is_unicast()) return Drop::bad_arp;
  }
  Own* target = find_own(arp->to);
  if (target != nullptr && target->state == AddressState::tentative) {
    // RFC 5227 §2.1.1: somebody else probes for it too.
    if (probe && arp->operation == ArpPacket::Operation::request) on_conflict(*target, now);
    return Drop::none;
  }
  const bool to_us = target != nullptr && target->state == AddressState::ready;
  if (!probe) {
    // RFC 826: known ones are updated; new ones are made only when they ask for us. An answer that
    // nobody asked for makes no entry.
    const bool request = arp->operation == ArpPacket::Operation::request;
    if (Neighbor* entry = neighbors_.learn(arp->from, arp->from_mac, to_us && request, true, now)) {
      release_waiting(*entry);
    }
  }
  if (!to_us || !config_.answers || arp->operation != ArpPacket::Operation::request) {
    return Drop::none;
  }
  ArpPacket reply;
  reply.operation = ArpPacket::Operation::reply;
  reply.from_mac = config_.mac;
  reply.from = arp->to;
  reply.to_mac = arp->from_mac;
  reply.to = arp->from;
  send_arp(reply, arp->from_mac);
  return Drop::none;
}

void IpHost::send_arp(const ArpPacket& packet, const MacAddress& to) noexcept {
  Frame* frame = take_frame();
  if (frame == nullptr) return;
  packet.write(frame->put(ArpPacket::bytes_of));
  transmit(frame, to, ethertype_arp);
}

// ---- our addresses ----

void IpHost::on_conflict(Own& own, Instant now) noexcept {
  counters_.address_conflicts.add();
  if (own.state == AddressState::tentative) {
    own.state = AddressState::duplicate;
    counters_.duplicate_addresses.add();
    return;
  }
  // RFC 5227 §2.4 (b): defend it, but do not fight a war.
  if (own.state != AddressState::ready || now < own.defended) return;
  own.defended = now + limits::address_defend_interval;
  announce(own);
}

void IpHost::announce(const Own& own) noexcept {
  if (!config_.answers) return;
  const IpAddress& address = own.network.address;
  if (!address.is_v4()) {
    send_advertisement(address, all_nodes(), multicast_mac(all_nodes()), false);
    return;
  }
  ArpPacket packet;  // RFC 5227 §2.3: a request for ourselves
  packet.from_mac = config_.mac;
  packet.from = packet.to = address;
  send_arp(packet, MacAddress::broadcast());
}

// tentative: one question, a second of silence, then ready and announced twice.
void IpHost::step_address(Own& own, Instant now) noexcept {
  if (own.state == AddressState::duplicate || own.next_step > now) return;
  const IpAddress& address = own.network.address;
  if (own.state == AddressState::tentative) {
    if (own.announced == 0) {
      own.announced = 1;
      own.next_step = now + probe_wait;
      if (!config_.answers) return;
      if (address.is_v4()) {
        static constexpr std::uint8_t none[4] = {};
        ArpPacket probe;
        probe.from_mac = config_.mac;
        probe.from = IpAddress::v4(none);
        probe.to = address;
        send_arp(probe, MacAddress::broadcast());
      } else {
        send_solicitation(IpAddress{}, address, nullptr);
      }
      return;
    }
    own.state = AddressState::ready;
    own.announced = 0;
  }
  announce(own);
  own.next_step = ++own.announced < announcements ? now + probe_wait : Instant::never();
}

void IpHost::expire(Instant now) noexcept {
  for (Own& own : own_) step_address(own, now);
  neighbors_.expire(
      now,
      [&](const Neighbor& entry) { ask(entry); },
      [&](const Neighbor& entry) {
        for (std::size_t i = 0; i < std::max<std::size_t>(1, entry.waiting.size()); ++i) {
          count(Drop::neighbor_lost);
        }
      }
  );
}

Instant IpHost::next_deadline() const noexcept {
  Instant next = neighbors_.next_deadline();
  for (const Own& own : own_) {
    if (own.state != AddressState::duplicate) next = std::min(next, own.next_step);
  }
  return next;
}

void IpHost::ask(const Neighbor& entry) noexcept {
  const auto from = source_for(entry.address);
  if (!from) {
    count(Drop::address_not_ready);
    return;
  }
  const MacAddress* known = entry.state == NeighborState::probing ? &entry.mac : nullptr;
  if (!entry.address.is_v4()) {
    send_solicitation(*from, entry.address, known);
    return;
  }
  ArpPacket request;
  request.from_mac = config_.mac;
  request.from = *from;
  request.to = entry.address;
  send_arp(request, known != nullptr ? *known : MacAddress::broadcast());
}

// ---- ICMP ----

bool IpHost::icmp_allowed(Instant now) noexcept {
  if (now - icmp_second_ >= std::chrono::seconds(1)) {
    icmp_second_ = now;
    icmp_sent_ = 0;
  }
  return ++icmp_sent_ <= limits::icmp_per_second_max;
}

Drop IpHost::answer_echo(const Frame& frame, const IpHeader& ip, Instant now) noexcept {
  if (!config_.answers) return Drop::none;
  if (!icmp_allowed(now)) return Drop::icmp_rate;
  const auto size = static_cast<std::uint32_t>(frame.chain_size());
  Frame* reply = take_frame();
  if (reply == nullptr) return Drop::none;
  if (size > reply->tail_room()) {
    give(reply);
    return Drop::bad_icmp;
  }
  for (const Frame* piece = &frame; piece != nullptr; piece = piece->more) {
    std::memcpy(reply->put(piece->size()), piece->data(), piece->size());
  }
  std::uint8_t* at = reply->data();
  const bool v4 = ip.to.is_v4();
  at[0] = v4 ? echo_reply_v4 : echo_reply_v6;
  store16(at + 2, 0);
  const std::uint64_t pseudo = v4 ? 0 : pseudo_header_sum(ip.to, ip.from, protocol_icmpv6, size);
  const std::uint16_t sum = checksum_fold(checksum_add(pseudo, reply->bytes()));
  store_checksum(at + 2, static_cast<std::uint16_t>(~sum));
  counters_.echoes_answered.add();
  Path path;
  send(reply, ip.to, ip.from, v4 ? protocol_icmp : protocol_icmpv6, path, now);
  return Drop::none;
}

Drop IpHost::on_icmp(Frame* frame, const IpHeader& ip, Input& out, Instant now) noexcept {
  const ByteView message = frame->bytes();
  if (message.size() < 8) return Drop::bad_icmp;
  if (checksum_fold(checksum_add_chain(0, *frame)) != 0xffff) return Drop::bad_l4_checksum;
  if (message[0] == echo_request_v4 && message[1] == 0) return answer_echo(*frame, ip, now);
  if (message[0] != unreachable_v4) return Drop::none;  // redirects and the rest: ignored
  const std::uint8_t code = message[1];
  auto kind = PathError::Kind::unreachable;
  if (code == 3) kind = PathError::Kind::port_unreachable;
  if (code == 4) kind = PathError::Kind::too_big;  // RFC 1191 §4
  return on_path_error(message.subspan(8), true, kind, load16(message.data() + 6), out);
}

Drop IpHost::on_icmpv6(Frame* frame, const IpHeader& ip, Input& out, Instant now) noexcept {
  const ByteView message = frame->bytes();
  if (message.size() < 8) return Drop::bad_icmp;
  const std::uint64_t pseudo =
      pseudo_header_sum(ip.from, ip.to, protocol_icmpv6, frame->chain_size());
  if (checksum_fold(checksum_add_chain(pseudo, *frame)) != 0xffff) return Drop::bad_l4_checksum;
  if (message[0] == solicitation) return on_solicitation(message, ip, now);
  if (message[0] == advertisement) return on_advertisement(message, ip, now);
  if (!is_ours(ip.to)) return Drop::not_our_address;
  if (!ip.from.is_unicast()) return Drop::bad_source;
  if (message[0] == echo_request_v6) return answer_echo(*frame, ip, now);
  if (message[0] == too_big_v6) {
    return on_path_error(
        message.subspan(8), false, PathError::Kind::too_big, load32(message.data() + 4), out
    );
  }
  if (message[0] != unreachable_v6) return Drop::none;
  const auto kind =
      message[1] == 4 ? PathError::Kind::port_unreachable : PathError::Kind::unreachable;
  return on_path_error(message.subspan(8), false, kind, 0, out);
}

// The quoted packet must be one of ours to a peer: addresses, ports and the sequence number are
// what TCP checks it by (RFC 5927 §4.1).
Drop IpHost::on_path_error(
    ByteView quote, bool v4, PathError::Kind kind, std::uint32_t mtu, Input& out
) const noexcept {
  const auto ip = IpHeader::parse_quoted(quote, v4);
  if (!ip || ip->protocol != protocol_tcp || quote.size() < ip->header_bytes + 8) {
    return Drop::bad_icmp;
  }
  if (!is_ours(ip->from)) return Drop::bad_icmp;
  const std::uint8_t* tcp = quote.data() + ip->header_bytes;
  out.error = PathError{kind, ip->from, ip->to, load16(tcp), load16(tcp + 2), load32(tcp + 4), mtu};
  return Drop::none;
}

// ---- neighbour discovery ----

Drop IpHost::on_solicitation(ByteView message, const IpHeader& ip, Instant now) noexcept {
  // RFC 4861 §7.1.1: hop limit 255 shows that no router passed it on.
  if (ip.hop_limit != 255 || message.size() < 24 || message[1] != 0) {
    return Drop::bad_neighbor_discovery;
  }
  const IpAddress target = IpAddress::v6(message.data() + 8);
  std::optional<MacAddress> mac;
  if (target.is_multicast() || !link_option(message.subspan(24), source_link_option, mac)) {
    return Drop::bad_neighbor_discovery;
  }
  Own* own = find_own(target);
  if (own == nullptr || own->state == AddressState::duplicate) return Drop::none;
  if (ip.from.is_unspecified()) {  // somebody's duplicate address detection
    if (mac || ip.to != solicited_node(target)) return Drop::bad_neighbor_discovery;
    if (own->state == AddressState::tentative) {
      on_conflict(*own, now);
    } else if (config_.answers) {
      send_advertisement(target, all_nodes(), multicast_mac(all_nodes()), false);
    }
    return Drop::none;
  }
  if (own->state != AddressState::ready || !ip.from.is_unicast()) return Drop::none;
  if (mac) {
    if (Neighbor* entry = neighbors_.learn(ip.from, *mac, true, true, now)) release_waiting(*entry);
  }
  if (!config_.answers) return Drop::none;
  NeighborId hint = 0;
  const Neighbor& asker = neighbors_.use(ip.from, hint, now);
  if (asker.state != NeighborState::asking) send_advertisement(target, ip.from, asker.mac, true);
  return Drop::none;
}

Drop IpHost::on_advertisement(ByteView message, const IpHeader& ip, Instant now) noexcept {
  if (ip.hop_limit != 255 || message.size() < 24 || message[1] != 0) {
    return Drop::bad_neighbor_discovery;
  }
  const IpAddress target = IpAddress::v6(message.data() + 8);
  const bool solicited = (message[4] & 0x40) != 0, override_ = (message[4] & 0x20) != 0;
  std::optional<MacAddress> mac;
  if (target.is_multicast() || !link_option(message.subspan(24), target_link_option, mac) ||
      (solicited && ip.to.is_multicast())) {
    return Drop::bad_neighbor_discovery;
  }
  if (Own* own = find_own(target); own != nullptr) {
    if (!mac || *mac != config_.mac) on_conflict(*own, now);
    return Drop::none;
  }
  if (!mac) return Drop::none;
  if (Neighbor* entry = neighbors_.learn(target, *mac, false, override_, now)) {
    release_waiting(*entry);
  }
  return Drop::none;
}

void IpHost::send_icmpv6(
    Frame* frame, const IpAddress& from, const IpAddress& to, const MacAddress& to_mac
) noexcept {
  const std::uint16_t sum = checksum_fold(
      checksum_add(pseudo_header_sum(from, to, protocol_icmpv6, frame->size()), frame->bytes())
  );
  store_checksum(frame->data() + 2, static_cast<std::uint16_t>(~sum));
  IpHeader ip;
  ip.from = from;
  ip.to = to;
  ip.protocol = protocol_icmpv6;
  ip.hop_limit = 255;
  ip.payload_bytes = frame->size();
  ip.write(frame->push(IpHeader::v6_bytes), false);
  transmit(frame, to_mac, ethertype_ipv6);
}

void IpHost::send_solicitation(
    const IpAddress& from, const IpAddress& target, const MacAddress* to
) noexcept {
  Frame* frame = take_frame();
  if (frame == nullptr) return;
  const bool detection = from.is_unspecified();  // RFC 4862 §5.4.2: no option then
  std::uint8_t* at = frame->put(detection ? 24 : 32);
  std::memset(at, 0, 8);
  at[0] = solicitation;
  std::memcpy(at + 8, target.bytes.data(), 16);
  if (!detection) {
    at[24] = source_link_option;
    at[25] = 1;
    std::memcpy(at + 26, config_.mac.bytes.data(), 6);
  }
  const IpAddress group = solicited_node(target);
  send_icmpv6(
      frame, from, to != nullptr ? target : group, to != nullptr ? *to : multicast_mac(group)
  );
}

void IpHost::send_advertisement(
    const IpAddress& from, const IpAddress& to, const MacAddress& to_mac, bool solicited
) noexcept {
  Frame* frame = take_frame();
  if (frame == nullptr) return;
  std::uint8_t* at = frame->put(32);
  std::memset(at, 0, 8);
  at[0] = advertisement;
  at[4] = solicited ? 0x60 : 0x20;  // solicited, override
  std::memcpy(at + 8, from.bytes.data(), 16);
  at[24] = target_link_option;
  at[25] = 1;
  std::memcpy(at + 26, config_.mac.bytes.data(), 6);
  send_icmpv6(frame, from, to, to_mac);
}

}  // namespace gh::wire
