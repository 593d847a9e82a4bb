// SPDX-License-Identifier: Apache-2.0
// HTTP/2 frames as bytes (RFC 9113 §4.1), true or not: for tests, fuzz targets and benchmarks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::http::test {

inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string u32(std::uint32_t value) {
  return {
      static_cast<char>(value >> 24),
      static_cast<char>(value >> 16),
      static_cast<char>(value >> 8),
      static_cast<char>(value)
  };
}

inline std::string frame(
    std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}
) {
  std::string out;
  out += static_cast<char>(payload.size() >> 16);
  out += static_cast<char>(payload.size() >> 8);
  out += static_cast<char>(payload.size());
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += u32(stream);
  out += payload;
  return out;
}

}  // namespace gh::http::test
