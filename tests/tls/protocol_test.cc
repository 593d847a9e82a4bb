// SPDX-License-Identifier: Apache-2.0
// The server against clients that do what they should not.
#include "base/limits.h"
#include "tests/tls/raw_client.h"

#include <gtest/gtest.h>

namespace gh::tls {
namespace {

#ifdef OPENSSL_IS_AWSLC
constexpr const char* bad_groups = "P-224";
constexpr const char* wrong_guess = "SecP384r1MLKEM1024:P-384";
#elif OPENSSL_VERSION_MAJOR >= 4
constexpr const char* bad_groups = "X448";
constexpr const char* wrong_guess = "X448:P-384";
#else
constexpr const char* bad_groups = "P-224:secp256k1:X448";
constexpr const char* wrong_guess = "X448:P-384";
#endif

class Protocol : public Handshake {
 protected:
  Protocol() : raw(alice.chain_pem(), alice.key_pem()) {}

  void shake() {
    if (!server_context) make_server_context();
    server = std::make_unique<Side>(pool);
    server->engine = Engine::make_server(*server_context, server->out);
    raw.start();
    raw.exchange(*server, now);
  }

  bool both() const { return raw.established() && server->engine->established(); }

  test::Issued alice = client_ca.client("alice");
  RawClient raw;
};

int tickets_seen = 0;

int count_session(SSL*, SSL_SESSION*) {
  ++tickets_seen;
  return 0;
}

TEST_F(Protocol, one_ticket_comes_after_the_handshake) {
  for (const std::uint16_t version :
       {std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION}}) {
    tickets_seen = 0;
    SSL_CTX_set_max_proto_version(raw.context.get(), version);
    SSL_CTX_set_session_cache_mode(
        raw.context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
    );
    SSL_CTX_sess_set_new_cb(raw.context.get(), count_session);
    shake();
    ASSERT_TRUE(both());
    EXPECT_EQ(tickets_seen, 1);
  }
}

TEST_F(Protocol, ticket_allows_no_early_data) {
  static std::uint32_t early = 99;
  SSL_CTX_set_session_cache_mode(
      raw.context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
  );
  SSL_CTX_sess_set_new_cb(raw.context.get(), [](SSL*, SSL_SESSION* session) {
    early = SSL_SESSION_get_max_early_data(session);
    return 0;
  });
  shake();
  EXPECT_EQ(early, 0u);
}

#ifndef OPENSSL_IS_AWSLC  // whose client cannot even ask for one
TEST_F(Protocol, renegotiation_is_refused) {
  SSL_CTX_set_max_proto_version(raw.context.get(), TLS1_2_VERSION);
  SSL_CTX_clear_options(raw.context.get(), SSL_OP_NO_RENEGOTIATION);
  shake();
  ASSERT_TRUE(both());
  SSL_renegotiate(raw.ssl.get());
  SSL_do_handshake(raw.ssl.get());
  raw.exchange(*server, now);
  // It got no_renegotiation, a warning. OpenSSL's client gives up then.
  EXPECT_FALSE(raw.established());
  EXPECT_EQ(server->failure, TlsError::peer_alert) << server->engine->error_text();
}
#endif

TEST_F(Protocol, versions_before_12_are_refused) {
  for (const std::uint16_t version : {std::uint16_t{TLS1_VERSION}, std::uint16_t{TLS1_1_VERSION}}) {
    SSL_CTX_set_max_proto_version(raw.context.get(), version);
    shake();
    EXPECT_EQ(server->failure, TlsError::no_shared_version) << server->engine->error_text();
  }
}

TEST_F(Protocol, suites_without_forward_secrecy_or_aead_are_refused) {
  test::Options rsa;
  rsa.dns_names = {"api.test"};
  rsa.key = test::KeyKind::rsa2048;
  server_settings.certificates = {pair_of(ca.issue(rsa))};
  server_settings.protocol.ciphers_tls12 +=
      ":AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES128-GCM-SHA256";
  SSL_CTX_set_max_proto_version(raw.context.get(), TLS1_2_VERSION);
  for (const char* suite :
       {"AES128-GCM-SHA256",
        "AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-RSA-AES256-SHA384",
        "DHE-RSA-AES128-GCM-SHA256"}) {
    if (SSL_CTX_set_cipher_list(raw.context.get(), suite) != 1)
      continue;  // this library has it not
    shake();
    EXPECT_EQ(server->failure, TlsError::no_shared_cipher) << suite << server->engine->error_text();
  }
  SSL_CTX_set_cipher_list(raw.context.get(), "ECDHE-RSA-AES128-GCM-SHA256");
  shake();
  EXPECT_TRUE(both());
}

TEST_F(Protocol, extended_master_secret_is_used_in_12) {
  SSL_CTX_set_max_proto_version(raw.context.get(), TLS1_2_VERSION);
  shake();
  ASSERT_TRUE(both());
  EXPECT_EQ(SSL_get_extms_support(raw.ssl.get()), 1);
}

TEST_F(Protocol, groups_nobody_should_use_are_refused) {
  ASSERT_EQ(SSL_CTX_set1_groups_list(raw.context.get(), bad_groups), 1);
  shake();
  EXPECT_EQ(server->failure, TlsError::no_shared_cipher) << server->engine->error_text();
}

TEST_F(Protocol, another_group_is_asked_for_when_the_guess_was_wrong) {
  ASSERT_EQ(SSL_CTX_set1_groups_list(raw.context.get(), wrong_guess), 1);
  shake();
  EXPECT_TRUE(both()) << server->engine->error_text();
}

TEST_F(Protocol, sha1_signatures_are_refused) {
  ASSERT_EQ(SSL_CTX_set1_sigalgs_list(raw.context.get(), "ECDSA+SHA1:RSA+SHA1"), 1);
  SSL_CTX_set_max_proto_version(raw.context.get(), TLS1_2_VERSION);
  shake();
  EXPECT_EQ(server->failure, TlsError::no_shared_cipher) << server->engine->error_text();
}

TEST_F(Protocol, key_updates_are_followed) {
  shake();
  ASSERT_TRUE(both());
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(SSL_key_update(raw.ssl.get(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_write(raw.ssl.get(), "ping", 4), 4);
    server->say("pong");
    raw.exchange(*server, now);
  }
  EXPECT_EQ(server->received, "pingpingpingpingping");
  EXPECT_EQ(raw.received, "pongpongpongpongpong");
}

TEST_F(Protocol, client_that_goes_silent_after_certificate_has_no_identity) {
  // A certificate is public; without CertificateVerify it proves nothing. The client's last flight
  // loses its tail.
  make_server_context();
  server = std::make_unique<Side>(pool);
  server->engine = Engine::make_server(*server_context, server->out);
  raw.start();
  SSL_do_handshake(raw.ssl.get());
  std::vector<std::uint8_t> buffer(64 * 1024);
  const int hello =
      BIO_read(SSL_get_wbio(raw.ssl.get()), buffer.data(), static_cast<int>(buffer.size()));
  server->take({buffer.data(), static_cast<std::size_t>(hello)}, now);
  while (!server->out.empty()) {
    const auto front = server->out.front();
    BIO_write(SSL_get_rbio(raw.ssl.get()), front.data(), static_cast<int>(front.size()));
    server->out.pop(front.size());
  }
  SSL_do_handshake(raw.ssl.get());
  const int flight =
      BIO_read(SSL_get_wbio(raw.ssl.get()), buffer.data(), static_cast<int>(buffer.size()));
  ASSERT_GT(flight, 200);
  server->take({buffer.data(), static_cast<std::size_t>(flight - 100)}, now);
  EXPECT_FALSE(server->engine->established());
}

TEST_F(Protocol, key_of_another_certificate_is_a_bad_signature) {
  const auto mallory = client_ca.client("mallory");
  RawClient thief("", "");
  // alice's certificate with mallory's key: OpenSSL must be kept from comparing them.
  BioHandle chain(BIO_new_mem_buf(alice.pem().data(), static_cast<int>(alice.pem().size())));
  const std::string pem = alice.pem(), key_pem = mallory.key_pem();
  BioHandle certificate(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  BioHandle key(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  X509Handle leaf(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  KeyHandle private_key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  for (const std::uint16_t version :
       {std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION}}) {
    SSL_CTX_set_max_proto_version(thief.context.get(), version);
    make_server_context();
    server = std::make_unique<Side>(pool);
    server->engine = Engine::make_server(*server_context, server->out);
    thief.start();
    SSL_use_PrivateKey(thief.ssl.get(), private_key.get());
    // Setting the certificate last drops a key that does not fit, so it is forced to be the same
    // object.
    X509_set_pubkey(leaf.get(), private_key.get());
    SSL_use_certificate(thief.ssl.get(), leaf.get());
    thief.exchange(*server, now);
    EXPECT_FALSE(server->engine->established());
    EXPECT_NE(server->failure, TlsError::none);
  }
}

// ---- memory ----

TEST_F(Protocol, certificate_message_of_any_shape_is_bounded) {
  auto pair_pem = alice.pem();
  for (int i = 0; i < 300; ++i) pair_pem += client_ca.pem();
  RawClient big(pair_pem, alice.key_pem());
  make_server_context();
  server = std::make_unique<Side>(pool);
  server->engine = Engine::make_server(*server_context, server->out);
  big.start();
  big.exchange(*server, now);
  EXPECT_EQ(server->failure, TlsError::chain_too_long) << server->engine->error_text();
  EXPECT_LE(pool.in_use(), 4u);
}

}  // namespace
}  // namespace gh::tls
