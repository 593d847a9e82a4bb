// SPDX-License-Identifier: Apache-2.0
// ARP for IPv4 over Ethernet (RFC 826). Parse and write.
#pragma once

#include "base/byte_view.h"
#include "dataplane/net/wire/address.h"
#include "dataplane/net/wire/bytes.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace gh::wire {

struct ArpPacket {
  enum class Operation : std::uint16_t { request = 1, reply = 2 };

  static constexpr std::uint32_t bytes_of = 28;
  Operation operation = Operation::request;
  MacAddress from_mac, to_mac;
  IpAddress from, to;

  static std::optional<ArpPacket> parse(ByteView in) noexcept {
    static constexpr std::uint8_t ethernet_ipv4[6] = {0, 1, 8, 0, 6, 4};
    if (in.size() < bytes_of || std::memcmp(in.data(), ethernet_ipv4, 6) != 0) return std::nullopt;
    const std::uint16_t operation = load16(in.data() + 6);
    if (operation != 1 && operation != 2) return std::nullopt;
    ArpPacket out;
    out.operation = static_cast<Operation>(operation);
    std::memcpy(out.from_mac.bytes.data(), in.data() + 8, 6);
    out.from = IpAddress::v4(in.data() + 14);
    std::memcpy(out.to_mac.bytes.data(), in.data() + 18, 6);
    out.to = IpAddress::v4(in.data() + 24);
    return out;
  }

  void write(std::uint8_t* at) const noexcept {
    static constexpr std::uint8_t ethernet_ipv4[6] = {0, 1, 8, 0, 6, 4};
    std::memcpy(at, ethernet_ipv4, 6);
    store16(at + 6, static_cast<std::uint16_t>(operation));
    std::memcpy(at + 8, from_mac.bytes.data(), 6);
    std::memcpy(at + 14, from.v4_bytes(), 4);
    std::memcpy(at + 18, to_mac.bytes.data(), 6);
    std::memcpy(at + 24, to.v4_bytes(), 4);
  }
};

}  // namespace gh::wire
