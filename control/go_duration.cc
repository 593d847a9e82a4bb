// SPDX-License-Identifier: Apache-2.0
#include "control/go_duration.h"

#include <array>
#include <cstdint>
#include <limits>

namespace gh::control {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};

// Longer names first: "ms" before "m".
constexpr std::array<Unit, 8> units = {{
    {"ns", 1},
    {"us", 1'000},
    {"\u00b5s", 1'000},
    {"\u03bcs", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<Unit> take_unit(std::string_view& text) {
  for (const Unit& unit : units) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit;
  }
  return std::nullopt;
}

// One "12.5ms", off the front of `text`. A fraction below a nanosecond is cut, as in Go.
std::optional<std::int64_t> take_term(std::string_view& text) {
  __extension__ using Wide = __int128;
  constexpr std::size_t digits_max = 19;
  Wide whole = 0;
  Wide fraction = 0;
  Wide scale = 1;
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    whole = whole * 10 + (text.front() - '0');
    if (whole > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  }
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    for (std::size_t at = 0; !text.empty() && is_digit(text.front()); ++at, ++digits) {
      if (at < digits_max) {
        fraction = fraction * 10 + (text.front() - '0');
        scale *= 10;
      }
      text.remove_prefix(1);
    }
  }
  if (digits == 0) return std::nullopt;
  const auto unit = take_unit(text);
  if (!unit) return std::nullopt;
  const Wide ns = whole * unit->ns + fraction * unit->ns / scale;
  if (ns > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(ns);
}

std::string with_fraction(std::int64_t value, std::int64_t unit) {
  std::string text = std::to_string(value / unit);
  std::int64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  for (std::int64_t digit = unit / 10; rest != 0; digit /= 10) {
    text += static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return text;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto term = take_term(text);
    if (!term || *term > std::numeric_limits<std::int64_t>::max() - total) return std::nullopt;
    total += *term;
  }
  return Duration(negative ? -total : total);
}

std::string format_duration(Duration duration) {
  std::int64_t ns = duration.count();
  if (ns == 0) return "0s";
  if (ns == std::numeric_limits<std::int64_t>::min()) return "-2562047h47m16.854775808s";
  const std::string sign = ns < 0 ? "-" : "";
  if (ns < 0) ns = -ns;
  if (ns < 1'000) return sign + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return sign + with_fraction(ns, 1'000) + "\u00b5s";
  if (ns < 1'000'000'000) return sign + with_fraction(ns, 1'000'000) + "ms";
  constexpr std::int64_t minute = 60'000'000'000;
  const std::int64_t hours = ns / (60 * minute);
  const std::int64_t minutes = ns / minute % 60;
  std::string text = sign;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) text += std::to_string(minutes) + "m";
  return text + with_fraction(ns % minute, 1'000'000'000) + "s";
}

}  // namespace gh::control
