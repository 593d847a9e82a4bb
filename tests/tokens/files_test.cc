// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/bootstrap_secrets.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "authz/identity/tokens/token_file.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::identity {
namespace {

constexpr UnixTime now{1'900'000'000};

TEST(TokenFile, a_line_is_token_user_uid_and_groups) {
  std::vector<std::string> warnings;
  const auto file = TokenFile::parse("s3cret,alice,u1,\"dev,ops\"\n", "t.csv", warnings);
  ASSERT_TRUE(file.has_value());
  const TokenResult result = file->judge("s3cret");
  ASSERT_EQ(result.verdict, TokenVerdict::accepted);
  EXPECT_EQ(result.who, (Identity{"alice", "u1", {"dev", "ops"}, {}}));
  EXPECT_EQ(result.valid_until, forever);
  EXPECT_TRUE(warnings.empty());
  for (const char* wrong : {"s3cre", "s3cret ", "S3cret", ""})
    EXPECT_EQ(file->judge(wrong).verdict, TokenVerdict::no_opinion);
}

TEST(TokenFile, the_last_of_two_same_tokens_counts_and_is_told_without_the_token) {
  std::vector<std::string> warnings;
  const auto file = TokenFile::parse("s3cret,a,1\n\ns3cret,b,2\n,c,3\n", "t.csv", warnings);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->judge("s3cret").who.user, "b");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0].substr(0, 8), "t.csv:3:");
  for (const std::string& warning : warnings) EXPECT_EQ(warning.find("s3cret"), warning.npos);
}

TEST(TokenFile, a_fault_names_its_line_and_no_token) {
  std::vector<std::string> warnings;
  for (const char* text :
       {"a,b,c\ns3cret,b\n", "a,b,c\ns3cret,b\"x,c\n", "a,b,c\n\"s3cret,b,c\n"}) {
    const auto file = TokenFile::parse(text, "t.csv", warnings);
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().where, "t.csv:2");
    EXPECT_EQ(file.error().to_string().find("s3cret"), std::string::npos);
  }
}

std::string secret(const std::string& name, const std::string& data, const std::string& more = "") {
  return "---\napiVersion: v1\nkind: Secret\nmetadata: {name: " + name +
         ", namespace: kube-system}\ntype: bootstrap.kubernetes.io/token\nstringData:\n  " + data +
         "\n" + more;
}

const char* const full =
    "{token-id: abcdef, token-secret: 0123456789abcdef, usage-bootstrap-authentication: 'true'}";

TEST(BootstrapTokens, a_secret_authenticates_a_bootstrapper) {
  BootstrapLoader loader;
  ASSERT_TRUE(loader.add(secret("bootstrap-token-abcdef", full), "s.yaml").has_value());
  const auto tokens = loader.finish();
  ASSERT_TRUE(tokens.has_value());
  const TokenResult result = tokens->judge("abcdef.0123456789abcdef", now);
  ASSERT_EQ(result.verdict, TokenVerdict::accepted);
  EXPECT_EQ(result.who, (Identity{"system:bootstrap:abcdef", "", {"system:bootstrappers"}, {}}));
  for (const char* wrong :
       {"abcdef.0123456789abcdeg", "abcdeg.0123456789abcdef", "abcdef.0123456789ABCDEF"})
    EXPECT_EQ(tokens->judge(wrong, now).verdict, TokenVerdict::no_opinion);
}

TEST(BootstrapTokens, one_that_expires_is_valid_until_the_second_before) {
  BootstrapLoader loader;
  const std::string data =
      "{token-id: abcdef, token-secret: 0123456789abcdef, usage-bootstrap-authentication: 'true', "
      "expiration: '2030-03-17T17:46:40Z'}";
  ASSERT_TRUE(loader.add(secret("bootstrap-token-abcdef", data), "s.yaml").has_value());
  const auto tokens = loader.finish();
  EXPECT_EQ(
      tokens->judge("abcdef.0123456789abcdef", {1'899'999'999}).valid_until.seconds, 1'899'999'999
  );
  EXPECT_EQ(tokens->judge("abcdef.0123456789abcdef", now).verdict, TokenVerdict::no_opinion);
}

TEST(BootstrapTokens, a_secret_of_no_use_is_told_and_its_values_are_not) {
  BootstrapLoader loader;
  const std::string data =
      "{token-id: abcdef, token-secret: 0123456789abcdef, usage-bootstrap-authentication: 'true', "
      "auth-extra-groups: 'system:masters'}";
  ASSERT_TRUE(loader.add(secret("bootstrap-token-abcdef", data), "s.yaml").has_value());
  const auto tokens = loader.finish();
  EXPECT_EQ(tokens->size(), 0U);
  ASSERT_EQ(loader.warnings().size(), 1U);
  EXPECT_EQ(loader.warnings()[0].find("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(loader.warnings()[0].find("system:masters"), std::string::npos);
}

TEST(BootstrapTokens, the_same_secret_twice_is_a_fault) {
  BootstrapLoader loader;
  ASSERT_TRUE(loader.add(secret("bootstrap-token-abcdef", full), "a.yaml").has_value());
  const auto again = loader.add(secret("bootstrap-token-abcdef", full), "b.yaml");
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().text.find("a.yaml:2"), std::string::npos) << again.error().to_string();
}

TEST(TokenAuthenticators, the_token_file_is_asked_before_bootstrap_tokens) {
  TokenAuthenticators all;
  std::vector<std::string> warnings;
  all.token_file = *TokenFile::parse("abcdef.0123456789abcdef,alice,1\nx,,2\n", "t.csv", warnings);
  BootstrapLoader loader;
  ASSERT_TRUE(loader.add(secret("bootstrap-token-abcdef", full), "s.yaml").has_value());
  all.bootstrap = *loader.finish();
  EXPECT_EQ(all.authenticate("abcdef.0123456789abcdef", now).who.user, "alice");
  EXPECT_EQ(all.authenticate("x", now).verdict, TokenVerdict::refused);  // an empty name
  EXPECT_EQ(all.authenticate("y", now).verdict, TokenVerdict::no_opinion);
  EXPECT_EQ(TokenAuthenticators().authenticate("y", now).verdict, TokenVerdict::no_opinion);
}

}  // namespace
}  // namespace gh::identity
