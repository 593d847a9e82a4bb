// SPDX-License-Identifier: Apache-2.0
// Numbers that a handshake needs and nobody may guess: initial sequence numbers (RFC 6528),
// timestamp offsets (RFC 7323 §5.4), SYN cookies (RFC 4987 §3.6). Pure: the time is an argument.
// Owner: the stack. Not here: the states of a handshake (stack_open.cc).
#pragma once

#include "base/siphash.h"
#include "base/units.h"
#include "dataplane/tcp/connection.h"
#include "dataplane/tcp/seq.h"

#include <cstdint>
#include <optional>

namespace gh::tcp {

// What a SYN said that a cookie has to bring back.
struct SynOptions {
  std::uint16_t mss = 536;
  std::int8_t window_shift = -1;
  bool sack = false;
};

class HandshakeSecrets {
 public:
  explicit HandshakeSecrets(const SipKey& key) noexcept;

  Seq initial_sequence(const Endpoint& local, const Endpoint& remote, Instant now) const noexcept;
  std::uint32_t timestamp_offset(const Endpoint& local, const Endpoint& remote) const noexcept;
  std::uint32_t port_offset(const Endpoint& local, const Endpoint& remote) const noexcept;

  Seq cookie(const Endpoint& local, const Endpoint& remote, Seq irs, std::uint16_t mss, Instant now)
      const noexcept;
  // The MSS, when `cookie` is one of ours of the last two minutes.
  std::optional<std::uint16_t> open_cookie(
      const Endpoint& local, const Endpoint& remote, Seq irs, Seq cookie, Instant now
  ) const noexcept;

  // The other options travel in the low bits of our timestamp, which the peer echoes. They are not
  // signed: forging them only spoils the forger's own connection.
  static std::uint32_t pack_timestamp(std::uint32_t ts, const SynOptions& options) noexcept;
  static SynOptions unpack_timestamp(std::uint32_t echo) noexcept;

 private:
  std::uint64_t hash(
      const SipKey& key, const Endpoint& local, const Endpoint& remote, std::uint64_t more
  ) const noexcept;
  std::uint32_t cookie_mac(
      const Endpoint& local, const Endpoint& remote, Seq irs, std::uint64_t minute
  ) const noexcept;

  SipKey sequence_, timestamp_, cookie_, port_;
};

}  // namespace gh::tcp
