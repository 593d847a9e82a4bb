// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/ip.h"

#include "base/limits.h"
#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/checksum.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <numeric>

namespace gh::wire {
namespace {

Result<IpHeader, IpError> read_v4(ByteView in) noexcept {
  if (in.size() < IpHeader::v4_bytes) return fail(IpError::truncated);
  const std::uint8_t* at = in.data();
  const std::uint32_t header = (at[0] & 0x0fu) * 4u;
  if (at[0] >> 4 != 4 || header < IpHeader::v4_bytes) return fail(IpError::bad_header);
  if (header > in.size()) return fail(IpError::truncated);
  const std::uint32_t total = load16(at + 2);
  if (total < header) return fail(IpError::bad_header);
  IpHeader out;
  out.header_bytes = header;
  out.payload_bytes = total - header;
  out.hop_limit = at[8];
  out.protocol = at[9];
  out.from = IpAddress::v4(at + 12);
  out.to = IpAddress::v4(at + 16);
  return out;
}

// Source routing lets a stranger speak in another's name (RFC 7126 §4.3, §4.4).
bool has_source_route(ByteView options) noexcept {
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t kind = options[at];
    if (kind == 0) return false;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size() || options[at + 1] < 2) return true;  // malformed: as bad
    if (kind == 131 || kind == 137) return true;
    at += options[at + 1];
  }
  return false;
}

Result<IpHeader, IpError> read_v6(ByteView in) noexcept {
  if (in.size() < IpHeader::v6_bytes) return fail(IpError::truncated);
  const std::uint8_t* at = in.data();
  if (at[0] >> 4 != 6) return fail(IpError::bad_header);
  IpHeader out;
  out.header_bytes = IpHeader::v6_bytes;
  out.payload_bytes = load16(at + 4);
  out.protocol = at[6];
  out.hop_limit = at[7];
  out.from = IpAddress::v6(at + 8);
  out.to = IpAddress::v6(at + 24);
  // Mapped addresses are our own way of writing IPv4; on a wire they would pass for it.
  if (out.from.is_v4() || out.to.is_v4()) return fail(IpError::bad_header);
  return out;
}

constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination = 60;

// RFC 8200 §4: each header says what follows and how long it is.
Result<void, IpError> skip_extensions(IpHeader& header, ByteView in) noexcept {
  for (std::size_t seen = 0;; ++seen) {
    if (header.protocol == fragment) return fail(IpError::fragment);
    if (header.protocol != hop_by_hop && header.protocol != routing &&
        header.protocol != destination) {
      return {};
    }
    if (header.protocol == hop_by_hop && seen != 0) return fail(IpError::extension);
    const std::uint32_t at = header.header_bytes;
    if (seen == limits::ip_extension_headers_max || at + 8 > in.size()) {
      return fail(IpError::extension);
    }
    const std::uint32_t length = (in[at + 1] + 1u) * 8u;
    if (at + length > in.size() || length > header.payload_bytes ||
        at + length > IpHeader::v6_bytes + limits::ip_extension_bytes_max) {
      return fail(IpError::extension);
    }
    // A route that is not at its end would make us a router (RFC 8200 §4.4, RFC 5095).
    if (header.protocol == routing && in[at + 3] != 0) return fail(IpError::extension);
    header.protocol = in[at];
    header.header_bytes += length;
    header.payload_bytes -= length;
  }
}

}  // namespace

Result<IpHeader, IpError> IpHeader::parse_v4(
    ByteView first, std::size_t frame_bytes, bool checksum_good
) noexcept {
  GH_TRY(const IpHeader out, read_v4(first));
  if (out.header_bytes + out.payload_bytes > frame_bytes) return fail(IpError::truncated);
  if (!checksum_good && checksum_fold(checksum_add(0, first.first(out.header_bytes))) != 0xffff) {
    return fail(IpError::bad_checksum);
  }
  if ((load16(first.data() + 6) & 0x3fff) != 0) return fail(IpError::fragment);
  if (out.header_bytes > v4_bytes &&
      has_source_route(first.subspan(v4_bytes, out.header_bytes - v4_bytes))) {
    return fail(IpError::extension);
  }
  return out;
}

Result<IpHeader, IpError> IpHeader::parse_v6(ByteView first, std::size_t frame_bytes) noexcept {
  GH_TRY(IpHeader out, read_v6(first));
  if (out.header_bytes + out.payload_bytes > frame_bytes) return fail(IpError::truncated);
  GH_TRY_VOID(skip_extensions(out, first));
  return out;
}

Result<IpHeader, IpError> IpHeader::parse_quoted(ByteView quote, bool v4) noexcept {
  return v4 ? read_v4(quote) : read_v6(quote);  // ours have no extension headers
}

void IpHeader::write(std::uint8_t* at, bool checksum) const noexcept {
  if (to.is_v4()) {
    const std::array<std::uint32_t, 5> words = {
        htonl(0x45000000 | (v4_bytes + payload_bytes)),
        htonl(0x4000),  // DF
        htonl(static_cast<std::uint32_t>(hop_limit << 24 | protocol << 16)),
        from.v4_word(),
        to.v4_word()
    };
    std::memcpy(at, words.data(), v4_bytes);
    if (checksum) {
      const std::uint64_t sum = std::accumulate(words.begin(), words.end(), std::uint64_t{0});
      store_checksum(at + 10, static_cast<std::uint16_t>(~checksum_fold(sum)));
    }
    return;
  }
  store32(at, 0x60000000);
  store16(at + 4, payload_bytes);
  at[6] = protocol;
  at[7] = hop_limit;
  std::memcpy(at + 8, from.bytes.data(), 16);
  std::memcpy(at + 24, to.bytes.data(), 16);
}

}  // namespace gh::wire
