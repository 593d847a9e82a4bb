// SPDX-License-Identifier: Apache-2.0
// Stateless session tickets (RFC 5077, RFC 8446 §4.6.1): the keys that protect them, and what a
// ticket says besides the session. In: keys, made here at random or read from files
// (ticket_key_files.h).   Out: encoded and decoded TicketState; may_resume() judges one. Owner:
// TicketKeys is shared and immutable (rotation makes a new one); TicketState lives within one call.
// Not here: sealing and opening tickets with these keys (openssl/tickets.cc).
#pragma once

#include "base/byte_view.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/units.h"
#include "tls/peer_certificate.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

enum class ClientCertMode : std::uint8_t { require, request };

// A ring: one key seals; it, those after it (that other replicas seal with already, or soon) and
// those before it (that sealed until now) open. At most limits::ticket_keys_max.
class TicketKeys {
 public:
  struct Key {
    std::array<std::uint8_t, 16> name{};
    std::array<std::uint8_t, 32> cipher{};  // AES-256-CBC
    std::array<std::uint8_t, 32> mac{};     // HMAC-SHA-256
    ~Key();                                 // wiped
    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    bool operator==(const Key&) const = default;
  };

  static Outcome<std::shared_ptr<const TicketKeys>> generate();
  // Keys from elsewhere; `sealing`: which of them seals. Precondition: 1 to ticket_keys_max keys,
  // no name twice.
  static std::shared_ptr<const TicketKeys> of(std::vector<Key> keys, std::size_t sealing);
  // A new current key; at most `keep` of ours still open.
  Outcome<std::shared_ptr<const TicketKeys>> rotated(std::size_t keep = 1) const;
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  const Key& current() const noexcept { return keys_[sealing_]; }

  std::size_t size() const noexcept { return keys_.size(); }

  // Null: not ours, or too old. `renew`: the ticket should be replaced by one of the current key.
  const Key* find(ByteView name, bool& renew) const noexcept;

  bool operator==(const TicketKeys& other) const = default;

 private:
  TicketKeys() = default;
  std::vector<Key> keys_;
  std::size_t sealing_ = 0;
};

// How long sessions live. Either zero: no tickets at all.
struct TicketLimits {
  std::chrono::seconds lifetime = limits::ticket_lifetime;        // of one ticket
  std::chrono::seconds lineage_max = limits::ticket_lineage_max;  // since the full handshake

  bool any() const noexcept { return lifetime.count() > 0 && lineage_max.count() > 0; }
};

// What a ticket says besides the library's own session. Authenticated and encrypted with it.
struct TicketState {
  ClientCertMode mode = ClientCertMode::require;
  bool has_certificate = false;  // false: the client presented none (mode request)
  std::uint32_t presented = 0;   // certificates the client presented; the ticket keeps its own only
  std::array<std::uint8_t, 32> trust_epoch{};
  Fingerprint chain_fingerprint{};
  UnixTime not_before;     // latest along the verified path
  UnixTime not_after;      // earliest along it
  UnixTime lineage_start;  // the full handshake this session descends from
  UnixTime issued;
  std::string server_name;  // SNI, at most 255 bytes
  // The client's own certificate, from which who it is is read again (1 µs; no chain is parsed).
  // Borrowed.
  ByteView leaf;

  std::vector<std::uint8_t> encode() const;
  static std::optional<TicketState> decode(ByteView bytes);  // `leaf` is a view of `bytes`
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
    UnixTime now,
    const TicketLimits& bounds = {}
);

}  // namespace gh::tls
