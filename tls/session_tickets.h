// SPDX-License-Identifier: Apache-2.0
// Stateless session tickets (RFC 5077, RFC 8446 §4.6.1): the keys that protect them, and what a
// ticket says besides the session. In: keys, made here at random.   Out: encoded and decoded
// TicketState; may_resume() judges one. Owner: TicketKeys is shared and immutable (rotation makes a
// new one); TicketState lives within one call. Not here: sealing and opening tickets with these
// keys (openssl/tickets.cc).
#pragma once

#include "base/byte_view.h"
#include "base/result.h"
#include "base/units.h"
#include "tls/peer_certificate.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

enum class ClientCertMode : std::uint8_t { require, request };

// Tickets are made with the current key and opened with the current or the previous one, so a
// rotation loses none.
class TicketKeys {
 public:
  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> cipher{};  // AES-256-CBC
    std::array<std::uint8_t, 32> mac{};     // HMAC-SHA-256
  };

  static Outcome<std::shared_ptr<const TicketKeys>> generate();
  Outcome<std::shared_ptr<const TicketKeys>> rotated(
  ) const;        // a new current key; ours becomes the previous one
  ~TicketKeys();  // keys are wiped
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  const Key& current() const noexcept { return current_; }

  const Key* find(ByteView name, bool& is_current) const noexcept;  // null: not ours, or too old

 private:
  TicketKeys() = default;
  Key current_;
  std::optional<Key> previous_;
};

// What a ticket says besides the library's own session. Authenticated and encrypted with it.
struct TicketState {
  ClientCertMode mode = ClientCertMode::require;
  bool has_certificate = false;  // false: the client presented none (mode request)
  std::uint32_t presented =
      0;  // certificates the client presented; the session itself keeps the first only
  std::array<std::uint8_t, 32> trust_epoch{};
  Fingerprint chain_fingerprint{};
  UnixTime not_after;      // earliest along the verified path
  UnixTime lineage_start;  // the full handshake this session descends from
  UnixTime issued;
  std::string server_name;  // SNI

  std::vector<std::uint8_t> encode() const;
  static std::optional<TicketState> decode(ByteView bytes);
};

enum class TicketVerdict : std::uint8_t {
  resume,
  verify_again,  // all but the trust epoch is right: judge the certificate anew, then resume
  refuse,        // full handshake
};

// `trust_epoch` is the one in force, `server_name` what this client asks for.
TicketVerdict may_resume(
    const TicketState& ticket,
    ClientCertMode mode,
    const std::array<std::uint8_t, 32>& trust_epoch,
    std::string_view server_name,
    UnixTime now
);

}  // namespace gh::tls
