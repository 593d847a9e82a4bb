// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/token_cache.h"

#include "base/limits.h"

#include <gtest/gtest.h>

namespace gh::worker {
namespace {

constexpr UnixTime wall{1'000};
constexpr Instant now{0};

TokenCache::Key key(std::size_t n) {
  TokenCache::Key out{};
  std::memcpy(out.data(), &n, sizeof n);
  return out;
}

TokenCache::Verdict until(std::int64_t ns, std::int64_t not_after = 2'000) {
  TokenCache::Verdict verdict;
  verdict.until = {ns};
  verdict.not_after = {not_after};
  verdict.authenticators = 1;
  return verdict;
}

TEST(TokenCache, verdict_ends_with_its_time_the_tokens_time_and_its_authenticators) {
  TokenCache cache;
  cache.put(key(1), until(100));
  EXPECT_NE(cache.find(key(1), 1, {99}, wall), nullptr);
  EXPECT_EQ(cache.find(key(1), 1, {100}, wall), nullptr);
  cache.put(key(2), until(100, 999));
  EXPECT_EQ(cache.find(key(2), 1, now, wall), nullptr);
  cache.put(key(3), until(100));
  EXPECT_EQ(cache.find(key(3), 2, now, wall), nullptr);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(TokenCache, newer_verdict_takes_the_place_of_the_older) {
  TokenCache cache;
  cache.put(key(1), until(100));
  cache.put(key(1), until(200));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_NE(cache.find(key(1), 1, {150}, wall), nullptr);
}

TEST(TokenCache, the_least_recently_used_goes_at_the_bound) {
  TokenCache cache;
  for (std::size_t i = 0; i < limits::token_cache_entries_max; ++i) cache.put(key(i), until(100));
  EXPECT_NE(cache.find(key(0), 1, now, wall), nullptr);  // used: key 1 is the oldest now
  cache.put(key(limits::token_cache_entries_max), until(100));
  EXPECT_EQ(cache.size(), limits::token_cache_entries_max);
  EXPECT_NE(cache.find(key(0), 1, now, wall), nullptr);
  EXPECT_EQ(cache.find(key(1), 1, now, wall), nullptr);
}

TEST(TokenKey, equal_texts_have_one_hmac_under_a_key_and_another_under_another) {
  tls::Digest256 key{}, other{};
  ASSERT_TRUE(tls::random_bytes(key) && tls::random_bytes(other));
  TokenCache::Key a, b, c, d;
  ASSERT_TRUE(tls::hmac_sha256(key, as_bytes("token"), a));
  ASSERT_TRUE(tls::hmac_sha256(key, as_bytes("token"), b));
  ASSERT_TRUE(tls::hmac_sha256(key, as_bytes("tokem"), c));
  ASSERT_TRUE(tls::hmac_sha256(other, as_bytes("token"), d));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(a, d);
}

}  // namespace
}  // namespace gh::worker
