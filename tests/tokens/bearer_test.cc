// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/bearer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gh::identity {
namespace {

TEST(BearerToken, is_the_second_word_behind_bearer_in_any_case) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token(" bEARER abc  "), "abc");
  EXPECT_EQ(bearer_token("Bearer abc def"), "abc");
  for (const char* none :
       {"", "Bearer", "Bearer ", "Bearer  abc", "Bearer\tabc", "Basic abc", "abc"})
    EXPECT_EQ(bearer_token(none), std::nullopt) << none;
}

const std::string protocol = "base64url.bearer.authorization.k8s.io.";

TEST(WebSocketToken, is_taken_out_of_the_protocols) {
  const std::string with = protocol + "YWJj";
  const std::vector<std::string_view> values = {"v4.channel.k8s.io", with, "v5"};
  const auto found = websocket_token(values);
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_EQ((*found)->token, "abc");
  EXPECT_EQ((*found)->protocols, "v4.channel.k8s.io,v5");
}

TEST(WebSocketToken, faults_are_kubernetes_own) {
  const auto fault_of = [](const std::string& value) {
    const std::vector<std::string_view> values = {value};
    const auto found = websocket_token(values);
    return found ? std::string() : std::string(sentence_of(found.error()));
  };
  EXPECT_EQ(
      fault_of(protocol + "YQ," + protocol + "YQ,v4"),
      "multiple base64.bearer.authorization tokens specified"
  );
  EXPECT_EQ(fault_of(protocol + "YQ==,v4"), "invalid base64.bearer.authorization token encoding");
  EXPECT_EQ(fault_of(protocol + "_w,v4"), "invalid base64.bearer.authorization token");
  EXPECT_EQ(fault_of(protocol + "YQ"), "missing additional subprotocol");
  EXPECT_EQ(fault_of(protocol + ",v4"), "");
}

}  // namespace
}  // namespace gh::identity
