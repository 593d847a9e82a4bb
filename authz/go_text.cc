// SPDX-License-Identifier: Apache-2.0
#include "authz/go_text.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace gh::authz {
namespace {

struct RuneRange {
  std::uint32_t first;
  std::uint32_t last;
};

// strconv.IsPrint of Go 1.26 (Unicode 15), every range of printable code points.
constexpr RuneRange printable[] = {
#include "authz/go_printable.inc"
};

bool is_printable(std::uint32_t rune) {
  if (rune < 0x7f) return rune >= 0x20;
  const auto* after = std::upper_bound(
      std::begin(printable),
      std::end(printable),
      rune,
      [](std::uint32_t value, const RuneRange& range) { return value < range.first; }
  );
  return after != std::begin(printable) && rune <= std::prev(after)->last;
}

constexpr char lower_hex[] = "0123456789abcdef";

void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out += lower_hex[(value >> shift) & 15];
}

void append_escaped(std::string& out, std::uint32_t rune) {
  switch (rune) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  if (is_printable(rune)) {
    append_rune(out, rune);
  } else if (rune < ' ' || rune == 0x7f) {
    out += "\\x";
    append_hex(out, rune, 2);
  } else if (rune < 0x10000) {
    out += "\\u";
    append_hex(out, rune, 4);
  } else {
    out += "\\U";
    append_hex(out, rune, 8);
  }
}

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

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (rune.valid) {
      append_escaped(out, rune.value);
    } else {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text[at]), 2);
    }
    at += rune.bytes;
  }
  out += '"';
}

std::string go_quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::optional<std::int64_t> parse_int(std::string_view text) noexcept {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max + 1 - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (!negative && value > max) return std::nullopt;
  return negative ? static_cast<std::int64_t>(0 - value) : static_cast<std::int64_t>(value);
}

}  // namespace gh::authz
