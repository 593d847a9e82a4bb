// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/difference.h"

#include "authz/rbac/explain.h"
#include "tests/authz/random_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace gh::authz::rbac {
namespace {

using Rules = std::vector<PolicyRule>;

PolicyRule rule(
    std::vector<std::string> verbs,
    std::vector<std::string> resources,
    std::vector<std::string> names = {},
    std::vector<std::string> groups = {""}
) {
  return {std::move(verbs), std::move(groups), std::move(resources), std::move(names), {}};
}

PolicyRule path_rule(std::vector<std::string> verbs, std::vector<std::string> urls) {
  return {std::move(verbs), {}, {}, {}, std::move(urls)};
}

// User u has the rules, cluster-wide or in a namespace.
void give(
    Policy& policy, Rules rules, const std::string& space = "", Subject to = {"User", "u", ""}
) {
  const std::string number = std::to_string(policy.cluster_roles.size());
  policy.cluster_roles.push_back({"r" + number, {}, std::move(rules), std::nullopt});
  (space.empty() ? policy.cluster_role_bindings : policy.role_bindings)
      .push_back({space, "b" + number, {"ClusterRole", "r" + number}, {std::move(to)}});
}

Policy with(Rules rules, const std::string& space = "") {
  Policy policy;
  give(policy, std::move(rules), space);
  return policy;
}

std::string text(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

std::string text(const Permitted& what) {
  std::string out = what.namespace_.value_or("*") + ": " + text(what.rule.verbs) + " ";
  if (!what.rule.non_resource_urls.empty()) return out + text(what.rule.non_resource_urls);
  out += text(what.rule.resources);
  if (what.rule.api_groups != std::vector<std::string>{""})
    out += " of " + text(what.rule.api_groups);
  return what.rule.resource_names.empty() ? out : out + " named " + text(what.rule.resource_names);
}

std::string text(const Attributes& what) {
  return std::string(what.verb) + " " +
         std::string(what.resource_request ? what.resource : what.path) + "|" +
         std::string(what.subresource) + "|" + std::string(what.name) + " of " +
         std::string(what.api_group) + " in " + std::string(what.namespace_);
}

std::string text(const std::vector<Changed>& lines, char sign) {
  std::string out;
  for (const Changed& line : lines) {
    out += std::string(1, sign) + text(line.what);
    for (const Permitted& one : line.except) out += " but " + text(one);
    out += "\n";
  }
  return out;
}

// "-scope: verbs resources" lines of the one subject that differs; empty: none.
std::string changes(const Policy& before, const Policy& after) {
  const auto found = difference(before, after);
  EXPECT_TRUE(found);
  if (found->empty()) return "";
  EXPECT_EQ(found->size(), 1U);
  return text(found->front().lost, '-') + text(found->front().gained, '+');
}

TEST(Difference, a_policy_does_not_differ_from_itself) {
  const Policy policy = with({rule({"get"}, {"pods"})});
  EXPECT_EQ(changes(policy, policy), "");
}

TEST(Difference, what_is_new_is_gained_and_what_is_gone_is_lost) {
  EXPECT_EQ(
      changes(with({rule({"get", "list"}, {"pods"})}), with({rule({"get", "watch"}, {"pods"})})),
      "-*: list pods\n+*: watch pods\n"
  );
  EXPECT_EQ(changes({}, with({rule({"get"}, {"pods"})}, "ns")), "+ns: get pods\n");
}

TEST(Difference, names_of_bindings_and_roles_do_not_matter) {
  Policy before = with({rule({"get"}, {"pods"})});
  Policy after = before;
  after.cluster_role_bindings[0].name = "other";
  after.cluster_role_bindings[0].role.name = after.cluster_roles[0].name = "other";
  EXPECT_EQ(changes(before, after), "");
}

TEST(Difference, a_rule_split_over_roles_is_the_same) {
  const Policy before = with({rule({"get", "list"}, {"pods", "nodes"})});
  Policy after;
  give(after, {rule({"get"}, {"pods"}), rule({"list"}, {"nodes"})});
  give(after, {rule({"list"}, {"pods"})});
  give(after, {rule({"get"}, {"nodes", "pods"})});
  EXPECT_EQ(changes(before, after), "");
  EXPECT_EQ(changes(after, before), "");
}

TEST(Difference, what_a_star_covers_is_not_lost) {
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods/log"})}), with({rule({"get", "*"}, {"*"})})),
      "+*: * * but *: get pods/log\n"
  );
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods/log"})}), with({rule({"get"}, {"*/log"})})),
      "+*: get */log but *: get pods/log\n"
  );
  EXPECT_EQ(
      changes(
          with({path_rule({"get"}, {"/healthz/etcd"})}), with({path_rule({"get"}, {"/healthz*"})})
      ),
      "+*: get /healthz* but *: get /healthz/etcd\n"
  );
}

TEST(Difference, a_star_lost_says_what_stays) {
  EXPECT_EQ(
      changes(with({rule({"*"}, {"pods"})}), with({rule({"get", "list"}, {"pods", "nodes"})})),
      "-*: * pods but *: get,list pods\n+*: get,list nodes\n"
  );
}

// A star beside a subresource star: the literal `*/*` of RBAC stands for nothing more.
TEST(Difference, stars_that_only_look_like_it_cover_nothing) {
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods/log"})}), with({rule({"get"}, {"pods/*"})})),
      "-*: get pods/log\n+*: get pods/*\n"
  );
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods"})}), with({rule({"get"}, {"*/log"})})),
      "-*: get pods\n+*: get */log\n"
  );
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods"}, {"a"})}), with({rule({"get"}, {"pods"}, {"*"})})),
      "-*: get pods named a\n+*: get pods named *\n"
  );
}

TEST(Difference, a_name_is_less_than_any_name) {
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods"})}), with({rule({"get"}, {"pods"}, {"a", "b"})})),
      "-*: get pods but *: get pods named a,b\n"
  );
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods"}, {"a"})}), with({rule({"get"}, {"pods"})})),
      "+*: get pods but *: get pods named a\n"
  );
}

TEST(Difference, cluster_wide_holds_every_namespace) {
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods"})}, "ns"), with({rule({"get"}, {"pods"})})),
      "+*: get pods but ns: get pods\n"
  );
  Policy both = with({rule({"get"}, {"pods"})}, "ns");
  give(both, {rule({"get", "list"}, {"pods"})});
  EXPECT_EQ(changes(both, with({rule({"get", "list"}, {"pods"})})), "");
  EXPECT_EQ(
      changes(with({rule({"get"}, {"pods"})}, "a"), with({rule({"get"}, {"pods"})}, "b")),
      "-a: get pods\n+b: get pods\n"
  );
}

TEST(Difference, urls_in_a_namespace_are_nothing) {
  EXPECT_EQ(changes({}, with({path_rule({"get"}, {"*"})}, "ns")), "");
}

TEST(Difference, rules_without_verbs_groups_or_resources_are_nothing) {
  EXPECT_EQ(
      changes({}, with({rule({}, {"pods"}), rule({"get"}, {}), rule({"get"}, {"pods"}, {}, {})})),
      ""
  );
}

TEST(Difference, a_dangling_role_gives_nothing) {
  Policy before = with({rule({"get"}, {"pods"})});
  Policy after = before;
  after.cluster_roles.clear();
  EXPECT_EQ(changes(before, after), "-*: get pods\n");
}

TEST(Difference, a_service_account_is_the_user_of_its_name) {
  Policy before;
  give(before, {rule({"get"}, {"pods"})}, "", {"User", "system:serviceaccount:ns:sa", ""});
  Policy after;
  give(after, {rule({"get"}, {"pods"})}, "", {"ServiceAccount", "sa", "ns"});
  EXPECT_EQ(changes(before, after), "");
  const auto found = difference({}, after);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().subject.kind, "ServiceAccount");
  EXPECT_EQ(found->front().subject.namespace_, "ns");
  EXPECT_EQ(found->front().subject.name, "sa");
}

TEST(Difference, users_and_groups_of_one_name_are_two) {
  Policy before;
  give(before, {rule({"get"}, {"pods"})}, "", {"User", "x", ""});
  Policy after;
  give(after, {rule({"get"}, {"pods"})}, "", {"Group", "x", ""});
  EXPECT_EQ(difference(before, after)->size(), 2U);
}

TEST(Difference, the_masters_have_everything_before_and_after) {
  Policy after;
  give(after, {rule({"*"}, {"*"})}, "", {"Group", "system:masters", ""});
  EXPECT_TRUE(difference({}, after)->empty());
}

TEST(Difference, wide_rules_are_compared_without_listing_them) {
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i) many.push_back("x" + std::to_string(i));
  std::vector<std::string> fewer = many;
  fewer.pop_back();
  const auto found =
      difference(with({rule(many, many, many, many)}), with({rule(fewer, many, many, many)}));
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_TRUE(found->front().gained.empty());
  ASSERT_EQ(found->front().lost.size(), 1U);
  EXPECT_EQ(found->front().lost[0].what.rule.verbs, std::vector<std::string>{"x299"});
}

// ---- against decisions ----

bool holds(const Permitted& what, const Attributes& asked) {
  if (what.namespace_ && (!asked.resource_request || asked.namespace_ != *what.namespace_))
    return false;
  return rule_allows(what.rule, asked);
}

bool told(
    const std::vector<SubjectDifference>& found,
    const Subject& who,
    bool lost,
    const Attributes& asked
) {
  for (const auto& each : found) {
    const bool account = each.subject.kind == "ServiceAccount";
    const std::string name =
        account ? "system:serviceaccount:" + each.subject.namespace_ + ":" + each.subject.name
                : each.subject.name;
    if ((each.subject.kind == "Group") != (who.kind == "Group") || name != who.name) continue;
    const auto& lines = lost ? each.lost : each.gained;
    return std::any_of(lines.begin(), lines.end(), [&](const Changed& line) {
      return holds(line.what, asked) &&
             std::none_of(line.except.begin(), line.except.end(), [&](const Permitted& one) {
               return holds(one, asked);
             });
    });
  }
  return false;
}

TEST(Difference, agrees_with_decisions_over_random_policies) {
  const std::uint64_t seed = seed_of_the_run();
  SCOPED_TRACE("GH_SEED=" + std::to_string(seed));
  Random random(seed);
  std::size_t differ = 0;
  for (int round = 0; round < 150; ++round) {
    const Policy before = random_policy(random);
    Policy after = random.chance(0.5) ? random_policy(random) : before;
    for (auto& role : after.cluster_roles) {
      if (random.chance(0.2)) role.rules = random_rules(random);
    }
    const auto found = difference(before, after);
    ASSERT_TRUE(found) << found.error().text;
    for (int i = 0; i < 300; ++i) {
      const RandomQuestion question(random);
      const bool group = random.chance(0.5);
      const Subject who{
          group ? "Group" : "User", group ? random.pick(groups) : random.pick(users), ""
      };
      // Of a resource "a/b" a request cannot ask; a subresource may hold slashes.
      if (question.what.resource.find('/') != std::string_view::npos) continue;
      // A path is in no namespace.
      if (!question.what.resource_request && !question.what.namespace_.empty()) continue;
      const identity::Identity caller{group ? "nobody" : who.name, "", {}, {}};
      identity::Identity asking = caller;
      if (group) asking.groups = {who.name};
      const bool was = explain(before, asking, question.what).decision == Decision::allow;
      const bool is = explain(after, asking, question.what).decision == Decision::allow;
      ASSERT_EQ(told(*found, who, true, question.what), was && !is)
          << "round " << round << " " << who.kind << " " << who.name << ": " << text(question.what);
      ASSERT_EQ(told(*found, who, false, question.what), is && !was)
          << "round " << round << " " << who.kind << " " << who.name << ": " << text(question.what);
      differ += was != is;
    }
  }
  EXPECT_GT(differ, 500U);
}

}  // namespace
}  // namespace gh::authz::rbac
