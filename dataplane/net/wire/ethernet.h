// SPDX-License-Identifier: Apache-2.0
// Ethernet II with at most one VLAN tag (IEEE 802.3, 802.1Q). Parse and write.
#pragma once

#include "base/byte_view.h"
#include "dataplane/net/wire/address.h"
#include "dataplane/net/wire/bytes.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace gh::wire {

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_arp = 0x0806;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr std::uint16_t ethertype_vlan = 0x8100;

struct EthernetHeader {
  MacAddress to;
  MacAddress from;
  std::uint16_t ethertype = 0;
  std::optional<std::uint16_t> vlan;  // the 12 bits of the identifier

  std::uint32_t header_bytes() const noexcept { return vlan ? 18 : 14; }

  static std::optional<EthernetHeader> parse(ByteView bytes) noexcept {
    if (bytes.size() < 14) return std::nullopt;
    EthernetHeader out;
    std::memcpy(out.to.bytes.data(), bytes.data(), 6);
    std::memcpy(out.from.bytes.data(), bytes.data() + 6, 6);
    out.ethertype = load16(bytes.data() + 12);
    if (out.ethertype != ethertype_vlan) return out;
    if (bytes.size() < 18) return std::nullopt;
    const auto id = static_cast<std::uint16_t>(load16(bytes.data() + 14) & 0x0fff);
    if (id != 0) out.vlan = id;  // 0: a priority tag, no VLAN
    out.ethertype = load16(bytes.data() + 16);
    out.tagged_ = true;
    return out;
  }

  std::uint32_t parsed_bytes() const noexcept { return tagged_ ? 18 : 14; }

  void write(std::uint8_t* at) const noexcept {  // header_bytes() of them
    std::memcpy(at, to.bytes.data(), 6);
    std::memcpy(at + 6, from.bytes.data(), 6);
    if (vlan) {
      store16(at + 12, ethertype_vlan);
      store16(at + 14, *vlan);
      at += 4;
    }
    store16(at + 12, ethertype);
  }

 private:
  bool tagged_ = false;
};

}  // namespace gh::wire
