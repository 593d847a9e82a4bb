// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/base64url.h"

#include <array>
#include <cstdint>

namespace gh::identity {
namespace {

constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view plain_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> values_of(std::string_view alphabet) {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}

constexpr auto url_values = values_of(url_alphabet);
constexpr auto plain_values = values_of(plain_alphabet);

// Null: a byte that does not belong, or six bits alone.
std::optional<std::string> decode(
    std::string_view text, const std::array<std::int8_t, 256>& values, std::size_t& digits
) {
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  digits = 0;
  for (const char c : text) {
    if (c == '\r' || c == '\n') continue;
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++digits % 4 != 1) out += static_cast<char>(bits >> (6 - 2 * ((digits - 1) % 4)) & 0xff);
  }
  if (digits % 4 == 1) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> base64url_decode(std::string_view text) {
  std::size_t digits = 0;
  return decode(text, url_values, digits);
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += url_alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += url_alphabet[bits << (6 - count) & 63];
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::size_t padding = 0;
  while (!text.empty() && (text.back() == '=' || text.back() == '\n' || text.back() == '\r')) {
    padding += text.back() == '=' ? 1 : 0;
    text.remove_suffix(1);
  }
  std::size_t digits = 0;
  auto out = decode(text, plain_values, digits);
  if (padding != (4 - digits % 4) % 4) return std::nullopt;
  return out;
}

}  // namespace gh::identity
