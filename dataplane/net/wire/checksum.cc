// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/checksum.h"

#include <arpa/inet.h>

namespace gh::wire {

std::uint64_t pseudo_header_sum(
    const IpAddress& from, const IpAddress& to, std::uint8_t protocol, std::size_t length
) noexcept {
  // By words, not by bytes that were just written: those would be waited for.
  const std::uint64_t rest =
      std::uint64_t{htonl(static_cast<std::uint32_t>(length))} + htonl(protocol);
  if (from.is_v4()) return rest + from.v4_word() + to.v4_word();
  return checksum_add(checksum_add(rest, from.bytes), to.bytes);
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
