// SPDX-License-Identifier: Apache-2.0
// Protobuf by hand, so that tests can also write what no encoder writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::wire {

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out + static_cast<char>(value);
}

inline std::string bytes(std::uint64_t number, std::string_view content) {
  return varint(number << 3 | 2) + varint(content.size()) + std::string(content);
}

inline std::string number(std::uint64_t number, std::uint64_t value) {
  return varint(number << 3) + varint(value);
}

// `k8s\0` and runtime.Unknown around an object.
inline std::string envelope(
    std::string_view api_version, std::string_view kind, std::string_view object
) {
  return std::string("k8s\0", 4) + bytes(1, bytes(1, api_version) + bytes(2, kind)) +
         bytes(2, object);
}

}  // namespace gh::wire
