// SPDX-License-Identifier: Apache-2.0
#include "tls/session_tickets.h"

#include "base/limits.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstddef>

namespace gh::tls {

// ---- keys ----

namespace {

bool fill(TicketKeys::Key& key) {
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

}  // namespace

Outcome<std::shared_ptr<const TicketKeys>> TicketKeys::generate() {
  std::shared_ptr<TicketKeys> keys(new TicketKeys);
  if (!fill(keys->current_)) return fault("the random generator failed; no session ticket keys");
  return std::shared_ptr<const TicketKeys>(std::move(keys));
}

Outcome<std::shared_ptr<const TicketKeys>> TicketKeys::rotated() const {
  std::shared_ptr<TicketKeys> keys(new TicketKeys);
  if (!fill(keys->current_))
    return fault("the random generator failed; session ticket keys were not rotated");
  keys->previous_ = current_;
  return std::shared_ptr<const TicketKeys>(std::move(keys));
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(&current_, sizeof current_);
  if (previous_) OPENSSL_cleanse(&*previous_, sizeof *previous_);
}

const TicketKeys::Key* TicketKeys::find(ByteView name, bool& is_current) const noexcept {
  const auto named = [name](const Key& key) {
    return std::equal(name.begin(), name.end(), key.name.begin(), key.name.end());
  };
  is_current = named(current_);
  if (is_current) return &current_;
  return previous_ && named(*previous_) ? &*previous_ : nullptr;
}

// ---- state: fixed fields, big-endian, then the server name to the end ----

namespace {

constexpr std::uint8_t format = 1;
constexpr std::size_t fixed_bytes = 1 + 1 + 4 + 32 + 32 + 3 * 8;

void put(std::vector<std::uint8_t>& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint64_t take(ByteView& in, std::size_t bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes; ++i) out = out << 8 | in[i];
  in = in.subspan(bytes);
  return out;
}

void take(ByteView& in, std::array<std::uint8_t, 32>& out) {
  std::copy_n(in.begin(), out.size(), out.begin());
  in = in.subspan(out.size());
}

UnixTime take_time(ByteView& in) { return {static_cast<std::int64_t>(take(in, 8))}; }

}  // namespace

std::vector<std::uint8_t> TicketState::encode() const {
  std::vector<std::uint8_t> out;
  out.reserve(fixed_bytes + server_name.size());
  out.push_back(format);
  out.push_back(static_cast<std::uint8_t>(
      (mode == ClientCertMode::request ? 1 : 0) | (has_certificate ? 2 : 0)
  ));
  put(out, presented, 4);
  out.insert(out.end(), trust_epoch.begin(), trust_epoch.end());
  out.insert(out.end(), chain_fingerprint.begin(), chain_fingerprint.end());
  for (const UnixTime time : {not_after, lineage_start, issued})
    put(out, static_cast<std::uint64_t>(time.seconds), 8);
  out.insert(out.end(), server_name.begin(), server_name.end());
  return out;
}

std::optional<TicketState> TicketState::decode(ByteView bytes) {
  if (bytes.size() < fixed_bytes || bytes[0] != format || bytes[1] > 3) return std::nullopt;
  TicketState out;
  out.mode = (bytes[1] & 1) != 0 ? ClientCertMode::request : ClientCertMode::require;
  out.has_certificate = (bytes[1] & 2) != 0;
  bytes = bytes.subspan(2);
  out.presented = static_cast<std::uint32_t>(take(bytes, 4));
  take(bytes, out.trust_epoch);
  take(bytes, out.chain_fingerprint);
  out.not_after = take_time(bytes);
  out.lineage_start = take_time(bytes);
  out.issued = take_time(bytes);
  out.server_name = as_text(bytes);
  return out;
}

TicketVerdict may_resume(
    const TicketState& ticket,
    ClientCertMode mode,
    const std::array<std::uint8_t, 32>& trust_epoch,
    std::string_view server_name,
    UnixTime now
) {
  if (ticket.mode != mode || ticket.server_name != server_name) return TicketVerdict::refuse;
  if (!ticket.has_certificate && mode == ClientCertMode::require) return TicketVerdict::refuse;
  // A ticket from the future (another replica's clock) counts as new.
  if (now.seconds - ticket.lineage_start.seconds >= limits::ticket_lineage_max.count())
    return TicketVerdict::refuse;
  if (now.seconds - ticket.issued.seconds >= limits::ticket_lifetime.count())
    return TicketVerdict::refuse;
  if (!ticket.has_certificate) return TicketVerdict::resume;
  if (now >= ticket.not_after) return TicketVerdict::refuse;
  return ticket.trust_epoch == trust_epoch ? TicketVerdict::resume : TicketVerdict::verify_again;
}

}  // namespace gh::tls
