// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/tcp_header.h"

#include "dataplane/net/wire/bytes.h"

#include <algorithm>

namespace gh::wire {
namespace {

constexpr std::uint8_t option_end = 0, option_nop = 1, option_mss = 2, option_window = 3,
                       option_sack_permitted = 4, option_sack = 5, option_timestamps = 8;

// One option whose kind and length are in bounds. A known kind of a wrong length is ignored.
void read_option(TcpHeader& out, const std::uint8_t* at, std::uint8_t length) noexcept {
  switch (at[0]) {
    case option_mss:
      if (length == 4) out.mss = load16(at + 2);
      break;
    case option_window:
      if (length == 3) out.window_shift = static_cast<std::int8_t>(std::min<int>(at[2], 14));
      break;
    case option_sack_permitted:
      if (length == 2) out.sack_permitted = true;
      break;
    case option_sack:
      if (length < 10 || (length - 2) % 8 != 0) break;
      out.sack_blocks = static_cast<std::uint8_t>((length - 2) / 8);
      for (std::size_t i = 0; i < out.sack_blocks; ++i) {
        out.sack[i] = {load32(at + 2 + i * 8), load32(at + 6 + i * 8)};
      }
      break;
    case option_timestamps:
      if (length != 10) break;
      out.has_timestamps = true;
      out.ts_value = load32(at + 2);
      out.ts_echo = load32(at + 6);
      break;
    default:
      break;  // not for us
  }
}

bool read_options(TcpHeader& out, ByteView options) noexcept {
  // What nearly every segment of an open connection carries: NOP, NOP, timestamps.
  if (options.size() == 12 && load32(options.data()) == 0x0101080a) {
    read_option(out, options.data() + 2, 10);
    return true;
  }
  std::size_t at = 0;
  while (at < options.size()) {
    if (options[at] == option_end) return true;
    if (options[at] == option_nop) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) return false;
    const std::uint8_t length = options[at + 1];
    if (length < 2 || at + length > options.size()) return false;
    read_option(out, options.data() + at, length);
    at += length;
  }
  return true;
}

}  // namespace

Result<TcpHeader, TcpError> TcpHeader::parse(ByteView in) noexcept {
  if (in.size() < bytes_min) return fail(TcpError::truncated);
  const std::uint8_t* at = in.data();
  TcpHeader out;
  out.header_bytes = (at[12] >> 4) * 4u;
  if (out.header_bytes < bytes_min) return fail(TcpError::bad_offset);
  if (out.header_bytes > in.size()) return fail(TcpError::truncated);
  out.from_port = load16(at);
  out.to_port = load16(at + 2);
  out.seq = load32(at + 4);
  out.ack = load32(at + 8);
  out.flags = at[13] & 0x3f;
  out.window = load16(at + 14);
  if (out.header_bytes > bytes_min &&
      !read_options(out, in.subspan(bytes_min, out.header_bytes - bytes_min))) {
    return fail(TcpError::bad_options);
  }
  return out;
}

std::uint32_t TcpHeader::bytes_to_write() const noexcept {
  std::uint32_t bytes = bytes_min;
  if (mss != 0) bytes += 4;
  if (has_timestamps) {
    bytes += 12;
  } else if (sack_permitted) {
    bytes += 4;
  }
  if (window_shift >= 0) bytes += 4;
  if (sack_blocks > 0) bytes += 4 + sack_blocks * 8u;
  return bytes;
}

void TcpHeader::write(std::uint8_t* at) const noexcept {
  store16(at, from_port);
  store16(at + 2, to_port);
  store32(at + 4, seq);
  store32(at + 8, ack);
  at[12] = static_cast<std::uint8_t>(bytes_to_write() / 4 << 4);
  at[13] = flags;
  store16(at + 14, window);
  store32(at + 16, 0);  // checksum, urgent pointer
  at += bytes_min;
  if (mss != 0) {
    store32(at, 0x02040000u | mss);
    at += 4;
  }
  if (has_timestamps) {
    store32(at, sack_permitted ? 0x0402080au : 0x0101080au);
    store32(at + 4, ts_value);
    store32(at + 8, ts_echo);
    at += 12;
  } else if (sack_permitted) {
    store32(at, 0x01010402u);
    at += 4;
  }
  if (window_shift >= 0) {
    store32(at, 0x01030300u | static_cast<std::uint8_t>(window_shift));
    at += 4;
  }
  if (sack_blocks > 0) {
    store32(at, 0x01010500u | (2u + sack_blocks * 8u));
    at += 4;
    for (std::size_t i = 0; i < sack_blocks; ++i, at += 8) {
      store32(at, sack[i].begin);
      store32(at + 4, sack[i].end);
    }
  }
}

}  // namespace gh::wire
