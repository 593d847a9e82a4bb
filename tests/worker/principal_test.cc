// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/principal.h"

#include "base/limits.h"

#include <gtest/gtest.h>

namespace gh::worker {
namespace {

identity::Identity named(std::string user) { return {std::move(user), "", {"dev"}, {}}; }

TEST(PrincipalCache, equal_identities_are_one_principal) {
  PrincipalCache cache;
  const PrincipalRef a = cache.intern(named("alice"));
  const PrincipalRef b = cache.intern(named("alice"));
  EXPECT_EQ(a, b);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(a->fields().front(), (std::pair<std::string, std::string>("x-remote-user", "alice")));
}

TEST(PrincipalCache, whatever_differs_makes_another) {
  PrincipalCache cache;
  const std::vector<identity::Identity> different = {
      {"a", "", {}, {}},
      {"a", "1", {}, {}},
      {"a", "", {"b"}, {}},
      {"a", "", {"b", "b"}, {}},
      {"a", "", {}, {{"b", {"c"}}}},
      {"a", "", {}, {{"b", {"c", "c"}}}},
      {"", "a", {}, {}},
      {"a", "", {"bc"}, {}},
      {"a", "", {"b", "c"}, {}},
  };
  std::vector<PrincipalRef> kept;
  for (const auto& who : different) kept.push_back(cache.intern(who));
  EXPECT_EQ(cache.size(), different.size());
  for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i]->identity(), different[i]);
}

TEST(PrincipalCache, unused_ones_are_remembered_up_to_the_bound_and_the_oldest_goes_first) {
  PrincipalCache cache;
  const PrincipalRef used = cache.intern(named("used"));
  for (std::size_t i = 0; i < limits::principals_cached_max + 10; ++i)
    (void)cache.intern(named("user-" + std::to_string(i)));
  EXPECT_EQ(cache.size(), limits::principals_cached_max + 1);
  EXPECT_EQ(cache.intern(named("used")), used);
  (void)cache.intern(named("user-0"));  // was forgotten: made anew, the next oldest goes
  EXPECT_EQ(cache.size(), limits::principals_cached_max + 1);
}

TEST(PrincipalCache, copies_and_moves_of_a_reference_keep_count) {
  PrincipalCache cache;
  PrincipalRef a = cache.intern(named("a"));
  PrincipalRef b = a;
  PrincipalRef c = std::move(a);
  EXPECT_FALSE(a);
  b = c;
  c = PrincipalRef{};
  EXPECT_EQ(b->identity().user, "a");
}

TEST(PrincipalCache, identity_that_headers_cannot_say_has_no_fields) {
  PrincipalCache cache;
  const PrincipalRef who = cache.intern(named(" alice"));
  EXPECT_FALSE(who->unforwardable().empty());
  EXPECT_TRUE(who->fields().empty());
}

TEST(PrincipalCache, nodes_are_known_as_such) {
  PrincipalCache cache;
  const PrincipalRef node = cache.intern({"system:node:n1", "", {"system:nodes"}, {}});
  EXPECT_TRUE(node->node().is_node);
  EXPECT_EQ(node->node().node, "n1");
  EXPECT_FALSE(cache.intern({"system:node:n1", "", {}, {}})->node().is_node);
}

}  // namespace
}  // namespace gh::worker
