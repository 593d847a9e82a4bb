// SPDX-License-Identifier: Apache-2.0
// Go's unicode.IsSpace. Pure.
#pragma once

#include <cstdint>

namespace gh::identity {

constexpr bool is_unicode_space(std::uint32_t rune) noexcept {
  return (rune >= 0x09 && rune <= 0x0d) || rune == 0x20 || rune == 0x85 || rune == 0xa0 ||
         rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 || rune == 0x2029 ||
         rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

}  // namespace gh::identity
