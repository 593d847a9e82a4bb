// SPDX-License-Identifier: Apache-2.0
// IPv4 (RFC 791) and IPv6 (RFC 8200) headers: checked parse, and write. Both families give the same
// plain header; what cannot be used says why.
// Not here: to whom a packet goes (ip_host.h).
#pragma once

#include "base/byte_view.h"
#include "base/result.h"
#include "dataplane/net/wire/address.h"

#include <cstdint>

namespace gh::wire {

inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_icmpv6 = 58;

enum class IpError : std::uint8_t { truncated, bad_header, bad_checksum, fragment, extension };

struct IpHeader {
  IpAddress from, to;
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 0;
  std::uint32_t header_bytes = 0;   // with options or extension headers
  std::uint32_t payload_bytes = 0;  // what follows, as the header says

  // `frame_bytes`: the whole packet may lie in more pieces than `first`, which holds the headers.
  static Result<IpHeader, IpError> parse_v4(
      ByteView first, std::size_t frame_bytes, bool checksum_good
  ) noexcept;
  static Result<IpHeader, IpError> parse_v6(ByteView first, std::size_t frame_bytes) noexcept;
  // What an ICMP error quotes of a packet of ours: it is cut short, so lengths are not checked.
  static Result<IpHeader, IpError> parse_quoted(ByteView quote, bool v4) noexcept;

  static constexpr std::uint32_t v4_bytes = 20;
  static constexpr std::uint32_t v6_bytes = 40;

  static std::uint32_t bytes_for(const IpAddress& to) noexcept {
    return to.is_v4() ? v4_bytes : v6_bytes;
  }

  // IPv4: do not fragment, identification 0 (RFC 6864 §4.1).
  void write(std::uint8_t* at, bool checksum) const noexcept;
};

}  // namespace gh::wire
