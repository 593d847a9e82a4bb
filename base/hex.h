// SPDX-License-Identifier: Apache-2.0
// Hexadecimal digits, and the percent escapes made of them (RFC 3986 §2.1).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gh {

constexpr int hex_value(char c) noexcept {  // -1: no digit
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// None when a percent sign is not followed by two digits.
inline std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

}  // namespace gh
