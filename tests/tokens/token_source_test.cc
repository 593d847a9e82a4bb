// SPDX-License-Identifier: Apache-2.0
#include "control/token_source.h"

#include "tests/control/temporary_folder.h"
#include "tests/support/test_pki.h"
#include "tests/tokens/https_issuer.h"
#include "tests/tokens/token_maker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace gh::control {
namespace {

using identity::TokenVerdict;

constexpr UnixTime now{1'900'000'000};

TEST(TokenSource, files_make_one_snapshot_and_the_same_files_no_other) {
  const TemporaryFolder folder;
  Config config;
  EXPECT_FALSE(TokenSource::wanted(config));
  config.token_auth_file = folder.write("t.csv", "tok,alice,1\n");
  EXPECT_TRUE(TokenSource::wanted(config));
  TokenSource source(config);
  TokenReport report = source.read();
  ASSERT_TRUE(report.faults.empty());
  EXPECT_TRUE(report.changed);
  const auto made = source.build(7);
  EXPECT_EQ(made->generation, 7U);
  EXPECT_EQ(made->authenticate("tok", now).who.user, "alice");
  EXPECT_FALSE(source.read().changed);
  folder.replace("t.csv", "tok,bob,1\n");
  EXPECT_TRUE(source.read().changed);
  EXPECT_EQ(source.build(8)->authenticate("tok", now).who.user, "bob");
}

TEST(TokenSource, one_fault_and_all_stays_as_it_was) {
  const TemporaryFolder folder;
  Config config;
  config.token_auth_file = folder.write("t.csv", "tok,alice,1\n");
  config.service_account_key_file = {
      folder.write("sa.pub", test::SignKey(test::SignKind::p256).public_pem())
  };
  config.service_account_issuer = {"https://a"};
  TokenSource source(config);
  ASSERT_TRUE(source.read().faults.empty());
  folder.replace("t.csv", "tok,bob,1\n");
  folder.replace("sa.pub", "no key\n");
  const TokenReport report = source.read();
  ASSERT_EQ(report.faults.size(), 1U);
  EXPECT_EQ(report.faults[0].where, folder.at("sa.pub"));
  EXPECT_FALSE(report.changed);
  EXPECT_EQ(source.build(2)->authenticate("tok", now).who.user, "alice");
}

TEST(TokenSource, every_file_is_watched) {
  Config config;
  config.token_auth_file = "a";
  config.enable_bootstrap_token_auth = true;
  config.bootstrap_token_secrets = {"b"};
  config.service_account_key_file = {"c", "d"};
  config.authentication_config = "e";
  config.oidc_jwks_file = {{"https://x", "f"}};
  EXPECT_EQ(TokenSource(config).paths().size(), 6U);
}

std::string issuer_config(
    const std::string& url, const std::string& more = "", const std::string& section = ""
) {
  return "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n" + section +
         "jwt:\n- issuer:\n    url: " + url + "\n    audiences: [app]\n" + more +
         "  claimMappings: {username: {claim: sub, prefix: ''}}\n";
}

std::string id_token(const test::SignKey& key, const std::string& url) {
  return test::make_token(
      R"({"alg":"ES256","kid":"k1"})",
      R"({"iss":")" + url + R"(","aud":"app","sub":"a","exp":1900000300})",
      key
  );
}

TEST(TokenSource, keys_of_an_issuer_may_come_from_a_file) {
  const TemporaryFolder folder;
  const test::SignKey key(test::SignKind::p256);
  Config config;
  config.authentication_config = folder.write("a.yaml", issuer_config("https://idp.example"));
  config.oidc_jwks_file = {
      {"https://idp.example", folder.write("k.json", R"({"keys":[)" + key.jwk("k1") + "]}")}
  };
  TokenSource source(config);
  const TokenReport report = source.read();
  ASSERT_TRUE(report.faults.empty()) << report.faults[0].to_string();
  EXPECT_EQ(source.build(1)->authenticate(id_token(key, "https://idp.example"), now).who.user, "a");
  config.oidc_jwks_file[0].issuer = "https://other.example";
  EXPECT_EQ(TokenSource(config, FetchKeys::never).read().faults.size(), 1U);
}

TEST(TokenSource, an_anonymous_section_that_says_other_than_the_flag_is_refused) {
  const TemporaryFolder folder;
  Config config;
  const auto faults = [&](const std::string& section) {
    config.authentication_config =
        folder.write("a.yaml", issuer_config("https://idp.example", "", section));
    return TokenSource(config, FetchKeys::never).read().faults;
  };
  EXPECT_TRUE(faults("anonymous: {enabled: false}\n").empty());
  EXPECT_EQ(faults("anonymous: {enabled: true}\n").size(), 1U);
  config.anonymous_auth = true;
  EXPECT_TRUE(faults("anonymous: {enabled: true}\n").empty());
  EXPECT_EQ(faults("anonymous: {enabled: true, conditions: [{path: /livez}]}\n").size(), 1U);
}

// ---- keys over https ----

bool wait_for(const std::function<bool()>& done) {
  for (int i = 0; i < 1'000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::string indented(const std::string& pem) {
  std::string out = "    certificateAuthority: |\n";
  std::size_t at = 0;
  while (at < pem.size()) {
    const std::size_t end = pem.find('\n', at);
    out += "      " + pem.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

TEST(TokenSource, keys_of_an_issuer_are_fetched_over_https) {
  const TemporaryFolder folder;
  const test::SignKey key(test::SignKind::p256);
  const test::Authority ca("issuer-ca");
  test::HttpsIssuer issuer(ca.server("localhost"));
  issuer.answer(
      "/.well-known/openid-configuration",
      R"({"issuer":")" + issuer.url() + R"(","jwks_uri":")" + issuer.url() + R"(/keys"})"
  );
  issuer.answer("/keys", R"({"keys":[)" + key.jwk("k1") + "]}");
  Config config;
  config.authentication_config =
      folder.write("a.yaml", issuer_config(issuer.url(), indented(ca.pem())));
  TokenSource source(config);
  const TokenReport report = source.read();
  ASSERT_TRUE(report.faults.empty()) << report.faults[0].to_string();
  ASSERT_TRUE(wait_for([&] { return source.keys_changed(); }));
  const auto result = source.build(1)->authenticate(id_token(key, issuer.url()), now);
  EXPECT_EQ(result.verdict, TokenVerdict::accepted) << result.why;
  EXPECT_FALSE(source.take_events().empty());
}

TEST(OidcKeys, an_unknown_key_makes_them_be_fetched_again) {
  const test::SignKey key(test::SignKind::p256);
  const test::Authority ca("issuer-ca");
  test::HttpsIssuer server(ca.server("localhost"));
  server.answer(
      "/.well-known/openid-configuration",
      R"({"issuer":")" + server.url() + R"(","jwks_uri":")" + server.url() + R"(/keys"})"
  );
  server.answer("/keys", R"({"keys":[]})");
  auto issuer = std::make_shared<identity::OidcIssuer>();
  issuer->url = server.url();
  issuer->certificate_authority = ca.pem();
  OidcKeys keys({std::chrono::milliseconds(1), std::chrono::hours(1)});
  keys.follow({issuer});
  ASSERT_TRUE(wait_for([&] { return keys.take_changed(); }));
  EXPECT_TRUE(keys.keys_of(issuer->url)->empty());
  server.answer("/keys", R"({"keys":[)" + key.jwk("k1") + "]}");
  keys.wish_of(issuer->url)->ask();
  ASSERT_TRUE(wait_for([&] { return keys.take_changed(); }));
  EXPECT_EQ(keys.keys_of(issuer->url)->size(), 1U);
  server.answer("/keys", "no JSON");  // what was fetched before stays
  keys.wish_of(issuer->url)->ask();
  ASSERT_TRUE(wait_for([&] {
    for (const std::string& event : keys.take_events()) {
      if (event.find("cannot be used") != event.npos) return true;
    }
    return false;
  }));
  EXPECT_EQ(keys.keys_of(issuer->url)->size(), 1U);
}

TEST(OidcKeys, keys_serve_on_while_they_are_fetched_from_another_place) {
  const test::SignKey key(test::SignKind::p256);
  const test::Authority ca("issuer-ca");
  test::HttpsIssuer server(ca.server("localhost"));
  server.answer(
      "/.well-known/openid-configuration",
      R"({"issuer":")" + server.url() + R"(","jwks_uri":")" + server.url() + R"(/keys"})"
  );
  server.answer("/keys", R"({"keys":[)" + key.jwk("k1") + "]}");
  auto issuer = std::make_shared<identity::OidcIssuer>();
  issuer->url = server.url();
  issuer->certificate_authority = ca.pem();
  OidcKeys keys;
  keys.follow({issuer});
  ASSERT_TRUE(wait_for([&] { return keys.take_changed(); }));
  auto moved = std::make_shared<identity::OidcIssuer>(*issuer);
  moved->discovery_url = server.url() + "/nothing-here";
  keys.follow({moved});
  ASSERT_NE(keys.keys_of(issuer->url), nullptr);
  EXPECT_EQ(keys.keys_of(issuer->url)->size(), 1U);
}

TEST(TokenSource, an_issuer_that_is_not_trusted_or_says_to_be_another_gives_no_keys) {
  const TemporaryFolder folder;
  const test::Authority ca("issuer-ca");
  const test::Authority other("other-ca");
  test::HttpsIssuer issuer(ca.server("localhost"));
  issuer.answer(
      "/.well-known/openid-configuration",
      R"({"issuer":"https://else","jwks_uri":")" + issuer.url() + R"(/keys"})"
  );
  for (const test::Authority* trusted : {&ca, &other}) {
    Config config;
    config.authentication_config =
        folder.write("a.yaml", issuer_config(issuer.url(), indented(trusted->pem())));
    TokenSource source(config);
    ASSERT_TRUE(source.read().faults.empty());
    std::vector<std::string> events;
    ASSERT_TRUE(wait_for([&] {
      events = source.take_events();
      return !events.empty();
    }));
    EXPECT_NE(events[0].find("not fetched"), std::string::npos) << events[0];
    EXPECT_FALSE(source.keys_changed());
  }
}

}  // namespace
}  // namespace gh::control
