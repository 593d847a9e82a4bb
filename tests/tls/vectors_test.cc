// SPDX-License-Identifier: Apache-2.0
// Every chain of vectors/x509.json through real handshakes, with its key: the gate must say what
// Go's server and authenticator say.
#include "tests/support/tests_dir.h"
#include "tests/tls/raw_client.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <ctime>
#include <map>

namespace gh::tls {
namespace {

using Json = simdjson::dom::element;

std::string text_at(Json object, std::string_view key) {
  std::string_view out;
  return object[key].get(out) == simdjson::SUCCESS ? std::string(out) : std::string();
}

UnixTime time_of(const std::string& text) {
  std::tm at{};
  EXPECT_NE(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &at), nullptr);
  return {timegm(&at)};
}

struct Case {
  std::string id, chain_pem, key_pem, roots_pem, result;
  std::string name;  // of the user
  bool parses = true, handshakes = true;
  bool refused = false;  // by verification, not for the names in it
  UnixTime now;
};

std::vector<Case> load_cases() {
  simdjson::dom::parser parser, key_parser;
  const Json file = parser.load(tests_dir() + "/vectors/x509.json");
  const Json keys = key_parser.load(tests_dir() + "/vectors/x509-keys.json");
  std::vector<Case> out;
  for (const Json each : file["cases"].get_array()) {
    Case one;
    one.id = text_at(each, "id");
    one.result = text_at(each, "result");
    one.parses = text_at(each, "parseError").empty();
    one.refused = text_at(each, "error").starts_with("verifying certificate");
    one.handshakes = text_at(each, "handshake").empty();
    one.now = time_of(text_at(each, "now"));
    Json user;
    if (each["user"].get(user) == simdjson::SUCCESS) one.name = text_at(user, "name");
    for (const Json name : each["chain"].get_array()) {
      const std::string_view certificate = name.get_string();
      if (one.chain_pem.empty()) one.key_pem = text_at(keys["keys"], certificate);
      one.chain_pem += text_at(file["certificates"], certificate);
    }
    for (const Json name : each["roots"].get_array())
      one.roots_pem += text_at(file["certificates"], name.get_string().value());
    if (text_at(each, "what").starts_with("trailing data"))
      continue;  // the PEM reader of this client drops it
    out.push_back(std::move(one));
  }
  return out;
}

class Vectors : public Handshake, public ::testing::WithParamInterface<std::uint16_t> {};

TEST_P(Vectors, agree_with_a_real_api_server) {
  std::size_t shaken = 0, unloadable = 0;
  server_settings.mode = ClientCertMode::request;
  for (const Case& one : load_cases()) {
    RawClient raw("", "");
    SSL_CTX_set_max_proto_version(raw.context.get(), GetParam());
    ERR_clear_error();
    if (!raw.use(one.chain_pem, one.key_pem)) {  // OpenSSL, as a client, will not even take these
      EXPECT_FALSE(one.parses) << one.id;
      ++unloadable;
      continue;
    }
    server_settings.client_trust = one.roots_pem.empty() ? nullptr : trust_of(one.roots_pem);
    make_server_context();
    server = std::make_unique<Side>(pool);
    server->engine = Engine::make_server(*server_context, server->out);
    raw.start();
    raw.exchange(*server, one.now);
    if (!one.parses) {
      EXPECT_EQ(server->failure, TlsError::unparsable_certificate)
          << one.id << server->engine->error_text();
      continue;
    }
    if (!one.handshakes) {  // P-224: no client can use it in TLS 1.3; OpenSSL's goes on without a
                            // certificate, AWS-LC's presents it in TLS 1.2
      EXPECT_EQ(server->engine->client_certificate(), nullptr) << one.id;
      continue;
    }
    ASSERT_TRUE(server->engine->established()) << one.id << server->engine->error_text();
    ++shaken;
    // The engine's clock is cut to the second: at the very end of a validity it is past it.
    if (server->engine->client_certificate()->not_after == one.now) continue;
    EXPECT_EQ(server->engine->client_error() != TlsError::none, one.refused)
        << one.id << server->engine->error_text();
    if (one.result == "user") {
      EXPECT_EQ(server->engine->client_certificate()->common_name, one.name) << one.id;
    }
  }
  EXPECT_GT(shaken, 250u);
  EXPECT_LT(unloadable, 40u);
}

INSTANTIATE_TEST_SUITE_P(
    Kubernetes,
    Vectors,
    ::testing::Values(std::uint16_t{TLS1_2_VERSION}, std::uint16_t{TLS1_3_VERSION}),
    [](const ::testing::TestParamInfo<std::uint16_t>& one) {
      return one.param == TLS1_2_VERSION ? "tls12" : "tls13";
    }
);

}  // namespace
}  // namespace gh::tls
