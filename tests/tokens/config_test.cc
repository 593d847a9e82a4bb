// SPDX-License-Identifier: Apache-2.0
// The options of bearer tokens: what goes together, as kube-apiserver says.
#include "control/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gh::control {
namespace {

Setting flag(const std::string& name, const std::string& value) {
  return {name, {{value, "--" + name}}, "--" + name, ""};
}

bool says(const std::vector<Setting>& flags, const std::string& sentence) {
  const auto problems = load_config(flags).problems;
  return std::any_of(problems.begin(), problems.end(), [&](const Fault& problem) {
    return problem.text.find(sentence) != problem.text.npos;
  });
}

TEST(TokenOptions, keys_and_issuer_of_service_accounts_go_together) {
  EXPECT_TRUE(says({flag("service-account-key-file", "k")}, "service-account-issuer is needed"));
  EXPECT_TRUE(says({flag("service-account-issuer", "i")}, "service-account-key-file is needed"));
  EXPECT_TRUE(says({flag("service-account-issuer", "")}, "should not be an empty string"));
  Setting twice = flag("service-account-issuer", "i");
  twice.values.push_back({"i", "--service-account-issuer"});
  EXPECT_TRUE(says({twice}, "is already specified"));
}

TEST(TokenOptions, options_without_the_one_they_serve_are_problems) {
  EXPECT_TRUE(
      says({flag("enable-bootstrap-token-auth", "true")}, "bootstrap-token-secrets is needed")
  );
  EXPECT_TRUE(says({flag("bootstrap-token-secrets", "s")}, "bootstrap-token-secrets is of no use"));
  EXPECT_TRUE(says({flag("oidc-jwks-file", "https://i=f")}, "oidc-jwks-file is of no use"));
  EXPECT_TRUE(says({flag("oidc-jwks-file", "https://i")}, "expected ISSUER=FILE"));
  EXPECT_TRUE(says({flag("service-account-lookup", "true")}, "needs authentication-token-webhook"));
}

TEST(TokenOptions, audiences_are_a_list) {
  const Loaded loaded = load_config({flag("api-audiences", "a,b")});
  EXPECT_EQ(loaded.config.api_audiences, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace gh::control
