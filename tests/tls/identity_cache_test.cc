// SPDX-License-Identifier: Apache-2.0
// Chains verified once: what is found again, and above all what must not be.
#include "tls/identity_cache.h"

#include "base/limits.h"
#include "tests/tls/handshake_fixture.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace gh::tls {
namespace {

Fingerprint key(std::size_t number) {
  Fingerprint out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(number >> 8 * i);
  return out;
}

TrustStore::Epoch epoch(std::uint8_t number) {
  TrustStore::Epoch out{};
  out.fill(number);
  return out;
}

Judgement alice(std::int64_t from = 100, std::int64_t to = 200) {
  auto peer = std::make_shared<PeerCertificate>();
  peer->common_name = "alice";
  peer->path_not_before = {from};
  peer->not_after = {to};
  Judgement out;
  out.peer = std::move(peer);
  return out;
}

class IdentityCacheTest : public ::testing::Test {
 protected:
  IdentityCacheCounters counters;
  IdentityCache cache{counters};
};

TEST_F(IdentityCacheTest, known_chain_is_found_and_shared) {
  EXPECT_EQ(cache.find(key(1), epoch(1), {150}), nullptr);
  const Judgement put = alice();
  cache.put(key(1), epoch(1), put);
  const Judgement* found = cache.find(key(1), epoch(1), {150});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->peer, put.peer);
  EXPECT_EQ(counters.misses.read(), 1u);
  EXPECT_EQ(counters.hits.read(), 1u);
}

TEST_F(IdentityCacheTest, entry_of_another_epoch_is_stale_and_gone) {
  cache.put(key(1), epoch(1), alice());
  EXPECT_EQ(cache.peek(key(1), epoch(2), {150}), nullptr);
  EXPECT_EQ(cache.find(key(1), epoch(2), {150}), nullptr);
  EXPECT_EQ(counters.stale.read(), 1u);
  EXPECT_EQ(cache.find(key(1), epoch(1), {150}), nullptr);
  EXPECT_EQ(counters.misses.read(), 1u);
}

TEST_F(IdentityCacheTest, entry_is_good_within_the_validity_of_its_path_only) {
  for (const std::int64_t outside : {99, 200, 201}) {
    cache.put(key(1), epoch(1), alice());
    EXPECT_EQ(cache.peek(key(1), epoch(1), {outside}), nullptr) << outside;
    EXPECT_EQ(cache.find(key(1), epoch(1), {outside}), nullptr) << outside;
  }
  EXPECT_EQ(counters.stale.read(), 3u);
  cache.put(key(1), epoch(1), alice());
  EXPECT_NE(cache.find(key(1), epoch(1), {100}), nullptr);
  EXPECT_NE(cache.find(key(1), epoch(1), {199}), nullptr);
}

TEST_F(IdentityCacheTest, judgement_of_a_front_proxy_narrows_the_validity) {
  Judgement both = alice(100, 200);
  both.front_proxy = alice(120, 160).peer;
  cache.put(key(1), epoch(1), both);
  EXPECT_EQ(cache.peek(key(1), epoch(1), {119}), nullptr);
  EXPECT_NE(cache.peek(key(1), epoch(1), {120}), nullptr);
  EXPECT_EQ(cache.peek(key(1), epoch(1), {160}), nullptr);
  both.client_error = TlsError::unknown_authority;  // its names are unproved, so is their validity
  both.front_proxy = alice(90, 300).peer;
  cache.put(key(1), epoch(1), both);
  EXPECT_NE(cache.peek(key(1), epoch(1), {250}), nullptr);
}

TEST_F(IdentityCacheTest, bound_evicts_the_least_recently_used) {
  for (std::size_t i = 0; i < limits::identity_cache_entries_max; ++i)
    cache.put(key(i), epoch(1), alice());
  EXPECT_NE(cache.find(key(0), epoch(1), {150}), nullptr);  // used: stays
  cache.put(key(limits::identity_cache_entries_max), epoch(1), alice());
  EXPECT_EQ(cache.size(), limits::identity_cache_entries_max);
  EXPECT_EQ(counters.evicted.read(), 1u);
  EXPECT_NE(cache.peek(key(0), epoch(1), {150}), nullptr);
  EXPECT_EQ(cache.peek(key(1), epoch(1), {150}), nullptr);
}

TEST_F(IdentityCacheTest, entry_put_twice_is_one) {
  cache.put(key(1), epoch(1), alice());
  cache.put(key(1), epoch(2), alice());
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_NE(cache.find(key(1), epoch(2), {150}), nullptr);
}

TEST_F(IdentityCacheTest, large_identity_is_not_kept) {
  auto peer = std::make_shared<PeerCertificate>(*alice().peer);
  peer->organizations.assign(1000, std::string(100, 'g'));
  Judgement large;
  large.peer = std::move(peer);
  cache.put(key(1), epoch(1), large);
  EXPECT_EQ(cache.size(), 0u);
}

// ---- through the engine ----

class KnownClients : public EitherVersion {
 protected:
  KnownClients() { server_settings.ticket_keys = nullptr; }

  void begin_known() {
    begin();
    server->engine = Engine::make_server(*server_context, server->out, &cache);
  }

  void connect_known() {
    begin_known();
    exchange();
  }

  void expect_alice() {
    ASSERT_TRUE(both_established()) << server->engine->error_text();
    ASSERT_NE(server->engine->client_certificate(), nullptr);
    EXPECT_EQ(server->engine->client_certificate()->common_name, "alice");
    EXPECT_EQ(server->engine->client_error(), TlsError::none);
    EXPECT_EQ(server->engine->trust_epoch(), server_settings.client_trust->epoch());
  }

  void expect_counts(std::uint64_t hits, std::uint64_t misses, std::uint64_t stale) {
    EXPECT_EQ(counters.hits.read(), hits);
    EXPECT_EQ(counters.misses.read(), misses);
    EXPECT_EQ(counters.stale.read(), stale);
  }

  void refused_with(TlsError error) {
    connect_known();
    EXPECT_FALSE(server->engine->established());
    EXPECT_EQ(server->failure, error);
    EXPECT_EQ(server->engine->client_certificate(), nullptr);
  }

  IdentityCacheCounters counters;
  IdentityCache cache{counters};
};

INSTANTIATE_TEST_SUITE_P(
    Tls,
    KnownClients,
    ::testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
    [](const ::testing::TestParamInfo<ProtocolVersion>& one) {
      return one.param == ProtocolVersion::tls_1_2 ? "tls12" : "tls13";
    }
);

TEST_P(KnownClients, second_connection_is_a_hit_with_the_same_identity) {
  connect_known();
  expect_alice();
  const PeerCertificate first = *server->engine->client_certificate();
  connect_known();
  expect_alice();
  const PeerCertificate& again = *server->engine->client_certificate();
  EXPECT_EQ(again.organizations, first.organizations);
  EXPECT_EQ(again.fingerprint, first.fingerprint);
  EXPECT_EQ(again.chain_fingerprint, first.chain_fingerprint);
  EXPECT_EQ(again.not_before, first.not_before);
  EXPECT_EQ(again.not_after, first.not_after);
  expect_counts(1, 1, 0);
}

TEST_P(KnownClients, reload_with_the_same_trust_keeps_what_is_known) {
  connect_known();
  make_server_context();
  connect_known();
  expect_alice();
  expect_counts(1, 1, 0);
}

TEST_P(KnownClients, possession_of_the_key_is_proved_each_time) {
  connect_known();
  expect_alice();
  const KeyPair alices = *client_settings.certificate;
  begin_known();
  move(*client, *server, 1 << 20);
  move(*server, *client, 1 << 20);
  // Certificate, CertificateVerify and Finished of another run do not fit this one.
  std::vector<std::uint8_t> other;
  while (!client->out.empty()) {
    const ByteView front = client->out.front();
    other.insert(other.end(), front.begin(), front.end());
    client->out.pop(front.size());
  }
  begin_known();
  move(*client, *server, 1 << 20);
  server->take(other, now);
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(server->engine->client_certificate(), nullptr);
}

TEST_P(KnownClients, client_that_did_not_prove_possession_is_not_remembered) {
  begin_known();
  move(*client, *server, 1 << 20);
  move(*server, *client, 1 << 20);
  std::vector<std::uint8_t> flight;
  while (!client->out.empty()) {
    const ByteView front = client->out.front();
    flight.insert(flight.end(), front.begin(), front.end());
    client->out.pop(front.size());
  }
  flight.back() ^= 1;  // its Finished
  server->take(flight, now);
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(cache.size(), 0u);
}

TEST_P(KnownClients, removed_authority_refuses_a_known_client) {
  connect_known();
  server_settings.client_trust = trust_of(ca.pem());
  make_server_context();
  refused_with(TlsError::unknown_authority);
  expect_counts(0, 1, 1);
}

TEST_P(KnownClients, revocation_refuses_a_known_client) {
  const auto bob = client_ca.client("bob");
  client_settings.certificate = pair_of(bob);
  connect_known();
  server_settings.client_trust = trust_of(client_ca.pem(), client_ca.crl_pem({bob}));
  make_server_context();
  refused_with(TlsError::revoked);
}

TEST_P(KnownClients, expiry_of_the_certificate_refuses_a_known_client) {
  test::Options brief;
  brief.common_name = "bob";
  brief.not_after = test::now_seconds + 60;
  client_settings.certificate = pair_of(client_ca.issue(brief));
  connect_known();
  ASSERT_TRUE(both_established());
  now.seconds += 59;
  connect_known();
  ASSERT_TRUE(both_established());
  now.seconds += 1;
  refused_with(TlsError::expired);
  expect_counts(1, 1, 1);
}

TEST_P(KnownClients, expiry_of_an_intermediate_refuses_a_known_client) {
  test::Options brief;
  brief.not_after = test::now_seconds + 60;
  client_settings.certificate = pair_of(client_ca.intermediate("between", brief).client("bob"));
  connect_known();
  ASSERT_TRUE(both_established());
  now.seconds += 60;
  refused_with(TlsError::expired);
}

TEST_P(KnownClients, clock_set_back_before_the_validity_refuses_a_known_client) {
  test::Options later;
  later.common_name = "bob";
  later.not_before = test::now_seconds;
  client_settings.certificate = pair_of(client_ca.issue(later));
  connect_known();
  ASSERT_TRUE(both_established());
  now.seconds -= 1;
  refused_with(TlsError::not_yet_valid);
}

TEST_P(KnownClients, other_intermediates_are_another_chain) {
  const auto bob = client_ca.intermediate("between").client("bob");
  client_settings.certificate = pair_of(bob);
  connect_known();
  ASSERT_TRUE(both_established());
  client_settings.certificate->chain_pem += ca.pem();
  make_client_context();
  connect_known();
  ASSERT_TRUE(both_established());
  expect_counts(0, 2, 0);
}

TEST_P(KnownClients, refused_client_is_verified_each_time) {
  server_settings.mode = ClientCertMode::request;
  client_settings.certificate = pair_of(test::Authority("other").client("mallory"));
  for (int i = 0; i < 2; ++i) {
    connect_known();
    ASSERT_TRUE(both_established());
    EXPECT_EQ(server->engine->client_error(), TlsError::unknown_authority);
  }
  EXPECT_EQ(cache.size(), 0u);
  expect_counts(0, 2, 0);
}

TEST_P(KnownClients, front_proxy_is_known_as_one) {
  const test::Authority proxy_ca{"proxy-ca"};
  server_settings.proxy_trust = trust_of(proxy_ca.pem());
  client_settings.certificate = pair_of(proxy_ca.client("front-proxy"));
  for (int i = 0; i < 2; ++i) {
    connect_known();
    ASSERT_TRUE(both_established()) << server->engine->error_text();
    ASSERT_NE(server->engine->front_proxy(), nullptr);
    EXPECT_EQ(server->engine->front_proxy()->common_name, "front-proxy");
    EXPECT_EQ(server->engine->client_error(), TlsError::unknown_authority);
    EXPECT_NE(server->engine->error_text(), "");
  }
  expect_counts(1, 1, 0);
  server_settings.proxy_trust = trust_of(ca.pem());
  make_server_context();
  refused_with(TlsError::unknown_authority);
}

TEST_P(KnownClients, living_connection_of_a_known_client_is_judged_anew) {
  client_settings.certificate = pair_of(client_ca.intermediate("between").client("bob"));
  connect_known();
  connect_known();
  ASSERT_TRUE(both_established());
  EXPECT_TRUE(
      server->engine->verify_client_again(*trust_of(client_ca.pem() + ca.pem()), now).has_value()
  );
  EXPECT_FALSE(server->engine->verify_client_again(*trust_of(ca.pem()), now).has_value());
}

TEST_P(KnownClients, resumption_is_no_lookup_and_shares_what_is_known) {
  server_settings.ticket_keys = fresh_keys();
  client_settings.resume = true;
  client_settings.certificate = pair_of(client_ca.intermediate("between").client("alice"));
  connect_known();
  const PeerCertificate* known = server->engine->client_certificate();
  connect_known();
  expect_alice();
  EXPECT_TRUE(server->engine->resumed());
  EXPECT_EQ(server->engine->client_certificate(), known);
  expect_counts(0, 1, 0);
  // The whole chain is at hand, so the connection outlives a change that keeps the authority.
  EXPECT_TRUE(
      server->engine->verify_client_again(*trust_of(client_ca.pem() + ca.pem()), now).has_value()
  );
}

TEST_P(KnownClients, ticket_of_an_old_epoch_resumes_when_the_chain_is_known_under_the_new) {
  server_settings.ticket_keys = fresh_keys();
  client_settings.resume = true;
  client_settings.certificate = pair_of(client_ca.intermediate("between").client("alice"));
  connect_known();
  auto old = std::move(client_context);
  server_settings.client_trust = trust_of(client_ca.pem() + ca.pem());
  make_server_context();
  connect_known();  // another client with this certificate, in full
  expect_alice();
  EXPECT_FALSE(server->engine->resumed());
  client_context = std::move(old);
  connect_known();
  expect_alice();
  EXPECT_TRUE(server->engine->resumed());
}

}  // namespace
}  // namespace gh::tls
