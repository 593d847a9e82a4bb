// SPDX-License-Identifier: Apache-2.0
// The way of a packet in and out. ARP, ICMP and neighbour discovery are in ip_control.cc.
#include "dataplane/net/wire/ip_host.h"

#include "base/limits.h"
#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/checksum.h"
#include "dataplane/net/wire/tcp_header.h"

#include <algorithm>

namespace gh::wire {
namespace {

Network link_local_of(const MacAddress& mac) {  // RFC 4291, appendix A
  const auto& m = mac.bytes;
  const std::uint8_t raw[16] = {
      0xfe,
      0x80,
      0,
      0,
      0,
      0,
      0,
      0,
      static_cast<std::uint8_t>(m[0] ^ 2),
      m[1],
      m[2],
      0xff,
      0xfe,
      m[3],
      m[4],
      m[5]
  };
  return {IpAddress::v6(raw), 64};
}

Drop drop_of(IpError error) noexcept {
  switch (error) {
    case IpError::truncated:
    case IpError::bad_header:
      return Drop::bad_ip;
    case IpError::bad_checksum:
      return Drop::bad_ip_checksum;
    case IpError::fragment:
      return Drop::fragment;
    case IpError::extension:
      return Drop::extension_header;
  }
  return Drop::bad_ip;
}

}  // namespace

IpHost::IpHost(HostConfig config, FramePool& frames, const SipKey& key, Instant now)
    : config_(std::move(config)),
      frames_(frames),
      neighbors_(key, config_.neighbors_max),
      icmp_second_(now) {
  const auto first = config_.detect_duplicates ? AddressState::tentative : AddressState::ready;
  bool any_v6 = false;
  for (const Network& network : config_.addresses) {
    own_.push_back({network, first, now, 0, Instant{}});
    any_v6 = any_v6 || !network.address.is_v4();
  }
  if (any_v6) own_.push_back({link_local_of(config_.mac), first, now, 0, Instant{}});
  std::sort(config_.routes.begin(), config_.routes.end(), [](auto& a, auto& b) {
    return a.to.bits() > b.to.bits();
  });
}

IpHost::Own* IpHost::find_own(const IpAddress& address) noexcept {
  for (Own& own : own_) {
    if (own.network.address == address) return &own;
  }
  return nullptr;
}

const IpHost::Own* IpHost::find_own(const IpAddress& address) const noexcept {
  return const_cast<IpHost*>(this)->find_own(address);
}

bool IpHost::is_ours(const IpAddress& address) const noexcept {
  const Own* own = find_own(address);
  return own != nullptr && own->state == AddressState::ready;
}

Frame* IpHost::take_frame() noexcept {
  Frame* frame = frames_.take();
  if (frame == nullptr) count(Drop::no_frame);
  return frame;
}

bool IpHost::for_us(const MacAddress& to) const noexcept {
  return to == config_.mac || to.is_group();
}

// ---- in ----

Input IpHost::on_frame(Frame* frame, Instant now) noexcept {
  Input out;
  counters_.frames_in.add();
  const Drop drop = on_ethernet(frame, out, now);
  if (drop != Drop::none) count(drop);
  if (out.frame == nullptr) give(frame);
  return out;
}

Drop IpHost::on_ethernet(Frame* frame, Input& out, Instant now) noexcept {
  const auto ethernet = EthernetHeader::parse(frame->bytes());
  if (!ethernet) return Drop::short_ethernet;
  if (!for_us(ethernet->to)) return Drop::not_our_mac;
  if (ethernet->vlan != config_.vlan) return Drop::not_our_vlan;
  frame->pull(ethernet->parsed_bytes());
  switch (ethernet->ethertype) {
    case ethertype_arp:
      return on_arp(*frame, now);
    case ethertype_ipv4:
      return on_ip(frame, true, ethernet->to.is_group(), out, now);
    case ethertype_ipv6:
      return on_ip(frame, false, ethernet->to.is_group(), out, now);
    default:
      return Drop::unknown_ethertype;
  }
}

Drop IpHost::on_ip(Frame* frame, bool v4, bool to_group, Input& out, Instant now) noexcept {
  const std::size_t frame_bytes = frame->chain_size();
  const auto ip = v4 ? IpHeader::parse_v4(frame->bytes(), frame_bytes, frame->ip_checksum_good)
                     : IpHeader::parse_v6(frame->bytes(), frame_bytes);
  if (!ip) return drop_of(ip.error());
  frame->trim_chain(ip->header_bytes + ip->payload_bytes);
  frame->pull(ip->header_bytes);
  if (ip->protocol == protocol_icmpv6 && !v4) return on_icmpv6(frame, *ip, out, now);
  if (!is_ours(ip->to)) return Drop::not_our_address;
  if (!ip->from.is_unicast() || is_ours(ip->from)) return Drop::bad_source;  // RFC 9293 §3.9.2.3
  if (to_group) return Drop::bad_source;  // TCP in a broadcast frame: RFC 1122 §3.3.6
  if (ip->protocol == protocol_tcp) return on_tcp(frame, *ip, out);
  if (ip->protocol == protocol_icmp && v4) return on_icmp(frame, *ip, out, now);
  return Drop::unknown_protocol;
}

Drop IpHost::on_tcp(Frame* frame, const IpHeader& ip, Input& out) noexcept {
  if (!frame->l4_checksum_good) {
    const std::uint64_t pseudo = pseudo_header_sum(ip.from, ip.to, protocol_tcp, ip.payload_bytes);
    if (checksum_fold(checksum_add_chain(pseudo, *frame)) != 0xffff) return Drop::bad_l4_checksum;
  }
  out.frame = frame;
  out.local = ip.to;
  out.remote = ip.from;
  return Drop::none;
}

// ---- out ----

bool IpHost::route(const IpAddress& to, Path& path) const noexcept {
  unsigned best = 0;
  path.routed = false;
  for (const Own& own : own_) {
    if (own.network.bits() >= best && own.network.contains(to)) {
      best = own.network.bits();
      path.next_hop = to;
      path.routed = true;
    }
  }
  for (const Route& entry : config_.routes) {  // sorted: the first match is the longest
    if (!entry.to.contains(to)) continue;
    if (!path.routed || entry.to.bits() > best) {
      path.next_hop = entry.gateway;
      path.routed = true;
    }
    break;
  }
  return path.routed;
}

std::optional<IpAddress> IpHost::source_for(const IpAddress& to) const noexcept {
  Path path;
  if (!to.is_unicast() || !route(to, path)) return std::nullopt;
  const Own* chosen = nullptr;
  for (const Own& own : own_) {
    if (own.state != AddressState::ready || own.network.address.is_v4() != to.is_v4()) continue;
    if (own.network.address.is_link_local() != to.is_link_local()) continue;
    if (chosen == nullptr || own.network.contains(path.next_hop)) chosen = &own;
  }
  if (chosen == nullptr) return std::nullopt;
  return chosen->network.address;
}

bool IpHost::send(
    Frame* frame,
    const IpAddress& from,
    const IpAddress& to,
    std::uint8_t protocol,
    Path& path,
    Instant now
) noexcept {
  if (!path.routed && !route(to, path)) {
    count(Drop::no_route);
    give(frame);
    return false;
  }
  IpHeader ip;
  ip.from = from;
  ip.to = to;
  ip.protocol = protocol;
  ip.hop_limit = 64;
  ip.payload_bytes = static_cast<std::uint32_t>(frame->chain_size());
  if (protocol == protocol_tcp) {
    const std::uint64_t pseudo = pseudo_header_sum(from, to, protocol, ip.payload_bytes);
    frame->l4_checksum_wanted = config_.offload_l4_checksum;
    const std::uint16_t sum =
        config_.offload_l4_checksum
            ? checksum_fold(pseudo)
            : static_cast<std::uint16_t>(~checksum_fold(checksum_add_chain(pseudo, *frame)));
    store_checksum(frame->data() + 16, sum);
    frame->l4_bytes = static_cast<std::uint8_t>((frame->data()[12] >> 4) * 4);
  }
  frame->l3_bytes = static_cast<std::uint8_t>(IpHeader::bytes_for(to));
  frame->ip_checksum_wanted = config_.offload_ip_checksum && to.is_v4();
  ip.write(frame->push(frame->l3_bytes), !frame->ip_checksum_wanted);

  const std::uint16_t ethertype = to.is_v4() ? ethertype_ipv4 : ethertype_ipv6;
  Neighbor& neighbor = neighbors_.use(path.next_hop, path.neighbor, now);
  if (neighbor.state == NeighborState::asking) {
    neighbors_.queue(neighbor, frame);
    expire(now);  // asks now, when it is new
    return true;
  }
  transmit(frame, neighbor.mac, ethertype);
  return true;
}

void IpHost::transmit(Frame* frame, const MacAddress& to, std::uint16_t ethertype) noexcept {
  EthernetHeader ethernet;
  ethernet.to = to;
  ethernet.from = config_.mac;
  ethernet.ethertype = ethertype;
  ethernet.vlan = config_.vlan;
  frame->l2_bytes = static_cast<std::uint8_t>(ethernet.header_bytes());
  ethernet.write(frame->push(frame->l2_bytes));
  counters_.frames_out.add();
  output_.push_back(frame);
}

void IpHost::release_waiting(Neighbor& entry) noexcept {
  const std::uint16_t ethertype = entry.address.is_v4() ? ethertype_ipv4 : ethertype_ipv6;
  while (Frame* frame = neighbors_.take_waiting(entry)) transmit(frame, entry.mac, ethertype);
}

}  // namespace gh::wire
