// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace gh {
namespace {

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

}  // namespace

Rune rune_at(std::string_view text, std::size_t at) noexcept {
  constexpr Rune bad{0xfffd, 1, false};
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  if (first < 0xc2 || first > 0xf4 || !continues(text, at + 1)) return bad;
  if (first < 0xe0) return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2, true};
  if (!continues(text, at + 2)) return bad;
  if (first < 0xf0) {
    const std::uint32_t rune = (first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    if (rune < 0x800 || (rune >= 0xd800 && rune <= 0xdfff)) return bad;
    return {rune, 3, true};
  }
  if (!continues(text, at + 3)) return bad;
  const std::uint32_t rune =
      (first & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  if (rune < 0x10000 || rune > 0x10ffff) return bad;
  return {rune, 4, true};
}

void append_rune(std::string& out, std::uint32_t rune) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (rune < 0x80) {
    put(rune);
  } else if (rune < 0x800) {
    put(0xc0 | rune >> 6);
    put(0x80 | (rune & 0x3f));
  } else if (rune < 0x10000) {
    put(0xe0 | rune >> 12);
    put(0x80 | (rune >> 6 & 0x3f));
    put(0x80 | (rune & 0x3f));
  } else {
    put(0xf0 | rune >> 18);
    put(0x80 | (rune >> 12 & 0x3f));
    put(0x80 | (rune >> 6 & 0x3f));
    put(0x80 | (rune & 0x3f));
  }
}

}  // namespace gh
