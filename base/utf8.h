// SPDX-License-Identifier: Apache-2.0
// UTF-8 (RFC 3629), one code point at a time: what is overlong, a surrogate, above U+10FFFF or cut
// short is one bad byte, as Go's range loop over a string sees it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gh {

struct Rune {
  std::uint32_t value = 0;
  std::uint32_t bytes = 0;
  bool valid = true;  // false: one byte that is not UTF-8; value is U+FFFD
};

// Precondition: at < text.size().
Rune rune_at(std::string_view text, std::size_t at) noexcept;

// Precondition: rune <= U+10FFFF.
void append_rune(std::string& out, std::uint32_t rune);

}  // namespace gh
