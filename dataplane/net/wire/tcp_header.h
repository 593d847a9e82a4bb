// SPDX-License-Identifier: Apache-2.0
// The TCP header and its options (RFC 9293 §3.1, RFC 7323, RFC 2018): checked parse, and write.
// Options that are unknown are skipped; a list that runs over the header is refused.
#pragma once

#include "base/byte_view.h"
#include "base/result.h"

#include <array>
#include <cstdint>
#include <optional>

namespace gh::wire {

enum class TcpError : std::uint8_t { truncated, bad_offset, bad_options };

struct TcpFlags {
  static constexpr std::uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32;
};

struct SackBlock {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct TcpHeader {
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;  // as on the wire, not scaled
  std::uint32_t header_bytes = 20;

  // Options. The first three mean something on SYN only.
  std::uint16_t mss = 0;          // 0: not there
  std::int8_t window_shift = -1;  // -1: not there; above 14 is taken for 14 (RFC 7323 §2.3)
  bool sack_permitted = false;
  bool has_timestamps = false;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::uint8_t sack_blocks = 0;
  std::array<SackBlock, 4> sack{};

  bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }

  // `in` is the first piece: header and options must lie in it.
  static Result<TcpHeader, TcpError> parse(ByteView in) noexcept;

  static constexpr std::uint32_t bytes_min = 20;
  static constexpr std::uint32_t bytes_max = 60;
  std::uint32_t bytes_to_write() const noexcept;
  void write(std::uint8_t* at) const noexcept;  // bytes_to_write() of them; checksum 0
};

}  // namespace gh::wire
