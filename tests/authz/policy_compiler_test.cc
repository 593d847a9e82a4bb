// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/compiler.h"
#include "authz/rbac/explain.h"
#include "base/rcu.h"
#include "tests/authz/random_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gh::authz::rbac {
namespace {

Attributes get_pods(std::string_view space = {}) {
  return {true, "get", {}, "", "v1", space, "pods", {}, {}};
}

ClusterRole cluster_role(std::string name, std::vector<std::string> verbs) {
  return {std::move(name), {}, {{std::move(verbs), {""}, {"pods"}, {}, {}}}, std::nullopt};
}

Binding binding(std::string name, std::string role, std::string user) {
  return {"", std::move(name), {"ClusterRole", std::move(role)}, {{"User", std::move(user), ""}}};
}

PolicyChanges put(Binding one) {
  PolicyChanges changes;
  (one.namespace_.empty() ? changes.put.cluster_role_bindings : changes.put.role_bindings)
      .push_back(std::move(one));
  return changes;
}

PolicyChanges put(ClusterRole one) {
  PolicyChanges changes;
  changes.put.cluster_roles.push_back(std::move(one));
  return changes;
}

bool may(const DecisionTable& table, const char* user, const Attributes& what = get_pods()) {
  return table.decide(table.resolve({user, "", {}, {}}), what).decision == Decision::allow;
}

PolicyDifference apply(PolicyCompiler& compiler, const PolicyChanges& changes) {
  const auto difference = compiler.apply(changes);
  EXPECT_TRUE(difference);
  return *difference;
}

TEST(PolicyCompiler, a_table_stays_as_it_was_when_the_next_is_made) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  apply(compiler, put(binding("b", "r", "u")));
  const DecisionTable first = compiler.table();
  apply(compiler, put(binding("b", "r", "v")));
  const DecisionTable second = compiler.table();
  apply(compiler, put(cluster_role("r", {"list"})));
  const DecisionTable third = compiler.table();
  EXPECT_TRUE(may(first, "u"));
  EXPECT_FALSE(may(first, "v"));
  EXPECT_FALSE(may(second, "u"));
  EXPECT_TRUE(may(second, "v"));
  EXPECT_FALSE(may(third, "v"));
}

TEST(PolicyCompiler, permissions_of_the_table_before_are_denied) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  apply(compiler, put(binding("b", "r", "u")));
  const DecisionTable before = compiler.table();
  const auto permissions = before.resolve({"u", "", {}, {}});
  const DecisionTable after = compiler.table();
  EXPECT_EQ(after.decide(permissions, get_pods()).decision, Decision::deny);
}

TEST(PolicyCompiler, what_is_put_as_it_was_is_no_difference) {
  PolicyCompiler compiler;
  EXPECT_EQ(apply(compiler, put(cluster_role("r", {"get"}))).added, 1U);
  EXPECT_FALSE(apply(compiler, put(cluster_role("r", {"get"}))).any());
  EXPECT_EQ(apply(compiler, put(cluster_role("r", {"list"}))).changed, 1U);
  EXPECT_EQ(apply(compiler, put(binding("b", "r", "u"))).added, 1U);
  EXPECT_FALSE(apply(compiler, put(binding("b", "r", "u"))).any());
  EXPECT_EQ(apply(compiler, put(binding("b", "r", "v"))).changed, 1U);
  PolicyChanges gone;
  gone.gone_cluster_role_bindings = {{"", "b"}, {"", "never was"}};
  gone.gone_role_bindings = {{"ns", "b"}};
  EXPECT_EQ(apply(compiler, gone).removed, 1U);
  EXPECT_EQ(compiler.table().bindings(), 0U);
}

TEST(PolicyCompiler, a_role_that_comes_and_goes_is_felt_by_its_bindings) {
  PolicyCompiler compiler;
  apply(compiler, put(binding("b", "r", "u")));
  EXPECT_FALSE(may(compiler.table(), "u"));
  apply(compiler, put(cluster_role("r", {"get"})));
  EXPECT_TRUE(may(compiler.table(), "u"));
  PolicyChanges gone;
  gone.gone_cluster_roles = {{"", "r"}};
  apply(compiler, gone);
  const DecisionTable table = compiler.table();
  EXPECT_FALSE(may(table, "u"));
  EXPECT_EQ(
      table.reason(table.resolve({"u", "", {}, {}}), get_pods()),
      "RBAC: clusterrole.rbac.authorization.k8s.io \"r\" not found"
  );
}

// The union of a caller's many roles must follow each of them.
TEST(PolicyCompiler, a_role_among_many_of_a_caller_can_shrink) {
  PolicyCompiler compiler;
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    ClusterRole role = cluster_role("r" + number, {"get"});
    role.rules[0].resources = {i == 7 ? "pods" : "x" + number};
    apply(compiler, put(std::move(role)));
    apply(compiler, put(binding("b" + number, "r" + number, "u")));
  }
  EXPECT_TRUE(may(compiler.table(), "u"));
  const DecisionTable before = compiler.table();
  apply(compiler, put(cluster_role("r7", {"list"})));
  EXPECT_FALSE(may(compiler.table(), "u"));
  EXPECT_TRUE(may(before, "u"));
  // Gone and put in one set of changes: the same number, other rules.
  PolicyChanges swapped = put(cluster_role("r7", {"get"}));
  swapped.put.cluster_role_bindings = {binding("b7", "r7", "u")};
  swapped.gone_cluster_roles = {{"", "r7"}};
  swapped.gone_cluster_role_bindings = {{"", "b7"}};
  apply(compiler, swapped);
  EXPECT_TRUE(may(compiler.table(), "u"));
  swapped.put.cluster_roles = {cluster_role("r7", {"list"})};
  apply(compiler, swapped);
  EXPECT_FALSE(may(compiler.table(), "u"));
}

TEST(PolicyCompiler, two_bindings_of_one_name_in_different_places_are_two) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  Binding here = binding("b", "r", "u");
  Binding there = here;
  here.namespace_ = "ns1";
  there.namespace_ = "ns2";
  apply(compiler, put(binding("b", "r", "cluster")));
  apply(compiler, put(here));
  apply(compiler, put(there));
  EXPECT_EQ(compiler.table().bindings(), 3U);
  PolicyChanges gone;
  gone.gone_role_bindings = {{"ns1", "b"}};
  apply(compiler, gone);
  const DecisionTable table = compiler.table();
  EXPECT_FALSE(may(table, "u", get_pods("ns1")));
  EXPECT_TRUE(may(table, "u", get_pods("ns2")));
  EXPECT_TRUE(may(table, "cluster"));
}

TEST(PolicyCompiler, a_name_given_to_another_is_not_the_one_before) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  for (int i = 0; i < 1000; ++i) {
    apply(compiler, put(binding("b", "r", "u" + std::to_string(i))));
    const DecisionTable table = compiler.table();
    ASSERT_TRUE(may(table, ("u" + std::to_string(i)).c_str()));
    ASSERT_FALSE(may(table, ("u" + std::to_string(i - 1)).c_str()));
  }
}

// So long that the garbage of texts makes the compiler begin afresh.
TEST(PolicyCompiler, what_comes_and_goes_for_ever_takes_no_more_room) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  const std::string long_name(1000, 'x');
  std::size_t most = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string number = std::to_string(i);
    ClusterRole role = cluster_role("named", {"get"});
    role.rules[0].resource_names = {"name" + number, long_name + number};
    apply(compiler, put(std::move(role)));
    PolicyChanges changes = put(binding(long_name + number, "r", long_name + "u" + number));
    if (i > 0) changes.gone_cluster_role_bindings = {{"", long_name + std::to_string(i - 1)}};
    apply(compiler, changes);
    most = std::max(most, compiler.table().memory());
  }
  EXPECT_TRUE(may(compiler.table(), (long_name + "u4999").c_str()));
  EXPECT_FALSE(may(compiler.table(), (long_name + "u4998").c_str()));
  EXPECT_LT(most, 30U << 20);
}

TEST(PolicyCompiler, a_set_with_too_many_words_changes_nothing) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  apply(compiler, put(binding("b", "r", "u")));
  PolicyChanges changes = put(cluster_role("many", {}));
  for (int i = 0; i < 300'000; ++i)
    changes.put.cluster_roles[0].rules[0].verbs.push_back("verb" + std::to_string(i));
  changes.gone_cluster_role_bindings = {{"", "b"}};
  const auto refused = compiler.apply(changes);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("different verbs"), std::string::npos);
  EXPECT_TRUE(may(compiler.table(), "u"));
  EXPECT_EQ(compiler.table().bindings(), 1U);
}

// ---- any sequence of changes against the policy it leads to ----

// The objects as a client of the API server holds them.
struct Model {
  std::map<std::pair<std::string, std::string>, Role> roles;
  std::map<std::string, ClusterRole> cluster_roles;
  std::map<std::string, Binding> cluster_bindings;
  std::map<std::pair<std::string, std::string>, Binding> bindings;

  Policy policy() const {
    Policy out;
    for (const auto& [key, role] : roles) out.roles.push_back(role);
    for (const auto& [key, role] : cluster_roles) out.cluster_roles.push_back(role);
    for (const auto& [key, each] : cluster_bindings) out.cluster_role_bindings.push_back(each);
    for (const auto& [key, each] : bindings) out.role_bindings.push_back(each);
    return out;
  }
};

void random_change(Random& random, bool goes, Model& model, PolicyChanges& changes) {
  const std::string space = random.pick(spaces);
  const std::string role = "r" + std::to_string(random.below(14));
  switch (random.below(10)) {
    case 0:
      if (goes) {
        model.cluster_roles.erase(role);
        changes.gone_cluster_roles.push_back({"", role});
      } else {
        const ClusterRole made{role, {}, random_rules(random), std::nullopt};
        model.cluster_roles[role] = made;
        changes.put.cluster_roles.push_back(made);
      }
      return;
    case 1:
      if (goes) {
        model.roles.erase({space, role});
        changes.gone_roles.push_back({space, role});
      } else {
        const Role made{space, role, random_rules(random)};
        model.roles[{space, role}] = made;
        changes.put.roles.push_back(made);
      }
      return;
    default:
      break;
  }
  const bool cluster = random.chance(0.5);
  Binding made = random_binding(random, random.below(60), cluster);
  if (cluster && goes) {
    model.cluster_bindings.erase(made.name);
    changes.gone_cluster_role_bindings.push_back({"", made.name});
  } else if (cluster) {
    model.cluster_bindings[made.name] = made;
    changes.put.cluster_role_bindings.push_back(made);
  } else if (goes) {
    model.bindings.erase({made.namespace_, made.name});
    changes.gone_role_bindings.push_back({made.namespace_, made.name});
  } else {
    model.bindings[{made.namespace_, made.name}] = made;
    changes.put.role_bindings.push_back(made);
  }
}

std::set<std::string> as_set(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

void expect_like_a_walk(
    const PolicyCompiler& compiler, const DecisionTable& table, const Policy& model, Random& random
) {
  const Policy ordered = compiler.policy();
  for (int i = 0; i < 12; ++i) {
    const RandomQuestion question(random);
    const auto permissions = table.resolve(question.who);
    const Explanation walked = explain(model, question.who, question.what);
    ASSERT_EQ(table.decide(permissions, question.what).decision, walked.decision);
    ASSERT_EQ(as_set(table.errors(permissions, question.what)), as_set(walked.errors));
    // Of reasons any that allows would do; the compiler's own order says which.
    const std::string reason = table.reason(permissions, question.what);
    ASSERT_EQ(reason, explain(ordered, question.who, question.what).reason);
    if (walked.decision != Decision::allow || walked.masters) continue;
    ASSERT_TRUE(std::any_of(walked.allows.begin(), walked.allows.end(), [&](const AllowedBy& by) {
      return reason == "RBAC: allowed by " + by.source;
    })) << reason;
  }
}

TEST(PolicyCompiler, thousands_of_changes_are_as_a_walk_over_what_is_left) {
  const std::uint64_t seed = seed_of_the_run();
  SCOPED_TRACE("GH_SEED=" + std::to_string(seed));
  Random random(seed);
  Model model;
  PolicyCompiler compiler;
  std::vector<std::pair<DecisionTable, Policy>> kept;  // old tables, read again later
  for (int step = 0; step < 3000; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    PolicyChanges changes;
    const bool goes = random.chance(0.35);
    const std::size_t many = random.chance(0.1) ? 1 + random.below(30) : 1;
    for (std::size_t i = 0; i < many; ++i) random_change(random, goes, model, changes);
    if (random.chance(0.03)) {
      ASSERT_TRUE(compiler.update(model.policy()));
    } else {
      ASSERT_TRUE(compiler.apply(changes));
    }
    DecisionTable table = compiler.table();
    ASSERT_EQ(table.bindings(), model.bindings.size() + model.cluster_bindings.size());
    ASSERT_NO_FATAL_FAILURE(expect_like_a_walk(compiler, table, model.policy(), random));
    if (random.chance(0.02)) kept.emplace_back(std::move(table), model.policy());
  }
  for (const auto& [table, policy] : kept) {
    for (int i = 0; i < 100; ++i) {
      const RandomQuestion question(random);
      ASSERT_EQ(
          table.decide(table.resolve(question.who), question.what).decision,
          explain(policy, question.who, question.what).decision
      );
    }
  }
}

// Workers read each table while the next one is made of the same pages: two bindings that are
// always swapped together are never both there, nor both away.
TEST(PolicyCompiler, readers_see_whole_tables_while_they_are_replaced) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  for (int i = 0; i < 2000; ++i)
    apply(compiler, put(binding("x" + std::to_string(i), "r", "x" + std::to_string(i))));
  const auto swap = [&](bool left) {
    PolicyChanges changes = put(binding(left ? "left" : "right", "r", left ? "left" : "right"));
    changes.gone_cluster_role_bindings = {{"", left ? "right" : "left"}};
    apply(compiler, changes);
    apply(compiler, put(binding("x7", "r", left ? "x7" : "y7")));
  };
  swap(true);
  Rcu<DecisionTable> published(std::make_unique<const DecisionTable>(compiler.table()));
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> wrong{0};
  std::thread worker([&] {
    RcuReader reader;
    while (!stop.load()) {
      const DecisionTable& table = *published.read();
      wrong += may(table, "left") == may(table, "right");
      wrong += !may(table, "x1234");
      reader.quiet();
    }
  });
  for (int i = 0; i < 500; ++i) {
    swap(i % 2 != 0);
    published.publish(std::make_unique<const DecisionTable>(compiler.table()));
  }
  stop.store(true);
  worker.join();
  EXPECT_EQ(wrong.load(), 0U);
}

// Enough subjects that shards split, and leave again.
TEST(PolicyCompiler, a_large_policy_grows_and_shrinks_one_by_one) {
  PolicyCompiler compiler;
  apply(compiler, put(cluster_role("r", {"get"})));
  constexpr int count = 5000;
  const auto space = [](int i) { return "ns" + std::to_string(i % 70); };
  for (int i = 0; i < count; ++i) {
    Binding one = binding("b" + std::to_string(i), "r", "u" + std::to_string(i % 3000));
    one.namespace_ = space(i);
    apply(compiler, put(std::move(one)));
  }
  DecisionTable table = compiler.table();
  for (int i = 0; i < count; ++i) {
    const std::string user = "u" + std::to_string(i % 3000);
    ASSERT_TRUE(may(table, user.c_str(), get_pods(space(i)))) << i;
  }
  EXPECT_FALSE(may(table, "u0", get_pods("ns1")));
  for (int i = 0; i < count; i += 2) {
    PolicyChanges gone;
    gone.gone_role_bindings = {{space(i), "b" + std::to_string(i)}};
    ASSERT_EQ(apply(compiler, gone).removed, 1U);
  }
  const DecisionTable after = compiler.table();
  std::set<std::pair<int, std::string>> left;
  for (int i = 1; i < count; i += 2) left.insert({i % 3000, space(i)});
  for (int i = 0; i < count; ++i) {
    const std::string user = "u" + std::to_string(i % 3000);
    ASSERT_EQ(may(after, user.c_str(), get_pods(space(i))), left.contains({i % 3000, space(i)}))
        << i;
    ASSERT_TRUE(may(table, user.c_str(), get_pods(space(i)))) << i;
  }
}

}  // namespace
}  // namespace gh::authz::rbac
