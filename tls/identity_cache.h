// SPDX-License-Identifier: Apache-2.0
// Client chains that were verified before, by the SHA-256 of the chain as presented: a known one is
// not verified again. Proof that the client holds the key is never remembered.
// In: judgements of handshakes that ended well.   Out: the judgement, while it is what verifying
// anew would give: same trust epoch, and within the validity of all that was proved. CRLs are part
// of the epoch and their nextUpdate changes no verdict, so nothing else depends on time.
// Owner: one core; it outlives the contexts engines are made from (a reload).
// Bounds: limits::identity_cache_entries_max, then the least recently used is forgotten (constant
// time); limits::identity_cache_entry_bytes_max, larger identities are verified each time. Only a
// client that proved possession gets an entry, so chains copied off the wire push nobody out.
#pragma once

#include "base/counters.h"
#include "base/units.h"
#include "tls/engine.h"
#include "tls/peer_certificate.h"
#include "tls/trust_store.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace gh::tls {

struct IdentityCacheCounters {
  Counter hits;
  Counter misses;
  Counter stale;    // known, but of another trust epoch or outside its validity: verified anew
  Counter evicted;  // pushed out at the bound
};

// What was found about one chain.
struct Judgement {
  std::shared_ptr<const PeerCertificate> peer;         // with client_error: its names, unproved
  std::shared_ptr<const PeerCertificate> front_proxy;  // null: not by the trust for front proxies
  std::shared_ptr<const std::vector<std::uint8_t>> chain;  // packed; for when the trust changes
  TlsError client_error = TlsError::none;                  // why the trust for clients refused it
  std::string why;                                         // …in words
};

class IdentityCache {
 public:
  explicit IdentityCache(IdentityCacheCounters& counters) : counters_(counters) {}

  IdentityCache(const IdentityCache&) = delete;
  IdentityCache& operator=(const IdentityCache&) = delete;

  // Null: to be verified. Valid until the next call. `epoch`: of all trust that judges clients.
  const Judgement* find(const Fingerprint& chain, const TrustStore::Epoch& epoch, UnixTime now);

  // The same for a client that resumes: nothing is counted, moved or removed.
  const Judgement* peek(const Fingerprint& chain, const TrustStore::Epoch& epoch, UnixTime now)
      const;

  // Precondition: a refusal in it does not depend on the time, and something was proved.
  void put(const Fingerprint& chain, const TrustStore::Epoch& epoch, const Judgement& judgement);

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    Fingerprint chain;
    TrustStore::Epoch epoch;
    Judgement judgement;
    UnixTime not_before, not_after;  // of all that was proved

    bool good(const TrustStore::Epoch& now_in_force, UnixTime now) const;
  };

  struct Hash {  // the key is a digest already

    std::size_t operator()(const Fingerprint& chain) const noexcept {
      std::size_t out = 0;
      std::memcpy(&out, chain.data(), sizeof out);
      return out;
    }
  };

  using Entries = std::list<Entry>;  // the most recently used first

  IdentityCacheCounters& counters_;
  Entries entries_;
  std::unordered_map<Fingerprint, Entries::iterator, Hash> by_chain_;
};

}  // namespace gh::tls
