// SPDX-License-Identifier: Apache-2.0
// What is known of bearer tokens, by their HMAC: nothing here is a token. In: verdicts of the
// authenticators (authz/identity/tokens) and of API servers.   Out: the verdict for a token while
// it is good. Owner: one core.
// Bound: limits::token_cache_entries_max; then the least recently used is forgotten.
#pragma once

#include "base/units.h"
#include "dataplane/worker/principal.h"
#include "tls/signature.h"

#include <cstdint>
#include <cstring>
#include <list>
#include <string>
#include <unordered_map>

namespace gh::worker {

class TokenCache {
 public:
  using Key = tls::Digest256;

  struct Verdict {
    PrincipalRef who;                  // null: refused
    std::string problem;               // why; never the token
    Instant until;                     // of this clock…
    UnixTime not_after;                // …and the token's own last second
    std::uint64_t authenticators = 0;  // the snapshot that judged it
  };

  // Null: nothing is known, or it has ended. Valid until the next call.
  const Verdict* find(const Key& key, std::uint64_t authenticators, Instant now, UnixTime wall);
  void put(const Key& key, Verdict verdict);

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Hash {  // the key is a digest already

    std::size_t operator()(const Key& key) const noexcept {
      std::size_t out = 0;
      std::memcpy(&out, key.data(), sizeof out);
      return out;
    }
  };

  using Entries = std::list<std::pair<Key, Verdict>>;  // the most recently used first

  Entries entries_;
  std::unordered_map<Key, Entries::iterator, Hash> by_key_;
};

}  // namespace gh::worker
