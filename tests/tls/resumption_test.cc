// SPDX-License-Identifier: Apache-2.0
// Resumption by ticket: what it keeps, and what must end in a full handshake instead (never in an
// error, never in a wrong identity).
#include "base/limits.h"
#include "tests/support/tls_compat.h"
#include "tests/tls/handshake_fixture.h"
#include "tls/openssl/state.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace gh::tls {
namespace {

class Resumption : public EitherVersion {
 protected:
  Resumption() {
    client_settings.resume = true;
    test::Options both;
    both.dns_names = {"api.test", "other.test"};
    server_settings.certificates = {pair_of(ca.issue(both))};
  }

  // A first connection that leaves a ticket with the client.
  void first() {
    connect();
    ASSERT_TRUE(both_established()) << server->engine->error_text();
    ASSERT_FALSE(server->engine->resumed());
    ASSERT_TRUE(has_ticket());
  }

  bool has_ticket() const { return client_context->state()->session != nullptr; }

  SSL_SESSION* session() const { return client_context->state()->session.get(); }

  static std::vector<std::uint8_t> ticket_of(const SSL_SESSION* session) {
    const unsigned char* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session, &ticket, &size);
    return {ticket, ticket + size};
  }

  // The client's session with another ticket, by way of its encoding: [10] OCTET STRING.
  static SessionHandle with_ticket(SSL_SESSION* from, const std::vector<std::uint8_t>& ticket) {
    std::vector<std::uint8_t> der(static_cast<std::size_t>(i2d_SSL_SESSION(from, nullptr)));
    unsigned char* out = der.data();
    i2d_SSL_SESSION(from, &out);
    const auto element = [](std::uint8_t tag, const std::vector<std::uint8_t>& body) {
      std::vector<std::uint8_t> whole = {tag};  // the shortest length: AWS-LC reads DER only
      const std::size_t size = body.size();
      if (size > 0xff) {
        whole.push_back(0x82);
        whole.push_back(static_cast<std::uint8_t>(size >> 8));
      } else if (size > 0x7f) {
        whole.push_back(0x81);
      }
      whole.push_back(static_cast<std::uint8_t>(size));
      whole.insert(whole.end(), body.begin(), body.end());
      return whole;
    };
    const auto head_and_size = [&der](std::size_t at) {
      std::size_t head = 2, size = der[at + 1];
      if (size >= 0x80) {
        const std::size_t digits = size & 0x7f;
        size = 0;
        for (std::size_t i = 0; i < digits; ++i) size = size << 8 | der[at + head++];
      }
      return std::pair(head, size);
    };
    std::vector<std::uint8_t> body;
    for (std::size_t at = head_and_size(0).first; at < der.size();) {
      const auto [head, size] = head_and_size(at);
      const auto own = element(0xaa, element(0x04, ticket));
      if (der[at] == 0xaa) {
        body.insert(body.end(), own.begin(), own.end());
      } else {
        const auto start = der.begin() + static_cast<std::ptrdiff_t>(at);
        body.insert(body.end(), start, start + static_cast<std::ptrdiff_t>(head + size));
      }
      at += head + size;
    }
    const auto whole = element(0x30, body);
#ifdef OPENSSL_IS_AWSLC
    SessionHandle made(test::session_of(whole));
#else
    const unsigned char* in = whole.data();
    SessionHandle made(d2i_SSL_SESSION(nullptr, &in, static_cast<long>(whole.size())));
#endif
    EXPECT_NE(made, nullptr);
    return made;
  }

  std::size_t client_der_size() const {
    return certificates_of_pem(client_settings.certificate->chain_pem).value()[0].size();
  }

  void expect_resumed(const std::string& name) {
    connect();
    ASSERT_TRUE(both_established()) << server->engine->error_text() << client->engine->error_text();
    EXPECT_TRUE(server->engine->resumed());
    EXPECT_TRUE(client->engine->resumed());
    ASSERT_NE(server->engine->client_certificate(), nullptr);
    EXPECT_EQ(server->engine->client_certificate()->common_name, name);
    EXPECT_EQ(server->engine->client_error(), TlsError::none);
  }

  void expect_full(const std::string& name) {
    connect();
    ASSERT_TRUE(both_established()) << server->engine->error_text() << client->engine->error_text();
    EXPECT_FALSE(server->engine->resumed());
    ASSERT_NE(server->engine->client_certificate(), nullptr);
    EXPECT_EQ(server->engine->client_certificate()->common_name, name);
  }

  void trust_now(std::shared_ptr<const TrustStore> trust) {
    server_settings.client_trust = std::move(trust);
    make_server_context();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Tls,
    Resumption,
    ::testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
    [](const ::testing::TestParamInfo<ProtocolVersion>& one) {
      return one.param == ProtocolVersion::tls_1_2 ? "tls12" : "tls13";
    }
);

TEST_P(Resumption, identity_of_the_first_handshake_is_established_again) {
  first();
  const PeerCertificate before = *server->engine->client_certificate();
  expect_resumed("alice");
  const PeerCertificate& after = *server->engine->client_certificate();
  EXPECT_EQ(after.organizations, before.organizations);
  EXPECT_EQ(after.fingerprint, before.fingerprint);
  EXPECT_EQ(after.chain_fingerprint, before.chain_fingerprint);
  EXPECT_EQ(after.not_before, before.not_before);
  EXPECT_EQ(after.not_after, before.not_after);
  EXPECT_EQ(server->engine->trust_epoch(), server_settings.client_trust->epoch());
  EXPECT_EQ(server->engine->alpn(), Alpn::h2);
  EXPECT_EQ(server->engine->server_name(), "api.test");
}

TEST_P(Resumption, data_flows_on_a_resumed_connection) {
  first();
  expect_resumed("alice");
  client->say("ping");
  server->say("pong");
  exchange();
  EXPECT_EQ(server->received, "ping");
  EXPECT_EQ(client->received, "pong");
}

TEST_P(Resumption, protocol_is_negotiated_anew) {
  first();
  client_context->state()->session.reset(SSL_SESSION_dup(session()));
  const unsigned char http11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(client_context->state()->context.get(), http11, 9);
  expect_resumed("alice");
  EXPECT_EQ(server->engine->alpn(), Alpn::http_1_1);
}

TEST_P(Resumption, earliest_end_of_the_path_is_kept) {
  test::Options early;
  early.not_after = test::now_seconds + 1000;
  const auto intermediate = client_ca.intermediate("between", early);
  client_settings.certificate = pair_of(intermediate.client("bob"));
  first();
  expect_resumed("bob");
  EXPECT_EQ(server->engine->client_certificate()->not_after.seconds, test::now_seconds + 1000);
}

TEST_P(Resumption, expired_path_needs_a_full_handshake_and_is_refused_there) {
  test::Options brief;
  brief.common_name = "bob";
  brief.not_after = test::now_seconds + 60;
  client_settings.certificate = pair_of(client_ca.issue(brief));
  first();
  now.seconds += 60;
  connect();
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(server->failure, TlsError::expired);
}

TEST_P(Resumption, resumption_outlives_a_change_that_keeps_the_authority) {
  first();
  trust_now(trust_of(client_ca.pem() + ca.pem()));
  expect_resumed("alice");
  EXPECT_EQ(server->engine->trust_epoch(), server_settings.client_trust->epoch());
}

TEST_P(Resumption, chain_with_intermediates_is_not_verified_anew_but_shaken_hands_with) {
  client_settings.certificate = pair_of(client_ca.intermediate("between").client("bob"));
  first();
  trust_now(trust_of(client_ca.pem() + ca.pem()));
  expect_full("bob");
}

TEST_P(Resumption, removed_authority_ends_resumption_and_access) {
  first();
  trust_now(trust_of(ca.pem()));
  connect();
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(server->failure, TlsError::unknown_authority);
}

TEST_P(Resumption, revocation_ends_resumption_and_access) {
  const auto bob = client_ca.client("bob");
  client_settings.certificate = pair_of(bob);
  first();
  trust_now(trust_of(client_ca.pem(), client_ca.crl_pem({bob})));
  connect();
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(server->failure, TlsError::revoked);
}

TEST_P(Resumption, removed_authority_in_request_mode_gives_no_identity) {
  server_settings.mode = ClientCertMode::request;
  first();
  trust_now(trust_of(ca.pem()));
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_FALSE(server->engine->resumed());
  EXPECT_EQ(server->engine->client_error(), TlsError::unknown_authority);
}

TEST_P(Resumption, ticket_for_another_server_name_is_not_accepted) {
  first();
  client_context->state()->server_name = "other.test";
  expect_full("alice");
  EXPECT_EQ(server->engine->server_name(), "other.test");
}

TEST_P(Resumption, lineage_ends_however_often_it_was_resumed) {
  first();
  const auto step = limits::ticket_lifetime.count() / 2 + 1;
  for (std::int64_t age = step; age < limits::ticket_lineage_max.count(); age += step) {
    now.seconds += step;
    expect_resumed("alice");
    ASSERT_TRUE(has_ticket());
  }
  now.seconds += step;
  expect_full("alice");
  expect_resumed("alice");  // a new lineage
}

TEST_P(Resumption, old_ticket_is_not_accepted) {
  first();
  now.seconds += limits::ticket_lifetime.count();
  expect_full("alice");
}

TEST_P(Resumption, ticket_of_a_server_in_another_mode_is_not_accepted) {
  first();
  server_settings.mode = ClientCertMode::request;
  make_server_context();
  expect_full("alice");
  server_settings.mode = ClientCertMode::require;
  make_server_context();
  expect_full("alice");
}

TEST_P(Resumption, anonymous_client_may_resume_in_request_mode) {
  server_settings.mode = ClientCertMode::request;
  client_settings.certificate.reset();
  first();
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_TRUE(server->engine->resumed());
  EXPECT_EQ(server->engine->client_certificate(), nullptr);
  EXPECT_EQ(server->engine->client_error(), TlsError::none);
}

TEST_P(Resumption, anonymous_ticket_opens_no_door_that_requires_a_certificate) {
  server_settings.mode = ClientCertMode::request;
  client_settings.certificate.reset();
  first();
  server_settings.mode = ClientCertMode::require;
  make_server_context();
  connect();
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(server->failure, TlsError::no_certificate);
}

TEST_P(Resumption, refused_client_is_never_resumed) {
  server_settings.mode = ClientCertMode::request;
  client_settings.certificate = pair_of(test::Authority("other").client("mallory"));
  connect();
  ASSERT_TRUE(both_established());
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_FALSE(server->engine->resumed());
  EXPECT_EQ(server->engine->client_error(), TlsError::unknown_authority);
}

// Name of the key, IV and MAC bit by bit, of the sealed part one bit of each seventh byte.
TEST_P(Resumption, ticket_with_any_bit_flipped_is_a_full_handshake) {
  first();
  const SessionHandle good(SSL_SESSION_dup(session()));
  const std::size_t size = ticket_of(good.get()).size();
  ASSERT_GT(size, 100u);
  const auto flipped = [&](std::size_t at, unsigned bit) {
    auto ticket = ticket_of(good.get());
    ticket[at] ^= static_cast<std::uint8_t>(1u << bit);
    client_context->state()->session = with_ticket(good.get(), ticket);
    expect_full("alice");
  };
  constexpr std::size_t head = 32, mac = 32;
  for (std::size_t at = 0; at < size; at += at < head || at >= size - mac ? 1 : 7) {
    if (at > head && at < size - mac) {
      flipped(at, at % 8);
    } else {
      for (unsigned bit = 0; bit < 8; ++bit) flipped(at, bit);
    }
  }
}

TEST_P(Resumption, ticket_cut_short_or_made_longer_is_a_full_handshake) {
  first();
  const SessionHandle good(SSL_SESSION_dup(session()));
  const auto ticket = ticket_of(good.get());
  for (const std::size_t size :
       {std::size_t(1),
        std::size_t(15),
        std::size_t(16),
        std::size_t(17),
        std::size_t(31),
        std::size_t(32),
        std::size_t(33),
        std::size_t(48),
        std::size_t(63),
        std::size_t(64),
        std::size_t(65),
        ticket.size() / 2,
        ticket.size() - 32,
        ticket.size() - 16,
        ticket.size() - 1,
        ticket.size() + 1,
        ticket.size() + 16}) {
    auto changed = ticket;
    changed.resize(size);
    client_context->state()->session = with_ticket(good.get(), changed);
    expect_full("alice");
  }
}

// Without 0-RTT a ticket used twice carries nothing twice: the second connection is proved by its
// own Finished, and is held against the state at its own time.
TEST_P(Resumption, replayed_ticket_gives_the_same_identity_while_all_holds_and_none_after) {
  first();
  const SessionHandle stolen(SSL_SESSION_dup(session()));
  const auto replay = [&] {
    client_context->state()->session.reset(SSL_SESSION_dup(stolen.get()));
  };
  for (int i = 0; i < 3; ++i) {
    replay();
    expect_resumed("alice");
  }
  trust_now(trust_of(ca.pem()));
  replay();
  connect();
  EXPECT_EQ(server->failure, TlsError::unknown_authority);
  trust_now(trust_of(client_ca.pem()));
  server_settings.mode = ClientCertMode::request;
  make_server_context();
  replay();
  expect_full("alice");
}

TEST_P(Resumption, recorded_bytes_of_a_resumption_give_no_connection) {
  first();
  begin();
  const ByteView hello = client->out.front();
  const std::vector<std::uint8_t> recorded(hello.begin(), hello.end());
  exchange();
  ASSERT_TRUE(server->engine->resumed());
  begin();
  server->take(recorded, now);
  EXPECT_FALSE(server->engine->established());
  EXPECT_EQ(server->engine->client_certificate(), nullptr);
}

TEST_P(Resumption, ticket_for_another_virtual_host_is_not_accepted) {
  server_settings.certificates = {pair_of(ca.server("api.test")), pair_of(ca.server("other.test"))};
  first();
  auto other = client_settings;
  other.server_name = "other.test";
  SessionHandle ticket(SSL_SESSION_dup(session()));
  client_settings = other;
  make_client_context();
  client_context->state()->session = std::move(ticket);
  expect_full("alice");
  EXPECT_EQ(server->engine->server_name(), "other.test");
}

TEST_P(Resumption, ticket_without_a_server_name_is_not_one_for_a_name) {
  first();
  client_context->state()->is_ip = true;  // sends no SNI, verifies as before
  expect_full("alice");
  EXPECT_EQ(server->engine->server_name(), "");
}

TEST_P(Resumption, ticket_holds_no_certificate_of_the_library) {
  first();
  expect_resumed("alice");
  const auto ticket = ticket_of(session());
  // The certificate once, the session, and what a ticket says: the parsed copy is not in it too.
  EXPECT_LT(ticket.size(), client_der_size() + 600);
}

TEST_P(Resumption, certificate_too_large_for_a_ticket_gives_none) {
  test::Options large;
  large.common_name = "bob";
  large.organizations.assign(100, std::string(60, 'g'));
  for (int i = 0; i < 60; ++i) large.dns_names.push_back(std::string(50, 'n') + std::to_string(i));
  client_settings.certificate = pair_of(client_ca.issue(large));
  for (int i = 0; i < 2; ++i) expect_full("bob");
}

TEST_P(Resumption, bounds_of_the_settings_are_kept) {
  server_settings.tickets = {std::chrono::seconds(100), std::chrono::seconds(150)};
  first();
  now.seconds += 99;
  expect_resumed("alice");
  now.seconds += 51;  // 150 after the full handshake
  expect_full("alice");
  const SessionHandle kept(SSL_SESSION_dup(session()));
  now.seconds += 100;
  client_context->state()->session.reset(SSL_SESSION_dup(kept.get()));
  expect_full("alice");
}

TEST_P(Resumption, bound_of_zero_means_no_tickets) {
  for (const TicketLimits& none :
       {TicketLimits{std::chrono::seconds(0), std::chrono::seconds(10)},
        TicketLimits{std::chrono::seconds(10), std::chrono::seconds(0)}}) {
    server_settings.tickets = none;
    make_server_context();
    expect_full("alice");
    EXPECT_FALSE(has_ticket());
  }
}

TEST_P(Resumption, ticket_of_a_key_that_comes_next_is_accepted_and_replaced) {
  const auto next = (*TicketKeys::generate())->current();
  const auto now_sealing = server_settings.ticket_keys->current();
  server_settings.ticket_keys = TicketKeys::of({next}, 0);
  first();
  server_settings.ticket_keys = TicketKeys::of({now_sealing, next}, 0);
  make_server_context();
  expect_resumed("alice");
  server_settings.ticket_keys = TicketKeys::of({now_sealing}, 0);
  make_server_context();
  expect_resumed("alice");
}

TEST_P(Resumption, ticket_of_other_keys_is_a_full_handshake) {
  first();
  server_settings.ticket_keys = fresh_keys();
  make_server_context();
  expect_full("alice");
}

TEST_P(Resumption, rotation_keeps_tickets_of_the_previous_key_and_replaces_them) {
  first();
  server_settings.ticket_keys = *server_settings.ticket_keys->rotated();
  make_server_context();
  expect_resumed("alice");
  ASSERT_TRUE(has_ticket());  // sealed with the new key
  server_settings.ticket_keys = *server_settings.ticket_keys->rotated();
  make_server_context();
  expect_resumed("alice");
}

TEST_P(Resumption, two_rotations_forget_a_ticket) {
  first();
  server_settings.ticket_keys = *(*server_settings.ticket_keys->rotated())->rotated();
  make_server_context();
  expect_full("alice");
}

TEST_P(Resumption, another_replica_with_the_same_keys_and_trust_resumes) {
  first();
  make_server_context();
  expect_resumed("alice");
}

TEST_P(Resumption, without_ticket_keys_nothing_is_resumed) {
  server_settings.ticket_keys = nullptr;
  connect();
  ASSERT_TRUE(both_established());
  EXPECT_FALSE(has_ticket());
  expect_full("alice");
}

TEST_P(Resumption, damaged_finished_of_a_resumption_gives_no_connection) {
  first();
  begin();
  move(*client, *server, 1 << 20);
  move(*server, *client, 1 << 20);
  std::vector<std::uint8_t> bytes(client->out.front().begin(), client->out.front().end());
  bytes.back() ^= 1;
  server->take(bytes, now);
  EXPECT_FALSE(server->engine->established());
}

TEST_P(Resumption, stolen_ticket_without_its_secret_gives_no_connection) {
  first();
#ifdef OPENSSL_IS_AWSLC
  std::vector<unsigned char> secret(SSL_SESSION_get_master_key(session(), nullptr, 0));
  SSL_SESSION_get_master_key(session(), secret.data(), secret.size());
  auto bytes = test::bytes_of(session());
  const auto at = std::search(bytes.begin(), bytes.end(), secret.begin(), secret.end());
  ASSERT_NE(at, bytes.end());
  *at ^= 1;
  SessionHandle stolen(test::session_of(bytes));
#else
  SessionHandle stolen(SSL_SESSION_dup(session()));
  std::vector<unsigned char> guess(SSL_SESSION_get_master_key(stolen.get(), nullptr, 0), 7);
  ASSERT_EQ(SSL_SESSION_set1_master_key(stolen.get(), guess.data(), guess.size()), 1);
#endif
  client_context->state()->session = std::move(stolen);
  connect();
  EXPECT_FALSE(server->engine->established());
}

TEST_P(Resumption, client_does_not_resume_with_a_server_whose_certificate_has_expired) {
  test::Options brief;
  brief.dns_names = {"api.test"};
  brief.not_after = test::now_seconds + 60;
  server_settings.certificates = {pair_of(ca.issue(brief))};
  first();
  now.seconds += 60;
  connect();
  EXPECT_EQ(client->failure, TlsError::expired);
}

TEST_P(Resumption, living_resumed_connection_is_judged_anew) {
  first();
  expect_resumed("alice");
  EXPECT_TRUE(
      server->engine->verify_client_again(*trust_of(client_ca.pem() + ca.pem()), now).has_value()
  );
  EXPECT_FALSE(server->engine->verify_client_again(*trust_of(ca.pem()), now).has_value());
}

}  // namespace
}  // namespace gh::tls
