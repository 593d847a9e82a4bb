// SPDX-License-Identifier: Apache-2.0
#include "tls/session_tickets.h"

#include "base/assert.h"
#include "base/limits.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gh::tls {

// ---- keys ----

namespace {

bool fill(TicketKeys::Key& key) {
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

}  // namespace

TicketKeys::Key::~Key() { OPENSSL_cleanse(this, sizeof *this); }

Outcome<std::shared_ptr<const TicketKeys>> TicketKeys::generate() {
  std::shared_ptr<TicketKeys> keys(new TicketKeys);
  if (!fill(keys->keys_.emplace_back()))
    return fault("the random generator failed; no session ticket keys");
  return std::shared_ptr<const TicketKeys>(std::move(keys));
}

std::shared_ptr<const TicketKeys> TicketKeys::of(std::vector<Key> keys, std::size_t sealing) {
  GH_ASSERT(sealing < keys.size() && keys.size() <= limits::ticket_keys_max);
  std::shared_ptr<TicketKeys> out(new TicketKeys);
  out->keys_ = std::move(keys);
  out->sealing_ = sealing;
  return out;
}

Outcome<std::shared_ptr<const TicketKeys>> TicketKeys::rotated(std::size_t keep) const {
  std::shared_ptr<TicketKeys> keys(new TicketKeys);
  keep = std::min({keep, keys_.size(), limits::ticket_keys_max - 1});
  keys->keys_.reserve(keep + 1);  // no copies of keys left behind by growing
  if (!fill(keys->keys_.emplace_back()))
    return fault("the random generator failed; session ticket keys were not rotated");
  keys->keys_.insert(
      keys->keys_.end(), keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(keep)
  );
  return std::shared_ptr<const TicketKeys>(std::move(keys));
}

const TicketKeys::Key* TicketKeys::find(ByteView name, bool& renew) const noexcept {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const Key& key = keys_[i];
    if (!std::equal(name.begin(), name.end(), key.name.begin(), key.name.end())) continue;
    renew = i != sealing_;
    return &key;
  }
  renew = false;
  return nullptr;
}

// ---- state: fixed fields, big-endian, then the server name and the certificate ----

namespace {

constexpr std::uint8_t format = 2;
constexpr std::size_t fixed_bytes = 1 + 1 + 4 + 32 + 32 + 4 * 8 + 1 + 2;
constexpr std::size_t server_name_max = 255;

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
  GH_ASSERT(server_name.size() <= server_name_max && leaf.size() <= 0xffff);
  out.reserve(fixed_bytes + server_name.size() + leaf.size());
  out.push_back(format);
  out.push_back(static_cast<std::uint8_t>(
      (mode == ClientCertMode::request ? 1 : 0) | (has_certificate ? 2 : 0)
  ));
  put(out, presented, 4);
  out.insert(out.end(), trust_epoch.begin(), trust_epoch.end());
  out.insert(out.end(), chain_fingerprint.begin(), chain_fingerprint.end());
  for (const UnixTime time : {not_before, not_after, lineage_start, issued})
    put(out, static_cast<std::uint64_t>(time.seconds), 8);
  put(out, server_name.size(), 1);
  put(out, leaf.size(), 2);
  out.insert(out.end(), server_name.begin(), server_name.end());
  out.insert(out.end(), leaf.begin(), leaf.end());
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
  out.not_before = take_time(bytes);
  out.not_after = take_time(bytes);
  out.lineage_start = take_time(bytes);
  out.issued = take_time(bytes);
  const std::size_t name_size = take(bytes, 1), leaf_size = take(bytes, 2);
  if (bytes.size() != name_size + leaf_size) return std::nullopt;
  out.server_name = as_text(bytes.first(name_size));
  out.leaf = bytes.subspan(name_size);
  return out;
}

TicketVerdict may_resume(
    const TicketState& ticket,
    ClientCertMode mode,
    const std::array<std::uint8_t, 32>& trust_epoch,
    std::string_view server_name,
    UnixTime now,
    const TicketLimits& bounds
) {
  if (ticket.mode != mode || ticket.server_name != server_name) return TicketVerdict::refuse;
  if (!ticket.has_certificate && mode == ClientCertMode::require) return TicketVerdict::refuse;
  // A ticket from the future (another replica's clock) counts as new.
  if (now.seconds - ticket.lineage_start.seconds >= bounds.lineage_max.count())
    return TicketVerdict::refuse;
  if (now.seconds - ticket.issued.seconds >= bounds.lifetime.count()) return TicketVerdict::refuse;
  if (!ticket.has_certificate) return TicketVerdict::resume;
  if (now < ticket.not_before || now >= ticket.not_after) return TicketVerdict::refuse;
  return ticket.trust_epoch == trust_epoch ? TicketVerdict::resume : TicketVerdict::verify_again;
}

}  // namespace gh::tls
