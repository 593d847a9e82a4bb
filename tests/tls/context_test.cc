// SPDX-License-Identifier: Apache-2.0
#include "tls/context.h"

#include "tests/tls/handshake_fixture.h"

#include <gtest/gtest.h>

namespace gh::tls {
namespace {

class Contexts : public Handshake {
 protected:
  Fault server_fault() {
    auto made = ServerContext::make(server_settings, now);
    return made ? Fault{"no fault", ""} : made.error();
  }

  Fault client_fault() {
    auto made = ClientContext::make(client_settings, now);
    return made ? Fault{"no fault", ""} : made.error();
  }

  void expect_fault(const Fault& fault, const std::string& where, const std::string& part) {
    EXPECT_EQ(fault.where, where);
    EXPECT_NE(fault.text.find(part), std::string::npos) << fault.text;
  }

  KeyPair& own() { return server_settings.certificates[0]; }
};

TEST_F(Contexts, missing_files_are_named) {
  const auto pair = load_key_pair("/nonexistent/tls.crt", "/nonexistent/tls.key");
  ASSERT_FALSE(pair.has_value());
  EXPECT_EQ(pair.error().where, "/nonexistent/tls.crt");
}

TEST_F(Contexts, file_without_certificate_is_a_fault) {
  own().chain_pem = own().key_pem;
  expect_fault(server_fault(), "chain.pem", "no certificate");
}

TEST_F(Contexts, file_without_key_is_a_fault) {
  own().key_pem = own().chain_pem;
  expect_fault(server_fault(), "key.pem", "no private key");
}

TEST_F(Contexts, damaged_files_are_faults) {
  auto good = own();
  own().chain_pem = good.chain_pem.substr(0, good.chain_pem.size() / 2);
  EXPECT_EQ(server_fault().where, "chain.pem");
  own() = good;
  own().key_pem.resize(60);
  EXPECT_EQ(server_fault().where, "key.pem");
  own() = good;
  own().chain_pem += "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(server_fault().where, "chain.pem");
}

TEST_F(Contexts, key_of_another_certificate_names_both_files) {
  own().key_pem = ca.server("other.test").key_pem();
  const auto fault = server_fault();
  expect_fault(fault, "key.pem", "does not belong");
  EXPECT_NE(fault.text.find("chain.pem"), std::string::npos);
}

TEST_F(Contexts, encrypted_key_is_a_fault_and_asks_for_no_password) {
  own().key_pem =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
  EXPECT_EQ(server_fault().where, "key.pem");
}

TEST_F(Contexts, weak_own_key_is_a_fault) {
  own() = pair_of(ca.issue(test::Options{.common_name = "x", .key = test::KeyKind::rsa1024}));
  expect_fault(server_fault(), "chain.pem", "cannot be used");
}

TEST_F(Contexts, expired_own_certificate_is_a_warning) {
  own() = pair_of(ca.issue(test::Options{.common_name = "x", .not_after = test::now_seconds - 1}));
  auto made = ServerContext::make(server_settings, now);
  ASSERT_TRUE(made.has_value());
  ASSERT_EQ((*made)->warnings().size(), 1u);
  EXPECT_NE((*made)->warnings()[0].find("expired"), std::string::npos);
}

TEST_F(Contexts, no_certificate_or_no_trust_is_a_fault) {
  server_settings.certificates.clear();
  EXPECT_NE(server_fault().text, "no fault");
  client_settings.trust = nullptr;
  EXPECT_NE(client_fault().text, "no fault");
  client_settings.trust = trust_of(ca.pem());
  client_settings.server_name.clear();
  EXPECT_NE(client_fault().text, "no fault");
}

TEST_F(Contexts, unknown_ciphers_groups_and_versions_are_faults) {
  const auto good = server_settings.protocol;
  server_settings.protocol.ciphers_tls12 = "NO-SUCH-CIPHER";
  EXPECT_NE(server_fault().text, "no fault");
  server_settings.protocol = good;
  server_settings.protocol.ciphers_tls13 = "TLS_NO_SUCH";
  EXPECT_NE(server_fault().text, "no fault");
  server_settings.protocol = good;
  server_settings.protocol.groups = "no-such-group";
  EXPECT_NE(server_fault().text, "no fault");
  server_settings.protocol = good;
  server_settings.protocol.version_min = ProtocolVersion::tls_1_3;
  server_settings.protocol.version_max = ProtocolVersion::tls_1_2;
  EXPECT_NE(server_fault().text, "no fault");
}

TEST_F(Contexts, given_names_replace_those_of_the_certificate) {
  auto other = pair_of(ca.server("b.test"));
  other.names = {"a.test"};
  server_settings.certificates.push_back(other);
  client_settings.server_name = "a.test";
  connect();
  EXPECT_EQ(
      client->failure, TlsError::name_mismatch
  );  // it was given b.test's certificate, as configured
  client_settings.server_name = "b.test";
  client_context.reset();
  connect();
  EXPECT_EQ(client->failure, TlsError::name_mismatch);  // and here the default's
}

}  // namespace
}  // namespace gh::tls
