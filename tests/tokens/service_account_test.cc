// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/service_account.h"

#include "authz/identity/tokens/base64url.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "base/limits.h"
#include "tests/tokens/token_maker.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::identity {
namespace {

using test::make_token;
using test::SignKey;
using test::SignKind;

constexpr std::int64_t now = 1'900'000'000;
constexpr const char* issuer = "https://kubernetes.default.svc";

std::string claims(const std::string& more = "", const std::string& times = "") {
  const std::string time =
      times.empty() ? R"("exp":1900003600,"nbf":1899999990,"iat":1899999990)" : times;
  return R"({"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:team:builder",)" +
         time +
         R"(,"jti":"id-1","kubernetes.io":{"namespace":"team","serviceaccount":{"name":"builder","uid":"u-1"},"pod":{"name":"p","uid":"u-2"},"node":{"name":"n","uid":"u-3"}})" +
         more + "}";
}

const std::string legacy_claims =
    R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"team",)"
    R"("kubernetes.io/serviceaccount/secret.name":"builder-token","kubernetes.io/serviceaccount/service-account.name":"builder",)"
    R"("kubernetes.io/serviceaccount/service-account.uid":"u-1","sub":"system:serviceaccount:team:builder"})";

class ServiceAccounts : public ::testing::Test {
 protected:
  ServiceAccounts() {
    ServiceAccountSettings settings;
    settings.keys = {ec.verify_key(), rsa.verify_key(), p384.verify_key()};
    settings.issuers = {issuer};
    settings.api_audiences = {"api", issuer};
    all.service_accounts.emplace(settings);
  }

  TokenResult ask(const std::string& token, std::int64_t at = now) const {
    return all.authenticate(token, UnixTime{at});
  }

  bool accepts(const std::string& token, std::int64_t at = now) const {
    return ask(token, at).verdict == TokenVerdict::accepted;
  }

  bool accepts_claims(const std::string& payload) const { return accepts(make_token(payload, ec)); }

  static const SignKey ec, other, rsa, p384;
  TokenAuthenticators all;
};

const SignKey ServiceAccounts::ec(SignKind::p256);
const SignKey ServiceAccounts::other(SignKind::p256);
const SignKey ServiceAccounts::rsa(SignKind::rsa2048);
const SignKey ServiceAccounts::p384(SignKind::p384);

TEST_F(ServiceAccounts, a_bound_token_names_account_groups_and_what_it_is_bound_to) {
  const TokenResult result = ask(make_token(claims(), ec));
  ASSERT_EQ(result.verdict, TokenVerdict::accepted) << result.why;
  EXPECT_EQ(result.who.user, "system:serviceaccount:team:builder");
  EXPECT_EQ(result.who.uid, "u-1");
  EXPECT_EQ(
      result.who.groups,
      (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:team"})
  );
  const Extra want = {
      {"authentication.kubernetes.io/credential-id", {"JTI=id-1"}},
      {"authentication.kubernetes.io/node-name", {"n"}},
      {"authentication.kubernetes.io/node-uid", {"u-3"}},
      {"authentication.kubernetes.io/pod-name", {"p"}},
      {"authentication.kubernetes.io/pod-uid", {"u-2"}},
  };
  EXPECT_EQ(result.who.extra, want);
  EXPECT_EQ(result.valid_until.seconds, 1'900'003'660);
  EXPECT_FALSE(result.needs_confirmation);
}

TEST_F(ServiceAccounts, keys_of_every_kind_verify_their_own) {
  for (const SignKey* key : {&ec, &rsa, &p384}) EXPECT_TRUE(accepts(make_token(claims(), *key)));
  EXPECT_FALSE(accepts(make_token(claims(), other)));
}

TEST_F(ServiceAccounts, with_lookup_every_accepted_token_needs_the_api_servers_word) {
  ServiceAccountSettings settings;
  settings.keys = {ec.verify_key()};
  settings.issuers = {issuer};
  settings.lookup = true;
  all.service_accounts.emplace(settings);
  for (const std::string& payload : {claims(), legacy_claims}) {
    const TokenResult result = ask(make_token(payload, ec));
    EXPECT_EQ(result.verdict, TokenVerdict::accepted) << result.why;
    EXPECT_TRUE(result.needs_confirmation);
  }
}

TEST_F(ServiceAccounts, alg_none_is_refused_with_and_without_a_signature) {
  for (const char* alg : {"none", "None", "NONE", ""}) {
    const std::string header = std::string(R"({"alg":")") + alg + "\"}";
    const std::string input = base64url_encode(header) + "." + base64url_encode(claims());
    EXPECT_FALSE(accepts(input + "."));
    EXPECT_FALSE(accepts(make_token(header, claims(), ec)));
  }
  EXPECT_FALSE(accepts(make_token("{}", claims(), ec)));
}

TEST_F(ServiceAccounts, a_public_key_used_as_hmac_secret_is_refused) {
  const std::string input =
      base64url_encode(R"({"alg":"HS256"})") + "." + base64url_encode(claims());
  const std::string pem = rsa.public_pem();
  const std::string der(as_text(rsa.verify_key().public_key_info()));
  for (const std::string& secret : {pem, pem.substr(0, pem.size() - 1), der}) {
    EXPECT_FALSE(accepts(input + "." + base64url_encode(test::hmac_signature(secret, input))));
  }
}

TEST_F(ServiceAccounts, an_algorithm_of_another_kind_of_key_is_refused) {
  EXPECT_FALSE(accepts(make_token(R"({"alg":"RS256"})", claims(), ec)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256"})", claims(), rsa)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"PS256"})", claims(), rsa)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"RS384"})", claims(), rsa)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256"})", claims(), p384)));
}

TEST_F(ServiceAccounts, a_key_id_chooses_the_key_and_an_unknown_one_none) {
  const std::string good = make_token(R"({"alg":"ES256"})", claims(), ec);
  EXPECT_TRUE(accepts(good));
  const std::string wrong = R"({"alg":"ES256","kid":")" + rsa.key_id() + "\"}";
  EXPECT_FALSE(accepts(make_token(wrong, claims(), ec)));
  EXPECT_EQ(
      ask(make_token(R"({"alg":"ES256","kid":"x"})", claims(), ec)).why,
      "invalid signature, no keys found"
  );
}

TEST_F(ServiceAccounts, critical_headers_that_nobody_knows_are_refused) {
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256","crit":["exp"],"exp":1})", claims(), ec)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256","crit":["b64","x"]})", claims(), ec)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256","crit":"b64"})", claims(), ec)));
  EXPECT_TRUE(accepts(make_token(R"({"alg":"ES256","crit":["b64"],"b64":true})", claims(), ec)));
}

TEST_F(ServiceAccounts, keys_that_a_header_brings_along_verify_nothing) {
  const std::string own = R"({"alg":"ES256","jwk":)" + other.jwk("x") + "}";
  EXPECT_FALSE(accepts(make_token(own, claims(), other)));
  for (const char* more :
       {R"("jku":"https://evil.example/keys")", R"("x5u":"https://evil.example/c")"}) {
    const std::string header = std::string(R"({"alg":"ES256",)") + more + "}";
    EXPECT_FALSE(accepts(make_token(header, claims(), other)));
    EXPECT_TRUE(accepts(make_token(header, claims(), ec)));  // passed over
  }
  EXPECT_TRUE(accepts(make_token(own, claims(), ec)));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256","jwk":{"kty":"oct","k":"AA"}})", claims(), ec))
  );
  EXPECT_FALSE(accepts(make_token(R"({"alg":"ES256","x5c":["AAAA"]})", claims(), ec)));
}

TEST_F(ServiceAccounts, repeated_claims_and_headers_are_refused) {
  EXPECT_FALSE(accepts_claims(claims(R"(,"sub":"system:serviceaccount:kube-system:admin")")));
  EXPECT_FALSE(accepts_claims(claims(R"(,"iss":"https://kubernetes.default.svc")")));
  EXPECT_FALSE(accepts_claims(claims(R"(,"x":1,"x":2)")));
  EXPECT_FALSE(accepts(make_token(R"({"alg":"none","alg":"ES256"})", claims(), ec)));
}

TEST_F(ServiceAccounts, deep_and_huge_json_is_refused_and_costs_no_stack) {
  const auto nested = [](std::size_t depth) {
    return ",\"x\":" + std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(accepts_claims(claims(nested(9'999))));
  EXPECT_FALSE(accepts_claims(claims(nested(10'000))));
  EXPECT_FALSE(accepts(make_token("{\"alg\":\"ES256\"" + nested(10'000) + "}", claims(), ec)));
  EXPECT_FALSE(accepts_claims(claims(",\"x\":" + std::string(20'000, '['))));
  EXPECT_TRUE(accepts_claims(claims(",\"x\":\"" + std::string(30'000, 'a') + "\"")));
  EXPECT_FALSE(accepts_claims(claims(",\"x\":\"" + std::string(60'000, 'a') + "\"")));
}

TEST_F(ServiceAccounts, a_token_may_be_as_long_as_the_bound_and_no_longer) {
  const std::string base(limits::token_bytes_max, 'a');
  EXPECT_EQ(ask(base).verdict, TokenVerdict::no_opinion);
  EXPECT_EQ(ask(base + "a").verdict, TokenVerdict::refused);
  EXPECT_EQ(ask("").verdict, TokenVerdict::no_opinion);
}

TEST_F(ServiceAccounts, base64_is_read_as_go_reads_it) {
  const std::string good = make_token(claims(), ec);
  const std::size_t last = good.rfind('.');
  EXPECT_FALSE(accepts(good + "="));
  EXPECT_FALSE(accepts(good + "=="));
  EXPECT_FALSE(accepts(good + "A"));
  EXPECT_FALSE(accepts(good.substr(0, last) + "=" + good.substr(last)));
  std::string spare = good;  // 64 bytes of signature: the last digit has four bits to spare
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  spare.back() = alphabet[alphabet.find(spare.back()) ^ 1];
  EXPECT_TRUE(accepts(spare));
  std::string standard = good;
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  EXPECT_EQ(accepts(standard), standard == good);
}

TEST_F(ServiceAccounts, the_audience_must_be_one_of_the_api_servers) {
  EXPECT_TRUE(accepts_claims(claims(R"(,"aud":"api")")));
  EXPECT_TRUE(accepts_claims(claims(R"(,"aud":["vault","api"])")));
  EXPECT_TRUE(accepts_claims(claims(R"(,"aud":[])")));  // as without
  EXPECT_FALSE(accepts_claims(claims(R"(,"aud":"vault")")));
  EXPECT_FALSE(accepts_claims(claims(R"(,"aud":["API"])")));
  EXPECT_FALSE(accepts_claims(claims(R"(,"aud":null)")));
  EXPECT_FALSE(accepts_claims(claims(R"(,"aud":["api",5])")));
  EXPECT_FALSE(accepts_claims(claims(R"(,"aud":{"api":true})")));
}

TEST_F(ServiceAccounts, another_issuers_token_is_nobodys) {
  std::string payload = claims();
  payload.replace(payload.find(".svc\""), 5, ".svc/\"");
  EXPECT_EQ(ask(make_token(payload, ec)).verdict, TokenVerdict::no_opinion);
  // encoding/json finds the issuer under ISS, go-jose does not: refused, not passed on.
  payload = claims();
  payload.replace(payload.find("iss"), 3, "ISS");
  EXPECT_EQ(ask(make_token(payload, ec)).verdict, TokenVerdict::refused);
}

TEST_F(ServiceAccounts, times_are_numbers_of_any_form_and_nothing_else) {
  const auto with_exp = [](const std::string& exp) { return claims("", "\"exp\":" + exp); };
  EXPECT_TRUE(accepts_claims(with_exp("1900000000.9")));
  EXPECT_TRUE(accepts_claims(with_exp("1.9000036e9")));
  EXPECT_TRUE(accepts_claims(with_exp("null")));
  for (const char* bad :
       {"\"1900003600\"", "true", "[]", "{}", "1e400", "-1", "0", "9223372036854774784", "1e300"}) {
    EXPECT_FALSE(accepts_claims(with_exp(bad))) << bad;
  }
}

TEST_F(ServiceAccounts, clocks_may_differ_by_a_minute) {
  const std::string token = make_token(claims(), ec);
  EXPECT_TRUE(accepts(token, 1'900'003'660));
  EXPECT_FALSE(accepts(token, 1'900'003'661));
  EXPECT_TRUE(accepts(token, 1'899'999'930));
  EXPECT_FALSE(accepts(token, 1'899'999'929));
  EXPECT_FALSE(accepts_claims(claims("", "\"iat\":1900000061")));
}

TEST_F(ServiceAccounts, a_legacy_token_never_expires_and_must_name_its_account_twice) {
  EXPECT_TRUE(accepts_claims(legacy_claims));
  std::string expired = legacy_claims;
  expired.insert(1, "\"exp\":5,");
  EXPECT_TRUE(accepts_claims(expired));
  std::string other_subject = legacy_claims;
  other_subject.replace(other_subject.rfind("builder"), 7, "admin");
  EXPECT_EQ(ask(make_token(other_subject, ec)).why, "sub claim is invalid");
}

TEST_F(ServiceAccounts, accounts_that_cannot_exist_are_refused) {
  for (const char* bad :
       {R"({"namespace":"","serviceaccount":{"name":"a","uid":"u"}})",
        R"({"namespace":"Team","serviceaccount":{"name":"a","uid":"u"}})",
        R"({"namespace":"team","serviceaccount":{"name":"","uid":"u"}})",
        R"({"namespace":"team","serviceaccount":{"name":"a:b","uid":"u"}})",
        R"({"namespace":"team","serviceaccount":{"name":"b\u00fc","uid":"u"}})",
        R"({"namespace":"team","serviceaccount":{"name":"a","uid":""}})",
        R"({"namespace":"team","serviceaccount":{"name":"a","uid":"u"},"pod":{"name":"p"}})",
        "{}"}) {
    const std::string payload =
        std::string(R"({"iss":"https://kubernetes.default.svc","kubernetes.io":)") + bad + "}";
    EXPECT_FALSE(accepts_claims(payload)) << bad;
  }
}

TEST_F(ServiceAccounts, no_refusal_repeats_the_token) {
  for (const std::string& token :
       {make_token(claims(R"(,"aud":"vault")"), ec),
        make_token(claims(), other),
        make_token(R"({"alg":"ES256","kid":"x"})", claims(), ec)}) {
    const TokenResult result = ask(token);
    EXPECT_EQ(result.verdict, TokenVerdict::refused);
    EXPECT_EQ(result.why.find(token.substr(token.rfind('.') + 1)), std::string::npos);
    EXPECT_EQ(result.why.find(token.substr(0, token.find('.'))), std::string::npos);
  }
}

}  // namespace
}  // namespace gh::identity
