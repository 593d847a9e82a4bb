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

}  // namespace

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
