// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071), in one's complement and native byte order: a sum is stored as
// it is, without swapping.
#pragma once

#include "base/byte_view.h"
#include "dataplane/net/wire/address.h"
#include "dataplane/net/wire/frame.h"

#include <cstdint>
#include <cstring>

namespace gh::wire {

// Unfolded sum of bytes that start at an even offset of what is summed.
inline std::uint64_t checksum_add(std::uint64_t sum, ByteView bytes) noexcept {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  while (left >= 8) {  // 32-bit halves into 64 bits: no carry is lost below 2^32 words
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    sum += (word & 0xffffffff) + (word >> 32);
    at += 8, left -= 8;
  }
  if (left >= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, 4);
    sum += word;
    at += 4, left -= 4;
  }
  if (left >= 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, at, 2);
    sum += word;
    at += 2, left -= 2;
  }
  if (left == 1) {
    const std::uint8_t last[2] = {*at, 0};
    std::uint16_t word = 0;
    std::memcpy(&word, last, 2);
    sum += word;
  }
  return sum;
}

constexpr std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// Addresses, protocol and length, as TCP and ICMPv6 sum them (RFC 9293 §3.1, RFC 8200 §8.1).
std::uint64_t pseudo_header_sum(
    const IpAddress& from, const IpAddress& to, std::uint8_t protocol, std::size_t length
) noexcept;

// All pieces of a frame, from `begin` on.
std::uint64_t checksum_add_chain(std::uint64_t sum, const Frame& frame) noexcept;

inline void store_checksum(std::uint8_t* at, std::uint16_t folded) noexcept {
  std::memcpy(at, &folded, sizeof folded);
}

}  // namespace gh::wire
