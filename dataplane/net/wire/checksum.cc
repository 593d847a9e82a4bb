// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/checksum.h"

#include <cstring>

namespace gh::wire {

std::uint64_t checksum_add(std::uint64_t sum, ByteView bytes) noexcept {
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

std::uint64_t pseudo_header_sum(
    const IpAddress& from, const IpAddress& to, std::uint8_t protocol, std::size_t length
) noexcept {
  std::uint64_t sum = 0;
  if (from.is_v4()) {
    sum = checksum_add(checksum_add(0, {from.v4_bytes(), 4}), {to.v4_bytes(), 4});
  } else {
    sum = checksum_add(checksum_add(0, from.bytes), to.bytes);
  }
  const std::uint8_t rest[8] = {
      static_cast<std::uint8_t>(length >> 24),
      static_cast<std::uint8_t>(length >> 16),
      static_cast<std::uint8_t>(length >> 8),
      static_cast<std::uint8_t>(length),
      0,
      0,
      0,
      protocol
  };
  return checksum_add(sum, rest);
}

std::uint64_t checksum_add_chain(std::uint64_t sum, const Frame& frame) noexcept {
  bool odd = false;
  for (const Frame* piece = &frame; piece != nullptr; piece = piece->more) {
    const std::uint64_t part = checksum_add(0, piece->bytes());
    // A piece at an odd offset has its bytes in the other halves (RFC 1071 §2 (B)).
    sum += odd ? static_cast<std::uint64_t>(__builtin_bswap16(checksum_fold(part))) : part;
    odd ^= (piece->size() & 1) != 0;
  }
  return sum;
}

}  // namespace gh::wire
