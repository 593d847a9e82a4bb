// SPDX-License-Identifier: Apache-2.0
// Link and network addresses as plain data. An IPv4 address is kept as IPv6 writes it
// (::ffff:a.b.c.d, RFC 4291 §2.5.5.2), so that everything above has one type.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace gh::wire {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  auto operator<=>(const MacAddress&) const = default;

  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }

  bool is_group() const noexcept { return (bytes[0] & 1) != 0; }  // broadcast or multicast
};

struct IpAddress {
  alignas(8) std::array<std::uint8_t, 16> bytes{};

  bool operator==(const IpAddress& other) const noexcept {
    return ((high() ^ other.high()) | (low() ^ other.low())) == 0;
  }

  static IpAddress v4(const std::uint8_t* four) noexcept {
    IpAddress out;
    out.bytes[10] = out.bytes[11] = 0xff;
    std::memcpy(out.bytes.data() + 12, four, 4);
    return out;
  }

  static IpAddress v6(const std::uint8_t* sixteen) noexcept {
    IpAddress out;
    std::memcpy(out.bytes.data(), sixteen, 16);
    return out;
  }

  static std::optional<IpAddress> parse(std::string_view text);
  std::string to_string() const;

  std::uint64_t high() const noexcept { return word(0); }

  std::uint64_t low() const noexcept { return word(8); }

  bool is_v4() const noexcept {
    static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(bytes.data(), mapped.data(), mapped.size()) == 0;
  }

  const std::uint8_t* v4_bytes() const noexcept { return bytes.data() + 12; }

  std::uint32_t v4_word() const noexcept {  // as it lies in memory
    std::uint32_t out = 0;
    std::memcpy(&out, v4_bytes(), sizeof out);
    return out;
  }

  bool is_unspecified() const noexcept;  // 0.0.0.0 or ::
  bool is_multicast() const noexcept;    // of either family; 255.255.255.255 and class E too
  bool is_loopback() const noexcept;     // 127/8, ::1: never on a wire (RFC 1122 §3.2.1.3)

  bool is_link_local() const noexcept {  // fe80::/10
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  }

  // A source that a peer may speak from.
  bool is_unicast() const noexcept {
    return !is_unspecified() && !is_multicast() && !is_loopback();
  }

 private:
  std::uint64_t word(std::size_t at) const noexcept {
    std::uint64_t out = 0;
    std::memcpy(&out, bytes.data() + at, sizeof out);
    return out;
  }
};

// Addresses that share their first bits. For IPv4 the prefix counts the 32 bits.
struct Network {
  IpAddress address;
  std::uint8_t prefix = 0;

  bool contains(const IpAddress& other) const noexcept;
  static std::optional<Network> parse(std::string_view text);  // "10.0.0.1/24", "2001:db8::1/64"

  unsigned bits() const noexcept { return address.is_v4() ? prefix + 96u : prefix; }
};

}  // namespace gh::wire
