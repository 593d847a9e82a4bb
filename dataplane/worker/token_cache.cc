// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/token_cache.h"

#include "base/limits.h"

namespace gh::worker {

const TokenCache::Verdict* TokenCache::find(
    const Key& key, std::uint64_t authenticators, Instant now, UnixTime wall
) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  const Verdict& verdict = at->second->second;
  if (now >= verdict.until || wall > verdict.not_after ||
      verdict.authenticators != authenticators) {
    entries_.erase(at->second);
    by_key_.erase(at);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return &verdict;
}

void TokenCache::put(const Key& key, Verdict verdict) {
  if (const auto at = by_key_.find(key); at != by_key_.end()) {
    at->second->second = std::move(verdict);
    entries_.splice(entries_.begin(), entries_, at->second);
    return;
  }
  if (entries_.size() >= limits::token_cache_entries_max) {
    by_key_.erase(entries_.back().first);
    entries_.pop_back();
  }
  entries_.emplace_front(key, std::move(verdict));
  by_key_.emplace(key, entries_.begin());
}

}  // namespace gh::worker
