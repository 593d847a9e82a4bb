// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/address.h"

#include <arpa/inet.h>

#include <charconv>

namespace gh::wire {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 16> raw{};
  if (inet_pton(AF_INET, copy.c_str(), raw.data()) == 1) return v4(raw.data());
  if (inet_pton(AF_INET6, copy.c_str(), raw.data()) == 1) return v6(raw.data());
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    inet_ntop(AF_INET, v4_bytes(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

bool IpAddress::is_unspecified() const noexcept {
  if (is_v4()) return bytes[12] == 0;  // 0.0.0.0/8, RFC 1122 §3.2.1.3
  return high() == 0 && low() == 0;
}

bool IpAddress::is_multicast() const noexcept {
  return is_v4() ? bytes[12] >= 224 : bytes[0] == 0xff;
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes[12] == 127;
  for (std::size_t i = 0; i < 15; ++i) {
    if (bytes[i] != 0) return false;
  }
  return bytes[15] == 1;
}

bool Network::contains(const IpAddress& other) const noexcept {
  if (address.is_v4() != other.is_v4()) return false;
  const unsigned whole = bits() / 8, rest = bits() % 8;
  if (std::memcmp(address.bytes.data(), other.bytes.data(), whole) != 0) return false;
  if (rest == 0) return true;
  return ((address.bytes[whole] ^ other.bytes[whole]) >> (8 - rest)) == 0;
}

std::optional<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const std::string_view number = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), prefix);
  if (!address || error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  if (prefix > (address->is_v4() ? 32u : 128u)) return std::nullopt;
  return Network{*address, static_cast<std::uint8_t>(prefix)};
}

}  // namespace gh::wire
