// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/handshake.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace gh::tcp {
namespace {

constexpr std::array<std::uint16_t, 8> cookie_mss{216, 536, 1200, 1360, 1400, 1440, 1460, 8960};
constexpr std::int64_t cookie_period_ns = 64'000'000'000;

SipKey derive(const SipKey& key, std::uint64_t label) noexcept {
  return {siphash24(key, {label, 0}), siphash24(key, {label, 1})};
}

}  // namespace

HandshakeSecrets::HandshakeSecrets(const SipKey& key) noexcept
    : sequence_(derive(key, 1)),
      timestamp_(derive(key, 2)),
      cookie_(derive(key, 3)),
      port_(derive(key, 4)) {}

std::uint64_t HandshakeSecrets::hash(
    const SipKey& key, const Endpoint& local, const Endpoint& remote, std::uint64_t more
) const noexcept {
  const std::uint64_t ports = static_cast<std::uint64_t>(local.port) << 16 | remote.port;
  return siphash24(
      key,
      {local.address.high(),
       local.address.low(),
       remote.address.high(),
       remote.address.low(),
       ports,
       more}
  );
}

Seq HandshakeSecrets::initial_sequence(const Endpoint& local, const Endpoint& remote, Instant now)
    const noexcept {  // RFC 6528 §3: a clock of 4 µs, and a hash of who speaks to whom
  const auto clock = static_cast<std::uint32_t>(now.ns / 4000);
  return Seq{clock + static_cast<std::uint32_t>(hash(sequence_, local, remote, 0))};
}

std::uint32_t HandshakeSecrets::timestamp_offset(const Endpoint& local, const Endpoint& remote)
    const noexcept {
  return static_cast<std::uint32_t>(hash(timestamp_, local, remote, 0));
}

std::uint32_t HandshakeSecrets::port_offset(const Endpoint& local, const Endpoint& remote)
    const noexcept {
  return static_cast<std::uint32_t>(hash(port_, local, remote, 0));
}

// 29 bits of the MAC, 3 of the MSS: one guess in 2^25 opens something, and that is nothing but a
// connection of the guesser's own.
std::uint32_t HandshakeSecrets::cookie_mac(
    const Endpoint& local, const Endpoint& remote, Seq irs, std::uint64_t minute
) const noexcept {
  return static_cast<std::uint32_t>(hash(cookie_, local, remote, minute << 32 | irs.value)) & ~7u;
}

Seq HandshakeSecrets::cookie(
    const Endpoint& local, const Endpoint& remote, Seq irs, std::uint16_t mss, Instant now
) const noexcept {
  std::uint32_t index = 0;
  while (index + 1 < cookie_mss.size() && cookie_mss[index + 1] <= mss) ++index;
  const auto minute = static_cast<std::uint64_t>(now.ns / cookie_period_ns);
  const std::uint32_t mac = cookie_mac(local, remote, irs, minute);
  return Seq{mac | (index ^ (mac >> 29))};
}

std::optional<std::uint16_t> HandshakeSecrets::open_cookie(
    const Endpoint& local, const Endpoint& remote, Seq irs, Seq cookie, Instant now
) const noexcept {
  const auto minute = static_cast<std::uint64_t>(now.ns / cookie_period_ns);
  for (const std::uint64_t age : {0u, 1u}) {
    const std::uint32_t mac = cookie_mac(local, remote, irs, minute - age);
    if (((cookie.value ^ mac) & ~7u) == 0) return cookie_mss[(cookie.value ^ (mac >> 29)) & 7];
  }
  return std::nullopt;
}

std::uint32_t HandshakeSecrets::pack_timestamp(
    std::uint32_t ts, const SynOptions& options
) noexcept {
  const std::uint32_t shift =
      options.window_shift < 0 ? 15u : static_cast<std::uint32_t>(options.window_shift);
  const std::uint32_t packed = (ts & ~31u) | shift << 1 | (options.sack ? 1u : 0u);
  return packed > ts ? packed - 32 : packed;  // never ahead of the clock: PAWS
}

SynOptions HandshakeSecrets::unpack_timestamp(std::uint32_t echo) noexcept {
  SynOptions out;
  const std::uint32_t shift = echo >> 1 & 15;
  out.window_shift = shift == 15 ? std::int8_t{-1} : static_cast<std::int8_t>(shift);
  out.sack = (echo & 1) != 0;
  return out;
}

}  // namespace gh::tcp
