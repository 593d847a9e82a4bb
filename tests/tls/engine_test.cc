// SPDX-License-Identifier: Apache-2.0
#include "tls/engine.h"

#include "base/limits.h"
#include "tests/tls/handshake_fixture.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::tls {
namespace {

std::string version_name(const ::testing::TestParamInfo<ProtocolVersion>& one) {
  return one.param == ProtocolVersion::tls_1_2 ? "tls12" : "tls13";
}

INSTANTIATE_TEST_SUITE_P(
    Tls,
    EitherVersion,
    ::testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
    version_name
);

using Engines = Handshake;

// ---- the client's certificate ----

TEST_P(EitherVersion, mutual_handshake_gives_the_client_certificate) {
  connect();
  ASSERT_TRUE(both_established()) << server->engine->error_text() << " / "
                                  << client->engine->error_text();
  const auto* who = server->engine->client_certificate();
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(who->common_name, "alice");
  EXPECT_EQ(who->organizations, (std::vector<std::string>{"dev", "ops"}));
  EXPECT_EQ(who->not_after.seconds, test::valid_until_seconds);
  EXPECT_EQ(server->engine->client_error(), TlsError::none);
  EXPECT_EQ(server->engine->trust_epoch(), server_settings.client_trust->epoch());
  EXPECT_EQ(server->engine->version(), GetParam());
  EXPECT_EQ(server->engine->alpn(), Alpn::h2);
  EXPECT_EQ(client->engine->alpn(), Alpn::h2);
  EXPECT_EQ(server->engine->server_name(), "api.test");
  EXPECT_FALSE(server->engine->resumed());
  EXPECT_FALSE(server->engine->cipher().empty());
}

TEST_P(EitherVersion, intermediates_are_taken_from_what_the_client_presents) {
  const auto intermediate = client_ca.intermediate("between");
  client_settings.certificate = pair_of(intermediate.client("bob"));
  connect();
  ASSERT_TRUE(both_established()) << server->engine->error_text();
  EXPECT_EQ(server->engine->client_certificate()->common_name, "bob");
}

TEST_P(EitherVersion, the_path_expires_with_its_earliest_certificate) {
  test::Options early;
  early.not_after = test::now_seconds + 100;
  const auto intermediate = client_ca.intermediate("between", early);
  client_settings.certificate = pair_of(intermediate.client("bob"));
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->client_certificate()->not_after.seconds, test::now_seconds + 100);
}

// What the server answers to a client whose certificate it will not have.
void expect_refusal(const Side& server, const Side& client, TlsError error, int alert) {
  EXPECT_EQ(server.failure, error) << server.engine->error_text();
  EXPECT_FALSE(server.engine->established());
  EXPECT_FALSE(server.engine->error_text().empty());
  EXPECT_EQ(client.failure, TlsError::peer_alert);
  EXPECT_EQ(client.engine->alert(), alert) << client.engine->error_text();
}

TEST_P(EitherVersion, no_certificate_is_refused_when_one_is_required) {
  client_settings.certificate.reset();
  connect();
  expect_refusal(
      *server, *client, TlsError::no_certificate, GetParam() == ProtocolVersion::tls_1_3 ? 116 : 40
  );
}

TEST_P(EitherVersion, certificate_of_another_authority_is_refused) {
  client_settings.certificate = pair_of(test::Authority("client-ca").client("alice"));
  connect();
  expect_refusal(*server, *client, TlsError::unknown_authority, 48);
}

TEST_P(EitherVersion, self_signed_certificate_is_refused) {
  test::Options options;
  options.common_name = "alice";
  client_settings.certificate = pair_of(test::self_signed(options));
  connect();
  expect_refusal(*server, *client, TlsError::unknown_authority, 48);
}

TEST_P(EitherVersion, expired_certificate_is_refused) {
  test::Options options;
  options.common_name = "alice";
  options.not_after = test::now_seconds - 1;
  client_settings.certificate = pair_of(client_ca.issue(options));
  connect();
  expect_refusal(*server, *client, TlsError::expired, 45);
}

TEST_P(EitherVersion, certificate_ending_this_very_second_is_refused_as_the_clock_is_cut) {
  test::Options options;
  options.common_name = "alice";
  options.not_after = test::now_seconds;
  client_settings.certificate = pair_of(client_ca.issue(options));
  connect();
  expect_refusal(*server, *client, TlsError::expired, 45);
}

TEST_P(EitherVersion, certificate_that_is_not_valid_yet_is_refused) {
  test::Options options;
  options.common_name = "alice";
  options.not_before = test::now_seconds + 1;
  client_settings.certificate = pair_of(client_ca.issue(options));
  connect();
  expect_refusal(*server, *client, TlsError::not_yet_valid, 42);
}

TEST_P(EitherVersion, server_certificate_is_refused_as_a_client_certificate) {
  client_settings.certificate = pair_of(client_ca.server("alice"));
  connect();
  expect_refusal(*server, *client, TlsError::bad_usage, 43);
}

TEST_P(EitherVersion, revoked_certificate_is_refused) {
  const auto bob = client_ca.client("bob");
  server_settings.client_trust = trust_of(client_ca.pem(), client_ca.crl_pem({bob}));
  client_settings.certificate = pair_of(bob);
  connect();
  expect_refusal(*server, *client, TlsError::revoked, 44);
}

TEST_P(EitherVersion, chain_with_too_many_certificates_is_refused) {
  const auto alice = client_ca.client("alice");
  auto pair = pair_of(alice);
  for (std::size_t i = 0; i < limits::client_chain_max; ++i) pair.chain_pem += client_ca.pem();
  client_settings.certificate = pair;
  connect();
  EXPECT_EQ(server->failure, TlsError::chain_too_long) << server->engine->error_text();
}

TEST_P(EitherVersion, chain_with_too_many_bytes_is_refused_before_it_is_parsed) {
  test::Options fat;
  fat.organizations = {std::string(20'000, 'x')};
  auto pair = pair_of(client_ca.client("alice"));
  for (int i = 0; i < 4; ++i) {
    fat.common_name = std::to_string(i);
    pair.chain_pem += client_ca.issue(fat).pem();
  }
  client_settings.certificate = pair;
  connect();
  EXPECT_EQ(server->failure, TlsError::chain_too_long) << server->engine->error_text();
}

TEST_P(EitherVersion, no_trust_store_trusts_nobody) {
  server_settings.client_trust = nullptr;
  connect();
  expect_refusal(*server, *client, TlsError::unknown_authority, 48);
}

TEST_P(EitherVersion, client_keys_of_each_kind_are_accepted) {
  for (const auto kind :
       {test::KeyKind::p256, test::KeyKind::p384, test::KeyKind::rsa2048, test::KeyKind::ed25519}) {
    test::Options options;
    options.common_name = "alice";
    options.key = kind;
    client_settings.certificate = pair_of(client_ca.issue(options));
    client_context.reset();
    connect();
    EXPECT_TRUE(both_established()) << static_cast<int>(kind) << server->engine->error_text();
  }
}

// ---- request mode ----

TEST_P(EitherVersion, request_mode_lets_a_client_without_certificate_in) {
  server_settings.mode = ClientCertMode::request;
  client_settings.certificate.reset();
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->client_certificate(), nullptr);
  EXPECT_EQ(server->engine->client_error(), TlsError::none);
}

TEST_P(EitherVersion, request_mode_tells_why_a_certificate_was_refused) {
  server_settings.mode = ClientCertMode::request;
  client_settings.certificate = pair_of(test::Authority("other").client("mallory"));
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->client_error(), TlsError::unknown_authority);
  ASSERT_NE(server->engine->client_certificate(), nullptr);
  EXPECT_EQ(server->engine->client_certificate()->common_name, "mallory");
  EXPECT_FALSE(server->engine->error_text().empty());
}

TEST_P(EitherVersion, request_mode_verifies_a_good_certificate) {
  server_settings.mode = ClientCertMode::request;
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->client_error(), TlsError::none);
  EXPECT_EQ(server->engine->client_certificate()->common_name, "alice");
}

// ---- front proxies ----

TEST_P(EitherVersion, front_proxy_of_an_authority_of_its_own_is_let_in_and_known_as_such) {
  const test::Authority proxies("proxies");
  server_settings.proxy_trust = trust_of(proxies.pem());
  client_settings.certificate = pair_of(proxies.client("aggregator"));
  connect();
  ASSERT_TRUE(both_established()) << server->engine->error_text();
  EXPECT_EQ(server->engine->client_error(), TlsError::unknown_authority);
  ASSERT_NE(server->engine->front_proxy(), nullptr);
  EXPECT_EQ(server->engine->front_proxy()->common_name, "aggregator");
}

TEST_P(EitherVersion, client_that_only_clients_authorities_trust_is_no_front_proxy) {
  server_settings.proxy_trust = trust_of(test::Authority("proxies").pem());
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->client_error(), TlsError::none);
  EXPECT_EQ(server->engine->front_proxy(), nullptr);
}

TEST_P(EitherVersion, client_that_neither_trusts_is_refused) {
  server_settings.proxy_trust = trust_of(test::Authority("proxies").pem());
  client_settings.certificate = pair_of(test::Authority("other").client("mallory"));
  connect();
  EXPECT_FALSE(server->engine->established());
}

TEST_P(EitherVersion, front_proxys_session_is_never_resumed) {
  server_settings.proxy_trust = trust_of(client_ca.pem());  // the same authority for both
  client_settings.resume = true;
  for (int turn = 0; turn < 2; ++turn) {
    connect();
    ASSERT_TRUE(both_established());
    EXPECT_FALSE(server->engine->resumed());
    ASSERT_NE(server->engine->front_proxy(), nullptr);
    EXPECT_EQ(server->engine->front_proxy()->common_name, "alice");
  }
}

// ---- verification anew ----

TEST_P(EitherVersion, living_connection_is_judged_anew_by_another_trust_store) {
  const auto intermediate = client_ca.intermediate("between");
  const auto bob = intermediate.client("bob");
  client_settings.certificate = pair_of(bob);
  connect();
  ASSERT_TRUE(both_established());
  const auto& engine = *server->engine;
  EXPECT_TRUE(engine.verify_client_again(*trust_of(client_ca.pem() + ca.pem()), now).has_value());
  EXPECT_EQ(
      engine.verify_client_again(*trust_of(ca.pem()), now).error(), TlsError::unknown_authority
  );
  EXPECT_EQ(
      engine.verify_client_again(*trust_of(client_ca.pem(), intermediate.crl_pem({bob})), now)
          .error(),
      TlsError::revoked
  );
  EXPECT_EQ(
      engine.verify_client_again(*server_settings.client_trust, UnixTime{test::valid_until_seconds})
          .error(),
      TlsError::expired
  );
}

// ---- the server's certificate, as clients judge it ----

TEST_P(EitherVersion, client_refuses_a_server_of_another_authority) {
  client_settings.trust = trust_of(client_ca.pem());
  connect();
  EXPECT_EQ(client->failure, TlsError::unknown_authority);
  EXPECT_EQ(server->failure, TlsError::peer_alert);
  EXPECT_EQ(server->engine->alert(), 48);
}

TEST_P(EitherVersion, client_refuses_a_server_of_another_name) {
  client_settings.server_name = "other.test";
  connect();
  EXPECT_EQ(client->failure, TlsError::name_mismatch);
}

TEST_P(EitherVersion, client_refuses_a_client_certificate_as_a_servers) {
  test::Options options;
  options.dns_names = {"api.test"};
  options.usage = test::Usage::client;
  server_settings.certificates = {pair_of(ca.issue(options))};
  connect();
  EXPECT_EQ(client->failure, TlsError::bad_usage);
}

TEST_P(EitherVersion, client_refuses_a_name_that_is_only_the_common_name) {
  test::Options options;
  options.common_name = "api.test";
  server_settings.certificates = {pair_of(ca.issue(options))};
  connect();
  EXPECT_EQ(client->failure, TlsError::name_mismatch);
}

TEST_P(EitherVersion, client_verifies_an_ip_address_and_sends_no_server_name) {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    client_settings.server_name = ip;
    client_context.reset();
    connect();
    ASSERT_TRUE(both_established()) << client->engine->error_text();
    EXPECT_EQ(server->engine->server_name(), "");
  }
  client_settings.server_name = "127.0.0.2";
  client_context.reset();
  connect();
  EXPECT_EQ(client->failure, TlsError::name_mismatch);
}

// ---- SNI ----

TEST_P(EitherVersion, certificate_is_chosen_by_server_name) {
  server_settings.certificates = {
      pair_of(ca.server("api.test")),
      pair_of(ca.server("other.test")),
      pair_of(ca.server("*.wild.test"))
  };
  for (const char* name : {"api.test", "other.test", "OTHER.test", "a.wild.test"}) {
    client_settings.server_name = name;
    client_context.reset();
    connect();
    EXPECT_TRUE(both_established())
        << name << client->engine->error_text();  // the client has verified the name
  }
  client_settings.server_name = "unknown.test";
  client_context.reset();
  connect();
  EXPECT_EQ(client->failure, TlsError::name_mismatch);
}

TEST_P(EitherVersion, client_certificate_is_required_behind_every_server_name) {
  server_settings.certificates = {pair_of(ca.server("api.test")), pair_of(ca.server("other.test"))};
  client_settings.server_name = "other.test";
  client_settings.certificate.reset();
  connect();
  EXPECT_EQ(server->failure, TlsError::no_certificate);
}

TEST_P(EitherVersion, two_keys_for_the_same_name_serve_clients_of_either_kind) {
  test::Options rsa;
  rsa.dns_names = {"api.test"};
  rsa.key = test::KeyKind::rsa2048;
  test::Options ec = rsa;
  ec.key = test::KeyKind::p256;
  server_settings.certificates = {pair_of(ca.issue(rsa)), pair_of(ca.issue(ec))};
  connect();
  EXPECT_TRUE(both_established()) << server->engine->error_text();
}

// ---- ALPN ----

TEST_P(EitherVersion, http11_is_chosen_for_a_client_that_offers_only_it) {
  client_settings.alpn = {Alpn::http_1_1};
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->alpn(), Alpn::http_1_1);
}

TEST_P(EitherVersion, server_prefers_its_own_order_of_protocols) {
  client_settings.alpn = {Alpn::http_1_1, Alpn::h2};
  connect();
  EXPECT_EQ(server->engine->alpn(), Alpn::h2);
}

TEST_P(EitherVersion, client_without_alpn_is_served_without) {
  client_settings.alpn = {};
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->alpn(), Alpn::none);
}

TEST_P(EitherVersion, no_protocol_in_common_ends_the_handshake_with_its_own_alert) {
  server_settings.alpn = {Alpn::h2};
  client_settings.alpn = {Alpn::http_1_1};
  connect();
  expect_refusal(*server, *client, TlsError::no_shared_alpn, 120);
}

// ---- versions ----

TEST_F(Engines, newest_version_in_common_is_used) {
  connect();
  EXPECT_EQ(server->engine->version(), ProtocolVersion::tls_1_3);
  server_settings.protocol.version_max = ProtocolVersion::tls_1_2;
  server_context.reset();
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->version(), ProtocolVersion::tls_1_2);
}

TEST_F(Engines, no_version_in_common_is_refused) {
  server_settings.protocol.version_min = ProtocolVersion::tls_1_3;
  client_settings.protocol.version_max = ProtocolVersion::tls_1_2;
  connect();
  expect_refusal(*server, *client, TlsError::no_shared_version, 70);
}

// ---- data ----

TEST_P(EitherVersion, large_data_crosses_both_ways_unchanged) {
  connect();
  ASSERT_TRUE(both_established());
  std::string big(3'000'000, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 2654435761u >> 13);
  client->say(big);
  server->say(big);
  exchange();
  EXPECT_EQ(server->received, big);
  EXPECT_EQ(client->received, big);
}

TEST_P(EitherVersion, handshake_and_data_one_byte_at_a_time) {
  begin();
  exchange(1);
  ASSERT_TRUE(both_established()) << server->engine->error_text();
  client->say("GET / HTTP/1.1\r\n\r\n");
  server->say("HTTP/1.1 200 OK\r\n\r\n");
  exchange(1);
  EXPECT_EQ(server->received, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client->received, "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_P(EitherVersion, data_that_arrives_with_the_end_of_the_handshake_is_kept) {
  begin();
  move(*client, *server, 1 << 20);
  move(*server, *client, 1 << 20);
  if (GetParam() == ProtocolVersion::tls_1_2) {
    move(*client, *server, 1 << 20);
    move(*server, *client, 1 << 20);
  }
  ASSERT_TRUE(client->engine->established());
  client->say("first");
  client->say("second");
  // Everything in one piece: certificate, Finished and data.
  std::vector<std::uint8_t> all;
  while (!client->out.empty()) {
    const auto front = client->out.front();
    all.insert(all.end(), front.begin(), front.end());
    client->out.pop(front.size());
  }
  server->take(all, now);
  EXPECT_EQ(server->received, "firstsecond");
}

TEST_P(EitherVersion, unread_data_waits_in_order_and_no_byte_is_lost) {
  connect();
  client->say("one ");
  client->say("two ");
  while (!client->out.empty()) {  // handed in, not read
    const auto front = client->out.front();
    ASSERT_TRUE(server->engine->on_ciphertext(front, now).has_value());
    client->out.pop(front.size());
  }
  std::uint8_t byte = 0;
  std::string got;
  while (server->engine->read({&byte, 1}).value() == 1) got += static_cast<char>(byte);
  EXPECT_EQ(got, "one two ");
}

TEST_P(EitherVersion, close_notify_ends_the_data_of_one_side_only) {
  connect();
  client->say("bye");
  client->engine->close_notify();
  exchange();
  EXPECT_EQ(server->received, "bye");
  EXPECT_TRUE(server->engine->at_eof());
  EXPECT_EQ(server->failure, TlsError::none);
  EXPECT_FALSE(client->engine->at_eof());
  server->say("still here");
  server->engine->close_notify();
  exchange();
  EXPECT_EQ(client->received, "still here");
  EXPECT_TRUE(client->engine->at_eof());
}

TEST_P(EitherVersion, damaged_record_is_an_error_that_stays) {
  connect();
  client->say("hello");
  std::vector<std::uint8_t> bytes(client->out.front().begin(), client->out.front().end());
  bytes.back() ^= 1;
  server->take(bytes, now);
  EXPECT_EQ(server->failure, TlsError::protocol);
  EXPECT_FALSE(server->out.empty());  // the alert
  EXPECT_FALSE(server->engine->on_ciphertext(bytes, now).has_value());
  EXPECT_FALSE(server->engine->write(as_bytes("x")).has_value());
  std::uint8_t byte = 0;
  EXPECT_FALSE(server->engine->read({&byte, 1}).has_value());
}

TEST_P(EitherVersion, replayed_record_is_refused) {
  connect();
  client->say("hello");
  const std::vector<std::uint8_t> bytes(client->out.front().begin(), client->out.front().end());
  server->take(bytes, now);
  server->take(bytes, now);
  EXPECT_EQ(server->received, "hello");
  EXPECT_EQ(server->failure, TlsError::protocol);
}

TEST_P(EitherVersion, idle_connection_holds_no_chunk) {
  connect();
  client->say(std::string(100'000, 'x'));
  exchange();
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST_P(EitherVersion, engines_outlive_the_context_they_were_made_from) {
  begin();
  server_context.reset();
  client_context.reset();
  server_settings.client_trust.reset();
  exchange();
  ASSERT_TRUE(both_established());
  EXPECT_EQ(server->engine->client_certificate()->common_name, "alice");
}

TEST_P(EitherVersion, engine_may_be_dropped_at_any_moment) {
  for (std::size_t steps = 0; steps < 400; ++steps) {
    begin();
    for (std::size_t i = 0; i < steps * 16; i += 16) {
      auto& from = client->out.empty() ? *server : *client;
      auto& to = &from == client.get() ? *server : *client;
      if (from.out.empty()) break;
      const auto front = from.out.front();
      const std::vector<std::uint8_t> piece(
          front.begin(),
          front.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(16, front.size()))
      );
      from.out.pop(piece.size());
      to.take(piece, now);
    }
    server.reset();
    client.reset();
    if (steps > 40) steps += 20;
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

// ---- what is not TLS ----

class NotTls : public Handshake, public ::testing::WithParamInterface<std::string> {};

TEST_P(NotTls, is_told_at_once) {
  begin();
  server->take(as_bytes(GetParam()), now);
  EXPECT_EQ(server->failure, TlsError::not_tls) << server->engine->error_text();
}

INSTANTIATE_TEST_SUITE_P(
    First,
    NotTls,
    ::testing::Values(
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "POST /api",
        std::string(8, '\0'),
        "\x80\x2e\x01\x03\x01",
        "\xff",
        "SSH-2.0-x\r\n",
        "\x16\x02\x00\x00\x05",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"
    )
);

TEST_F(Engines, plain_http_gets_the_answer_an_api_server_gives) {
  begin();
  for (const char c : std::string("GET / HTTP/1.1\r\n"))
    server->take({reinterpret_cast<const std::uint8_t*>(&c), 1}, now);
  EXPECT_EQ(server->failure, TlsError::not_tls);
  EXPECT_TRUE(
      as_text(server->out.front())
          .starts_with(
              "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server."
          )
  );
}

TEST_F(Engines, garbage_after_a_record_header_is_an_error_and_no_crash) {
  for (unsigned seed = 1; seed < 300; ++seed) {
    begin();
    std::string bytes = {'\x16', '\x03', '\x01'};
    unsigned state = seed;
    for (unsigned i = 0; i < 200; ++i)
      bytes += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    server->take(as_bytes(bytes), now);
    EXPECT_FALSE(server->engine->established());
  }
}

TEST_P(EitherVersion, handshake_with_any_byte_damaged_never_gives_another_identity) {
  for (std::size_t at = 0; at < 1200; at += 7) {
    begin();
    std::size_t seen = 0;
    while (!client->out.empty() || !server->out.empty()) {
      while (!client->out.empty()) {
        std::vector<std::uint8_t> bytes(client->out.front().begin(), client->out.front().end());
        client->out.pop(bytes.size());
        if (at >= seen && at - seen < bytes.size()) bytes[at - seen] ^= 0x55;
        seen += bytes.size();
        server->take(bytes, now);
      }
      move(*server, *client, 1 << 20);
    }
    if (server->engine->established()) {
      ASSERT_NE(server->engine->client_certificate(), nullptr);
      EXPECT_EQ(server->engine->client_certificate()->common_name, "alice");
    }
  }
}

TEST_F(Engines, empty_input_changes_nothing) {
  begin();
  EXPECT_TRUE(server->engine->on_ciphertext({}, now).has_value());
  exchange();
  EXPECT_TRUE(both_established());
}

TEST_F(Engines, every_error_and_version_has_a_name) {
  for (int i = 0; i <= static_cast<int>(TlsError::internal); ++i)
    EXPECT_NE(name_of(static_cast<TlsError>(i)), "unknown");
  EXPECT_EQ(name_of(ProtocolVersion::tls_1_2), "TLSv1.2");
  EXPECT_EQ(name_of(ProtocolVersion::tls_1_3), "TLSv1.3");
}

}  // namespace
}  // namespace gh::tls
