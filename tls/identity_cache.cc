// SPDX-License-Identifier: Apache-2.0
#include "tls/identity_cache.h"

#include "base/limits.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace gh::tls {
namespace {

std::size_t bytes_of(const std::vector<std::string>& texts) {
  std::size_t out = texts.capacity() * sizeof(std::string);
  for (const std::string& text : texts) out += text.size();
  return out;
}

std::size_t bytes_of(const PeerCertificate* peer) {
  if (peer == nullptr) return 0;
  return sizeof *peer + peer->common_name.size() + bytes_of(peer->organizations) +
         bytes_of(peer->uids) + bytes_of(peer->organizational_units) + bytes_of(peer->uri_names) +
         bytes_of(peer->dns_names);
}

}  // namespace

// The clock is cut to the second: at equality with its end a certificate has expired.
bool IdentityCache::Entry::good(const TrustStore::Epoch& now_in_force, UnixTime now) const {
  return epoch == now_in_force && now >= not_before && now < not_after;
}

const Judgement* IdentityCache::find(
    const Fingerprint& chain, const TrustStore::Epoch& epoch, UnixTime now
) {
  const auto at = by_chain_.find(chain);
  if (at == by_chain_.end()) {
    counters_.misses.add();
    return nullptr;
  }
  if (!at->second->good(epoch, now)) {
    counters_.stale.add();
    entries_.erase(at->second);
    by_chain_.erase(at);
    return nullptr;
  }
  counters_.hits.add();
  entries_.splice(entries_.begin(), entries_, at->second);
  return &at->second->judgement;
}

const Judgement* IdentityCache::peek(
    const Fingerprint& chain, const TrustStore::Epoch& epoch, UnixTime now
) const {
  const auto at = by_chain_.find(chain);
  return at != by_chain_.end() && at->second->good(epoch, now) ? &at->second->judgement : nullptr;
}

void IdentityCache::put(
    const Fingerprint& chain, const TrustStore::Epoch& epoch, const Judgement& judgement
) {
  const std::size_t chain_bytes = judgement.chain ? judgement.chain->size() : 0;
  if (bytes_of(judgement.peer.get()) + bytes_of(judgement.front_proxy.get()) + chain_bytes >
      limits::identity_cache_entry_bytes_max)
    return;
  Entry entry{
      chain,
      epoch,
      judgement,
      {std::numeric_limits<std::int64_t>::min()},
      {std::numeric_limits<std::int64_t>::max()}
  };
  const auto narrow = [&entry](const PeerCertificate& proved) {
    entry.not_before = std::max(entry.not_before, proved.path_not_before);
    entry.not_after = std::min(entry.not_after, proved.not_after);
  };
  if (judgement.client_error == TlsError::none) narrow(*judgement.peer);
  if (judgement.front_proxy) narrow(*judgement.front_proxy);
  if (const auto at = by_chain_.find(chain); at != by_chain_.end()) {
    *at->second = std::move(entry);
    entries_.splice(entries_.begin(), entries_, at->second);
    return;
  }
  if (entries_.size() >= limits::identity_cache_entries_max) {
    by_chain_.erase(entries_.back().chain);
    entries_.pop_back();
    counters_.evicted.add();
  }
  entries_.push_front(std::move(entry));
  by_chain_.emplace(chain, entries_.begin());
}

}  // namespace gh::tls
