// SPDX-License-Identifier: Apache-2.0
// One port's Internet layer: what is for us, and how a packet finds its way out. Answers ARP,
// neighbour solicitations and echoes itself.
// In: frames from the port, packets from TCP, time.  Out: TCP segments and path errors (Input),
// frames for the port (take_output), next_deadline().
// Owner: one core; takes no lock. Static addresses and routes; router advertisements are ignored.
// Not here: TCP (dataplane/tcp), the port (dataplane/net/dpdk).
#pragma once

#include "base/counters.h"
#include "base/limits.h"
#include "base/siphash.h"
#include "base/units.h"
#include "dataplane/net/wire/address.h"
#include "dataplane/net/wire/arp.h"
#include "dataplane/net/wire/ethernet.h"
#include "dataplane/net/wire/frame.h"
#include "dataplane/net/wire/ip.h"
#include "dataplane/net/wire/neighbors.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gh::wire {

struct Route {
  Network to;
  IpAddress gateway;
};

struct HostConfig {
  MacAddress mac;
  std::uint16_t mtu = 1500;
  std::optional<std::uint16_t> vlan;
  std::vector<Network> addresses;  // ours, with the prefix of their link
  std::vector<Route> routes;       // the longest prefix wins; links are routes already
  bool detect_duplicates = true;   // RFC 5227, RFC 4862 §5.4: a second of silence before first use
  std::size_t neighbors_max = limits::neighbors_max;
  // False: another core answers for the same addresses and asks whether somebody else has them;
  // this one hears it and asks only for its own neighbours.
  bool answers = true;
  bool offload_ip_checksum = false;
  bool offload_l4_checksum = false;
};

enum class Drop : std::uint8_t {
  none,
  short_ethernet,
  not_our_mac,
  not_our_vlan,
  unknown_ethertype,
  bad_arp,
  bad_ip,
  bad_ip_checksum,
  fragment,
  extension_header,
  not_our_address,
  bad_source,
  bad_l4_checksum,
  bad_icmp,
  bad_neighbor_discovery,
  unknown_protocol,
  icmp_rate,
  no_route,
  neighbor_lost,
  no_frame,
  address_not_ready,
};

inline constexpr std::array<std::string_view, 21> drop_names = {
    "none",
    "short_ethernet",
    "not_our_mac",
    "not_our_vlan",
    "unknown_ethertype",
    "bad_arp",
    "bad_ip",
    "bad_ip_checksum",
    "fragment",
    "extension_header",
    "not_our_address",
    "bad_source",
    "bad_l4_checksum",
    "bad_icmp",
    "bad_neighbor_discovery",
    "unknown_protocol",
    "icmp_rate",
    "no_route",
    "neighbor_lost",
    "no_frame",
    "address_not_ready",
};

struct HostCounters {
  std::array<Counter, drop_names.size()> drops;
  Counter frames_in, frames_out, echoes_answered, duplicate_addresses, address_conflicts;
};

// A routers' or the peer's word about a segment of ours, which it quotes.
struct PathError {
  enum class Kind : std::uint8_t { unreachable, port_unreachable, too_big } kind;
  IpAddress local, remote;
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint32_t seq = 0;
  std::uint32_t mtu = 0;  // too_big; 0: an old router that does not say
};

// What a frame turned out to be. `frame` is a TCP segment whose checksum is right, its bytes from
// the TCP header to the end of the payload; it belongs to the caller.
struct Input {
  Frame* frame = nullptr;
  IpAddress local, remote;
  std::optional<PathError> error;
};

// Where a connection's packets go, remembered by it between sends.
struct Path {
  IpAddress next_hop;
  NeighborId neighbor = 0;
  bool routed = false;
};

class IpHost {
 public:
  IpHost(HostConfig config, FramePool& frames, const SipKey& key, Instant now);

  Input on_frame(Frame* frame, Instant now) noexcept;  // takes the frame

  // `frame` holds an L4 packet; takes it. False: no way there (counted).
  // TCP's checksum is filled in here, or left to the port.
  bool send(
      Frame* frame,
      const IpAddress& from,
      const IpAddress& to,
      std::uint8_t protocol,
      Path& path,
      Instant now
  ) noexcept;
  bool route(const IpAddress& to, Path& path) const noexcept;

  // The address of ours that speaks to `to`; none when there is no way.
  std::optional<IpAddress> source_for(const IpAddress& to) const noexcept;
  bool is_ours(const IpAddress& address) const noexcept;  // and may be used

  void confirm(const Path& path, Instant now) noexcept {  // it lives: what we sent was acknowledged
    neighbors_.confirm(path.neighbor, path.next_hop, now);
  }

  void expire(Instant now) noexcept;
  Instant next_deadline() const noexcept;

  // Frames to transmit, in order.
  FrameList& output() noexcept { return output_; }

  const HostConfig& config() const noexcept { return config_; }

  const HostCounters& counters() const noexcept { return counters_; }

  const Neighbors& neighbors() const noexcept { return neighbors_; }

 private:
  enum class AddressState : std::uint8_t { tentative, ready, duplicate };

  struct Own {
    Network network;
    AddressState state;
    Instant next_step;
    std::uint8_t announced = 0;
    Instant defended;
  };

  Drop on_ethernet(Frame* frame, Input& out, Instant now) noexcept;
  Drop on_arp(const Frame& frame, Instant now) noexcept;
  Drop on_ip(Frame* frame, bool v4, bool to_group, Input& out, Instant now) noexcept;
  Drop on_tcp(Frame* frame, const IpHeader& ip, Input& out) noexcept;
  Drop on_icmp(Frame* frame, const IpHeader& ip, Input& out, Instant now) noexcept;
  Drop on_icmpv6(Frame* frame, const IpHeader& ip, Input& out, Instant now) noexcept;
  Drop on_solicitation(ByteView message, const IpHeader& ip, Instant now) noexcept;
  Drop on_advertisement(ByteView message, const IpHeader& ip, Instant now) noexcept;
  Drop on_path_error(ByteView quote, bool v4, PathError::Kind kind, std::uint32_t mtu, Input& out)
      const noexcept;
  Drop answer_echo(const Frame& frame, const IpHeader& ip, Instant now) noexcept;

  Own* find_own(const IpAddress& address) noexcept;
  const Own* find_own(const IpAddress& address) const noexcept;
  void on_conflict(Own& own, Instant now) noexcept;
  void step_address(Own& own, Instant now) noexcept;
  void announce(const Own& own) noexcept;
  void ask(const Neighbor& entry) noexcept;
  void send_arp(const ArpPacket& packet, const MacAddress& to) noexcept;
  void send_solicitation(
      const IpAddress& from, const IpAddress& target, const MacAddress* to
  ) noexcept;
  void send_advertisement(
      const IpAddress& from, const IpAddress& to, const MacAddress& to_mac, bool solicited
  ) noexcept;
  void send_icmpv6(
      Frame* frame, const IpAddress& from, const IpAddress& to, const MacAddress& to_mac
  ) noexcept;
  void release_waiting(Neighbor& entry) noexcept;
  void transmit(Frame* frame, const MacAddress& to, std::uint16_t ethertype) noexcept;
  bool icmp_allowed(Instant now) noexcept;
  bool for_us(const MacAddress& to) const noexcept;
  Frame* take_frame() noexcept;

  void count(Drop drop) noexcept { counters_.drops[static_cast<std::size_t>(drop)].add(); }

  HostConfig config_;
  FramePool& frames_;
  std::vector<Own> own_;
  Neighbors neighbors_;
  FrameList output_;
  HostCounters counters_;
  Instant icmp_second_;
  std::uint32_t icmp_sent_ = 0;
};

}  // namespace gh::wire
