// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace gh::authz::admission {
namespace {

constexpr std::size_t exact_digits_max = 18;
constexpr int exponent_max = 18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `text`.
std::string_view take_digits(std::string_view& text) {
  const auto end =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

struct Suffix {
  std::string_view text;
  int binary = 0;   // power of two
  int decimal = 0;  // power of ten
};

constexpr std::array<Suffix, 16> suffixes = {{
    {"", 0, 0},
    {"Ki", 10, 0},
    {"Mi", 20, 0},
    {"Gi", 30, 0},
    {"Ti", 40, 0},
    {"Pi", 50, 0},
    {"Ei", 60, 0},
    {"n", 0, -9},
    {"u", 0, -6},
    {"m", 0, -3},
    {"k", 0, 3},
    {"M", 0, 6},
    {"G", 0, 9},
    {"T", 0, 12},
    {"P", 0, 15},
    {"E", 0, 18},
}};

// "e3", "E-3": Go's reader takes a sign and digits.
std::optional<Suffix> read_suffix(std::string_view text) {
  for (const Suffix& known : suffixes) {
    if (known.text == text) return known;
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  std::string_view digits = text.substr(1);
  if (digits[0] == '+') digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Suffix{text, 0, exponent};
}

__extension__ using Wide = unsigned __int128;

std::string decimal_text(Wide value) {
  std::string text;
  for (; value != 0; value /= 10) text += static_cast<char>('0' + static_cast<int>(value % 10));
  std::reverse(text.begin(), text.end());
  return text;
}

// Reads a number of exactly `digits` digits.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+02:00": seconds east of UTC.
std::optional<int> take_offset(std::string_view& text) {
  if (take_char(text, 'Z')) return 0;
  const bool west = !text.empty() && text[0] == '-';
  if (!take_char(text, '+') && !take_char(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int seconds = *hours * 3600 + *minutes * 60;
  return west ? -seconds : seconds;
}

std::optional<long long> take_date(std::string_view& text) {
  using namespace std::chrono;
  const auto y = take_number(text, 4);
  if (!y || !take_char(text, '-')) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take_char(text, '-')) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d) return std::nullopt;
  const year_month_day date{
      year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))
  };
  if (!date.ok()) return std::nullopt;
  return static_cast<long long>(sys_days(date).time_since_epoch().count()) * 86400;
}

std::optional<long long> take_clock(std::string_view& text) {
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59 || !take_char(text, ':')) return std::nullopt;
  const auto seconds = take_number(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  return *hours * 3600 + *minutes * 60 + *seconds;
}

constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> base64_digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  std::uint8_t digit = 0;
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) {
    table[static_cast<unsigned char>(c)] = digit++;
  }
  return table;
}();

constexpr long long zero_time_s = -62'135'596'800;  // Go's zero time, 0001-01-01T00:00:00Z

}  // namespace

std::optional<std::string> canonical_quantity(std::string_view text) {
  std::string_view rest = text;
  const bool negative = take_char(rest, '-');
  if (!negative) take_char(rest, '+');
  const std::string_view whole = take_digits(rest);
  std::string_view fraction;
  if (take_char(rest, '.')) fraction = take_digits(rest);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  const auto suffix = read_suffix(rest);
  if (!suffix) return std::nullopt;

  std::string digits = std::string(whole) + std::string(fraction);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return "0";
  int exponent = suffix->decimal - static_cast<int>(std::min<std::size_t>(fraction.size(), 1000));
  if (digits.size() > exact_digits_max || exponent < -9 || exponent > exponent_max) {
    return "as written: " + std::string(text);
  }
  Wide value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  value <<= suffix->binary;  // below 2^60 * 2^60
  for (; value % 10 == 0; value /= 10) ++exponent;
  return (negative ? "-" : "") + decimal_text(value) + "e" + std::to_string(exponent);
}

std::string canonical_time(long long seconds) {
  return seconds == zero_time_s ? std::string() : std::to_string(seconds);
}

// Stricter than Go where Go is lax (one digit of an hour): such a time is refused.
std::optional<std::string> canonical_time(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take_char(text, 'T')) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  std::string fraction;
  if (take_char(text, '.')) {
    fraction = take_digits(text);
    if (fraction.empty() || fraction.size() > 9) return std::nullopt;
    while (fraction.ends_with('0')) fraction.pop_back();
  }
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const long long seconds = *date + *clock - *offset;
  if (fraction.empty()) return canonical_time(seconds);
  return std::to_string(seconds) + "." + fraction;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint8_t digit = base64_digits[static_cast<unsigned char>(c)];
    if (digit == no_digit) return std::nullopt;
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}

}  // namespace gh::authz::admission
