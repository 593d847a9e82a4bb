// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/oidc.h"

#include "authz/identity/tokens/authentication_config.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "tests/tokens/token_maker.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace gh::identity {
namespace {

using test::make_token;
using test::SignKey;
using test::SignKind;

constexpr std::int64_t now = 1'900'000'000;

std::string config(const std::string& mappings, const std::string& more = "") {
  return "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n"
         "- issuer: {url: https://idp.example, audiences: [app, cli], audienceMatchPolicy: "
         "MatchAny}\n  claimMappings: " +
         mappings + "\n" + more;
}

const char* const plain =
    "{username: {claim: sub, prefix: 'idp:'}, groups: {claim: groups, prefix: 'idp:'}}";

std::string token(const SignKey& key, const std::string& more, const std::string& kid = "k1") {
  const std::string header =
      R"({"alg":")" + std::string(key.algorithm()) + R"(","kid":")" + kid + "\"}";
  return make_token(
      header, R"({"iss":"https://idp.example","aud":"app","exp":1900000300)" + more + "}", key
  );
}

class Oidc : public ::testing::Test {
 protected:
  void use(const std::string& text, bool with_keys = true) {
    auto parsed = parse_authentication_config(text, "a.yaml", {});
    ASSERT_TRUE(parsed.has_value()) << parsed.error().front().to_string();
    OidcAuthenticator::Keys keys;
    if (with_keys) {
      auto set = parse_jwks(R"({"keys":[)" + key.jwk("k1") + "]}");
      ASSERT_TRUE(set.has_value()) << set.error();
      keys = std::make_shared<const std::vector<NamedKey>>(std::move(*set));
    }
    all.issuers.clear();
    all.issuers.emplace_back(parsed->issuers.front(), keys, wish);
  }

  TokenResult ask(const std::string& text, std::int64_t at = now) const {
    return all.authenticate(text, UnixTime{at});
  }

  static const SignKey key, other;
  std::shared_ptr<KeyWish> wish = std::make_shared<KeyWish>();
  TokenAuthenticators all;
};

const SignKey Oidc::key(SignKind::p256);
const SignKey Oidc::other(SignKind::p256);

TEST_F(Oidc, claims_become_a_user_with_prefixes) {
  use(config(plain));
  const TokenResult result = ask(token(key, R"(,"sub":"jürgen","groups":["dev","ops"],"jti":"7")"));
  ASSERT_EQ(result.verdict, TokenVerdict::accepted) << result.why;
  EXPECT_EQ(result.who.user, "idp:jürgen");
  EXPECT_EQ(result.who.groups, (std::vector<std::string>{"idp:dev", "idp:ops"}));
  EXPECT_EQ(result.who.extra, (Extra{{std::string(credential_id_key), {"JTI=7"}}}));
  EXPECT_EQ(result.valid_until.seconds, 1'900'000'300);
  EXPECT_FALSE(result.needs_confirmation);
}

TEST_F(Oidc, an_unknown_key_is_refused_and_asked_for_without_waiting) {
  use(config(plain));
  EXPECT_EQ(ask(token(key, R"(,"sub":"a")")).verdict, TokenVerdict::accepted);
  EXPECT_FALSE(wish->take());
  EXPECT_EQ(ask(token(other, R"(,"sub":"a")", "k2")).verdict, TokenVerdict::refused);
  EXPECT_TRUE(wish->take());
  EXPECT_FALSE(wish->take());
}

TEST_F(Oidc, without_keys_every_token_of_the_issuer_is_refused) {
  use(config(plain), false);
  const TokenResult result = ask(token(key, R"(,"sub":"a")"));
  EXPECT_EQ(result.verdict, TokenVerdict::refused);
  EXPECT_EQ(result.why, "oidc: authenticator not initialized");
  EXPECT_TRUE(wish->take());
}

TEST_F(Oidc, expiry_has_no_leeway_and_must_be_there) {
  use(config(plain));
  const std::string good = token(key, R"(,"sub":"a")");
  EXPECT_EQ(ask(good, 1'900'000'300).verdict, TokenVerdict::accepted);
  EXPECT_EQ(ask(good, 1'900'000'301).verdict, TokenVerdict::refused);
  const std::string none = make_token(
      R"({"alg":"ES256"})", R"({"iss":"https://idp.example","aud":"app","sub":"a"})", key
  );
  EXPECT_EQ(ask(none).verdict, TokenVerdict::refused);
  EXPECT_EQ(ask(token(key, R"(,"sub":"a","nbf":1900000060)")).verdict, TokenVerdict::accepted);
  EXPECT_EQ(ask(token(key, R"(,"sub":"a","nbf":1900000061)")).verdict, TokenVerdict::refused);
}

TEST_F(Oidc, the_last_of_repeated_claims_counts_in_any_letters) {
  use(config(plain));
  EXPECT_EQ(ask(token(key, R"(,"sub":"a","EXP":5)")).verdict, TokenVerdict::refused);
  EXPECT_EQ(ask(token(key, R"(,"sub":"a","sub":"b")")).who.user, "idp:b");
  EXPECT_EQ(ask(token(key, R"(,"sub":"a","Sub":"b")")).who.user, "idp:a");
}

TEST_F(Oidc, an_unverified_email_is_nobodys_name) {
  use(config("{username: {claim: email, prefix: ''}}"));
  EXPECT_EQ(ask(token(key, R"(,"email":"a@b")")).who.user, "a@b");
  EXPECT_EQ(ask(token(key, R"(,"email":"a@b","email_verified":true)")).who.user, "a@b");
  for (const char* verified : {"false", "null", "\"true\"", "1"}) {
    const auto result =
        ask(token(key, std::string(R"(,"email":"a@b","email_verified":)") + verified));
    EXPECT_EQ(result.verdict, TokenVerdict::refused) << verified;
  }
}

TEST_F(Oidc, an_empty_name_is_refused) {
  use(config("{username: {claim: sub, prefix: ''}}"));
  EXPECT_EQ(ask(token(key, R"(,"sub":"")")).verdict, TokenVerdict::refused);
  EXPECT_EQ(ask(token(key, R"(,"sub":null)")).verdict, TokenVerdict::refused);
}

TEST_F(Oidc, required_claims_must_match_exactly) {
  use(config(plain, "  claimValidationRules: [{claim: hd, requiredValue: example.com}]\n"));
  EXPECT_EQ(ask(token(key, R"(,"sub":"a","hd":"example.com")")).verdict, TokenVerdict::accepted);
  for (const char* more :
       {R"(,"hd":"Example.com")", "", R"(,"hd":["example.com"])", R"(,"HD":"example.com")"}) {
    EXPECT_EQ(ask(token(key, std::string(R"(,"sub":"a")") + more)).verdict, TokenVerdict::refused);
  }
}

TEST_F(Oidc, expressions_join_strings_and_lists) {
  use(config(
      "{username: {expression: \"claims.user.name + '@' + claims.realm\"}, groups: {expression: "
      "'claims.a + claims[\"b-c\"]'}, extra: [{key: example.org/team, valueExpression: "
      "claims.team}]}"
  ));
  const std::string base =
      R"(,"user":{"name":"x"},"realm":"r","a":["1",""],"b-c":["2"],"team":"t")";
  const TokenResult result = ask(token(key, base));
  ASSERT_EQ(result.verdict, TokenVerdict::accepted) << result.why;
  EXPECT_EQ(result.who.user, "x@r");
  EXPECT_EQ(result.who.groups, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(result.who.extra, (Extra{{"example.org/team", {"t"}}}));
  EXPECT_EQ(ask(token(key, base + R"(,"realm":5)")).verdict, TokenVerdict::refused);
  EXPECT_EQ(ask(token(key, base + R"(,"a":"1")")).verdict, TokenVerdict::refused);
}

TEST_F(Oidc, distributed_claims_are_refused_where_they_would_be_fetched) {
  use(config(plain));
  const std::string sources = R"(,"_claim_sources":{"s":{"endpoint":"https://c.example"}})";
  const std::string names = R"(,"sub":"a","_claim_names":{"groups":"s"})";
  EXPECT_EQ(ask(token(key, names + sources)).verdict, TokenVerdict::refused);
  EXPECT_EQ(ask(token(key, names + sources + R"(,"groups":[])")).verdict, TokenVerdict::accepted);
}

TEST_F(Oidc, hmac_and_none_are_no_algorithms) {
  use(config(plain));
  for (const char* alg : {"none", "HS256", "EdDSA", "es256"}) {
    const std::string header = std::string(R"({"alg":")") + alg + "\"}";
    const std::string text = make_token(
        header, R"({"iss":"https://idp.example","aud":"app","exp":1900000300,"sub":"a"})", key
    );
    EXPECT_EQ(ask(text).verdict, TokenVerdict::refused) << alg;
  }
}

// ---- the configuration ----

std::string first_fault(const std::string& text) {
  auto parsed = parse_authentication_config(text, "a.yaml", {"https://sa.example"});
  return parsed ? std::string() : parsed.error().front().to_string();
}

TEST(AuthenticationConfiguration, what_gatehouse_cannot_do_is_a_fault_with_line_and_field) {
  EXPECT_EQ(
      first_fault(config(plain, "  claimValidationRules:\n  - expression: claims.a == 'b'\n")),
      "a.yaml:7: jwt[0].claimValidationRules[0].expression: gatehouse cannot check claims by CEL "
      "expressions"
  );
  EXPECT_EQ(
      first_fault(config(plain, "  userValidationRules:\n  - expression: \"true\"\n")),
      "a.yaml:7: jwt[0].userValidationRules[0].expression: gatehouse cannot check users by CEL "
      "expressions"
  );
  const std::string cel =
      first_fault(config("{username: {expression: 'claims.a.startsWith(\"x\")'}}"));
  EXPECT_NE(cel.find("a.yaml:5: jwt[0].claimMappings.username.expression"), cel.npos) << cel;
}

TEST(AuthenticationConfiguration, unknown_fields_are_faults) {
  EXPECT_EQ(first_fault(config(plain, "  foo: 1\n")), "a.yaml:6: jwt[0].foo: unknown field");
}

TEST(AuthenticationConfiguration, every_fault_is_told) {
  const auto parsed = parse_authentication_config(
      "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n"
      "- issuer: {url: http://x, audiences: []}\n  claimMappings: {username: {claim: sub}}\n",
      "a.yaml",
      {}
  );
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().size(), 3U);
}

TEST(AuthenticationConfiguration, a_service_account_issuer_cannot_be_an_oidc_issuer) {
  std::string text = config(plain);
  text.replace(text.find("https://idp.example"), 19, "https://sa.example");
  EXPECT_NE(first_fault(text).find("disallowed issuers"), std::string::npos);
}

}  // namespace
}  // namespace gh::identity
