// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/token_review.h"

#include <gtest/gtest.h>

namespace gh::identity {
namespace {

TEST(TokenReview, body_holds_the_token_as_one_text) {
  EXPECT_EQ(
      token_review_body("a\"b", {}),
      R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"a\"b"}})"
  );
  EXPECT_EQ(
      token_review_body("t", {"x", "y"}),
      R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"t","audiences":["x","y"]}})"
  );
}

TEST(TokenReview, authenticated_user_is_read_whole) {
  const auto said = read_token_review(
      R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u","uid":"1",
      "groups":["a","b"],"extra":{"k2":["v"],"k1":["v1","v2"]}},"audiences":["api"]}})",
      {"api"}
  );
  ASSERT_TRUE(said && said->has_value());
  EXPECT_EQ(**said, (Identity{"u", "1", {"a", "b"}, {{"k1", {"v1", "v2"}}, {"k2", {"v"}}}}));
}

TEST(TokenReview, whatever_is_not_a_clear_yes_is_a_no_or_a_fault) {
  for (const char* no :
       {R"({"kind":"TokenReview","status":{}})",
        R"({"kind":"TokenReview","status":{"authenticated":false,"user":{"username":"u"}}})",
        R"({"kind":"TokenReview","status":{"authenticated":null,"user":{"username":"u"}}})"}) {
    const auto said = read_token_review(no, {});
    ASSERT_TRUE(said.has_value()) << no;
    EXPECT_FALSE(said->has_value()) << no;
  }
  for (const char* bad :
       {"",
        "[]",
        "{}",
        R"({"kind":"Status","status":"Failure"})",
        R"({"status":{"authenticated":true,"user":{"username":"u"}}})",
        R"({"kind":"TokenReview"})",
        R"({"kind":"TokenReview","status":{"authenticated":"true"}})",
        R"({"kind":"TokenReview","status":{"authenticated":true}})",
        R"({"kind":"TokenReview","status":{"authenticated":true,"user":{}}})",
        R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":7}}})",
        R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u","groups":"g"}}})",
        R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u","extra":{"k":"v"}}}})"
       }) {
    EXPECT_FALSE(read_token_review(bad, {}).has_value()) << bad;
  }
}

TEST(TokenReview, token_for_another_audience_is_a_no) {
  for (const char* other :
       {R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u"}}})",
        R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u"},"audiences":["vault"]}})"
       }) {
    const auto said = read_token_review(other, {"api"});
    ASSERT_TRUE(said.has_value());
    EXPECT_FALSE(said->has_value()) << other;
  }
}

}  // namespace
}  // namespace gh::identity
