// SPDX-License-Identifier: Apache-2.0
// Handshakes that wait for their public-key operations, and what peers do meanwhile.
#include "tests/tls/crypto_fixture.h"
#include "tests/tls/handshake_fixture.h"
#include "tls/identity_cache.h"
#include "tls/openssl/local_key.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/pem.h>

#include <deque>
#include <string>
#include <vector>

namespace gh::tls {
namespace {

std::shared_ptr<const PrivateKey> key_of(const KeyPair& pair) {
  BioHandle bio(BIO_new_mem_buf(pair.key_pem.data(), static_cast<int>(pair.key_pem.size())));
  return std::make_shared<LocalKey>(
      KeyHandle(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr))
  );
}

// The pair with its key "outside the process".
std::shared_ptr<GatedKey> gate(KeyPair& pair) {
  auto key = std::make_shared<GatedKey>(key_of(pair));
  pair.outside_key = key;
  pair.key_pem.clear();
  return key;
}

class Async : public EitherVersion {
 protected:
  Async() {
    server_settings.batch_crypto = true;
    server_crypto = {&gathered.queue, &waiter};
  }

  // Until the server waits (or nothing moves any more).
  void connect_until_waiting() {
    begin();
    while (!server->engine->waiting() && !(client->out.empty() && server->out.empty())) {
      move(*client, *server, 1 << 20);
      if (!server->engine->waiting()) move(*server, *client, 1 << 20);
    }
    ASSERT_TRUE(server->engine->waiting());
  }

  void resume(Side& side) {
    if (auto result = side.engine->resume(now); !result && side.failure == TlsError::none)
      side.failure = result.error();
    side.read_all();
  }

  // Turns of the loop until both have nothing to say, or wait for a key outside.
  void finish() {
    for (;;) {
      exchange();
      const bool progress = gathered.queue.run();
      resume(*server);
      resume(*client);
      if (!progress && server->out.empty() && client->out.empty()) return;
    }
  }

  std::uint64_t submitted(CryptoKind kind) const {
    return gathered.counters.submitted[static_cast<std::size_t>(kind)].read();
  }

  // Until it waits for a key outside.
  void connect_until_key(const GatedKey& key) {
    begin();
    finish();
    ASSERT_TRUE(server->engine->waiting());
    key.wait_until_entered(1);
  }

  // That key has answered.
  void finish_after_key() {
    gathered.run_until_woken();
    finish();
  }

  void talk() {
    client->say("question");
    exchange();
    EXPECT_EQ(server->received, "question");
    server->say("answer");
    exchange();
    EXPECT_EQ(client->received, "answer");
  }

  TestQueue gathered;
  CountingWaiter waiter;
};

TEST_P(Async, a_handshake_waits_for_its_signature_and_ends_as_any_other) {
  connect_until_waiting();
  EXPECT_EQ(waiter.told, 0);
  finish();
  ASSERT_TRUE(both_established()) << server->engine->error_text() << client->engine->error_text();
  EXPECT_FALSE(server->engine->waiting());
  EXPECT_EQ(server->engine->client_certificate()->common_name, "alice");
  EXPECT_EQ(submitted(CryptoKind::sign_p256), 1u);
#ifndef OPENSSL_IS_AWSLC
  EXPECT_EQ(submitted(CryptoKind::verify_p256), 1u);
  EXPECT_EQ(submitted(CryptoKind::x25519_public), 1u);
  EXPECT_EQ(submitted(CryptoKind::x25519_derive), 1u);
#endif
  EXPECT_EQ(gathered.counters.failed.read(), 0u);
  talk();
}

TEST_P(Async, without_a_queue_everything_is_done_at_once) {
  server_crypto = {};
  connect();
  ASSERT_TRUE(both_established()) << server->engine->error_text();
  talk();
}

TEST_P(Async, a_context_that_does_not_batch_uses_no_queue) {
  server_settings.batch_crypto = false;
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(submitted(CryptoKind::sign_p256), 0u);
}

TEST_P(Async, keys_of_every_kind_sign) {
  for (const auto kind : {test::KeyKind::p384, test::KeyKind::rsa2048, test::KeyKind::ed25519}) {
    server_context.reset();
    client_context.reset();
    server_settings.certificates = {pair_of(ca.issue(
        {.common_name = "api.test",
         .dns_names = {"api.test"},
         .usage = test::Usage::server,
         .key = kind}
    ))};
    client_settings.certificate =
        pair_of(client_ca.issue({.common_name = "alice", .usage = test::Usage::client, .key = kind})
        );
    begin();
    finish();
    EXPECT_TRUE(both_established())
        << int(kind) << server->engine->error_text() << client->engine->error_text();
  }
  EXPECT_EQ(gathered.counters.failed.read(), 0u);
}

TEST_P(Async, an_rsa_and_an_ecdsa_certificate_of_one_name_both_sign) {
#ifdef OPENSSL_IS_AWSLC
  GTEST_SKIP() << "AWS-LC has one place for a key that is asked later";
#endif
  server_settings.certificates.push_back(pair_of(ca.issue(
      {.common_name = "api.test",
       .dns_names = {"api.test"},
       .usage = test::Usage::server,
       .key = test::KeyKind::rsa2048}
  )));
  gate(server_settings.certificates[0])->open();
  for (const char* only : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}) {
    client_settings.protocol.ciphers_tls12 = only;
    client_context.reset();
    begin();
    finish();
    if (server->engine->waiting()) finish_after_key();
    ASSERT_TRUE(both_established()) << server->engine->error_text();
  }
}

TEST_P(Async, a_session_is_resumed_without_any_signature) {
  client_settings.resume = true;
  connect_until_waiting();
  finish();
  ASSERT_TRUE(both_established());
  talk();
  const auto before = submitted(CryptoKind::sign_p256);
  begin();
  finish();
  ASSERT_TRUE(both_established());
  EXPECT_TRUE(server->engine->resumed());
  EXPECT_EQ(submitted(CryptoKind::sign_p256), before);
  talk();
}

TEST_P(Async, a_client_waits_for_its_own_key) {
  auto key = gate(*client_settings.certificate);
  client_crypto = {&gathered.queue, &waiter};
  begin();
  finish();
  key->wait_until_entered(1);
  EXPECT_TRUE(client->engine->waiting());
  EXPECT_FALSE(server->engine->established());
  key->open();
  finish_after_key();
  ASSERT_TRUE(both_established()) << client->engine->error_text();
  talk();
}

TEST_P(Async, many_handshakes_share_a_batch) {
  struct Pair {
    std::unique_ptr<Side> server, client;
  };

  std::vector<Pair> pairs;
  for (int i = 0; i < 11; ++i) {
    connect_until_waiting();
    pairs.push_back({std::move(server), std::move(client)});
  }
  gathered.run();
  for (Pair& pair : pairs) {
    server = std::move(pair.server);
    client = std::move(pair.client);
    resume(*server);
    finish();
    EXPECT_TRUE(both_established());
  }
  EXPECT_GE(gathered.counters.batches[7].read(), 1u);
}

// ---- what goes wrong ----

TEST_P(Async, a_key_that_fails_ends_the_handshake_with_an_alert) {
  auto key = gate(server_settings.certificates[0]);
  connect_until_key(*key);
  key->fail_from_now_on();
  key->open();
  finish_after_key();
  EXPECT_EQ(server->failure, TlsError::internal);
  EXPECT_NE(server->engine->error_text().find("private key"), std::string::npos)
      << server->engine->error_text();
  EXPECT_FALSE(server->engine->waiting());
  exchange();
#ifdef OPENSSL_IS_AWSLC  // says nothing to the peer when a key fails
  EXPECT_FALSE(client->engine->established());
#else
  EXPECT_EQ(client->failure, TlsError::peer_alert);
  EXPECT_EQ(client->engine->alert(), 80);  // internal_error
#endif
  EXPECT_EQ(gathered.counters.failed.read(), 1u);
}

TEST_P(Async, resuming_too_early_or_twice_changes_nothing) {
  connect_until_waiting();
  for (int i = 0; i < 3; ++i) resume(*server);
  EXPECT_TRUE(server->engine->waiting());
  EXPECT_EQ(server->failure, TlsError::none);
  finish();
  ASSERT_TRUE(both_established());
  for (int i = 0; i < 3; ++i) resume(*server);
  EXPECT_EQ(server->failure, TlsError::none);
  talk();
}

TEST_P(Async, what_the_client_sends_meanwhile_is_kept_and_judged_after) {
  connect_until_waiting();
  const std::vector<std::uint8_t> garbage(5000, 0x17);
  ASSERT_TRUE(server->engine->on_ciphertext(garbage, now).has_value());
  EXPECT_TRUE(server->engine->waiting());
  finish();
  EXPECT_FALSE(server->engine->established());
  EXPECT_NE(server->failure, TlsError::none);
}

TEST_P(Async, a_handshake_given_up_while_queued_is_forgotten) {
  connect_until_waiting();
  server.reset();
  EXPECT_EQ(gathered.queue.queued(), 0u);
  EXPECT_EQ(gathered.counters.abandoned.read(), 1u);
  EXPECT_FALSE(gathered.queue.run());
  EXPECT_EQ(waiter.told, 0);
}

TEST_P(Async, a_handshake_given_up_between_the_answer_and_going_on_leaves_nothing) {
  connect_until_waiting();
  gathered.run();
  EXPECT_EQ(waiter.told, 1);
  server.reset();
}

TEST_P(Async, a_handshake_may_be_given_up_at_any_of_its_operations) {
  for (int stage = 0;; ++stage) {
    connect_until_waiting();
    for (int i = 0; i < stage && server->engine->waiting(); ++i) {
      gathered.queue.run();
      resume(*server);
      if (!server->engine->waiting()) exchange();
    }
    if (!server->engine->waiting()) break;
    server.reset();
    EXPECT_EQ(gathered.queue.queued(), 0u) << stage;
  }
  EXPECT_TRUE(both_established());
}

TEST_P(Async, nothing_is_sent_for_a_handshake_given_up) {
  connect_until_waiting();
  Side gone(pool);
  gone.engine = std::move(server->engine);
  const std::size_t before = server->out.size();
  gone.engine.reset();
  EXPECT_EQ(server->out.size(), before);
}

TEST_P(Async, a_handshake_given_up_while_a_helper_has_its_key_leaves_nothing) {
  auto key = gate(server_settings.certificates[0]);
  connect_until_key(*key);
  server.reset();
  server_context.reset();  // the helper holds the key alone
  key->open();
  gathered.run_until_woken();
  EXPECT_EQ(gathered.counters.abandoned.read(), 1u);
}

TEST_P(Async, the_old_key_signs_for_handshakes_begun_before_a_reload) {
  connect_until_waiting();
  const auto old = std::move(server_context);
  server_settings.certificates = {pair_of(ca.server("api.test"))};
  make_server_context();
  server_context.reset();
  finish();
  EXPECT_TRUE(both_established()) << client->engine->error_text();
}

TEST_P(Async, contexts_may_go_while_a_handshake_waits) {
  connect_until_waiting();
  server_context.reset();
  client_context.reset();
  finish();
  EXPECT_TRUE(both_established());
}

TEST_P(Async, when_the_queue_is_full_handshakes_go_on_alone) {
  std::deque<CryptoOp> others(limits::crypto_queued_max);
  for (CryptoOp& op : others) {
    op.alone = [](CryptoOp& one) noexcept { one.good = true; };
    ASSERT_TRUE(gathered.queue.submit(op, waiter));
  }
  connect();
  EXPECT_TRUE(both_established()) << server->engine->error_text();
  EXPECT_GE(gathered.counters.in_place.read(), 1u);
  for (CryptoOp& op : others) gathered.queue.cancel(op);
}

TEST_P(Async, a_key_that_is_slow_holds_up_no_other_handshake) {
  auto key = gate(server_settings.certificates[0]);
  connect_until_key(*key);
  auto slow_server = std::move(server);
  auto slow_client = std::move(client);
  auto slow_context = std::move(server_context);
  server_settings.certificates = {pair_of(ca.server("api.test"))};
  for (int i = 0; i < 5; ++i) {
    begin();
    finish();
    ASSERT_TRUE(both_established());
  }
  EXPECT_TRUE(slow_server->engine->waiting());
  key->open();
  server = std::move(slow_server);
  client = std::move(slow_client);
  finish_after_key();
  EXPECT_TRUE(both_established());
}

TEST_P(Async, ten_thousand_handshakes_given_up_leave_the_heap_as_it_was) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  constexpr int rounds = 1'000;  // leaks are found at the end anyway
#else
  constexpr int rounds = 10'000;
#endif
#else
  constexpr int rounds = 10'000;
#endif
  ASSERT_NO_FATAL_FAILURE(connect_until_waiting());
  // The same hello each time, so that only the server works.
  begin();
  std::vector<std::uint8_t> hello;
  while (!client->out.empty()) {
    const ByteView front = client->out.front();
    hello.insert(hello.end(), front.begin(), front.end());
    client->out.pop(front.size());
  }
  const auto give_up = [&](int times) {
    for (int i = 0; i < times; ++i) {
      Side side(pool);
      side.engine = Engine::make_server(*server_context, side.out, nullptr, server_crypto);
      ASSERT_TRUE(side.engine->on_ciphertext(hello, now).has_value());
      ASSERT_TRUE(side.engine->waiting());
      if (i % 3 == 0) gathered.run();  // answered, not gone on with
    }
  };
  ASSERT_NO_FATAL_FAILURE(give_up(100));
  const std::size_t before = ::mallinfo2().uordblks;
  ASSERT_NO_FATAL_FAILURE(give_up(rounds));
  const std::size_t after = ::mallinfo2().uordblks;
  EXPECT_LT(after, before + 64 * 1024) << "grew by " << (after - before);
}

INSTANTIATE_TEST_SUITE_P(
    Versions,
    Async,
    testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
    [](const auto& of) {
      return of.param == ProtocolVersion::tls_1_2 ? std::string("tls12") : std::string("tls13");
    }
);

}  // namespace
}  // namespace gh::tls
