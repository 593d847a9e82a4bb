// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/decision_table.h"

#include "authz/rbac/compiler.h"
#include "authz/rbac/explain.h"
#include "authz/request_info.h"
#include "tests/authz/counting_new.h"
#include "tests/authz/random_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

namespace gh::authz::rbac {
namespace {

using identity::Identity;

DecisionTable compiled(const Policy& policy) {
  auto table = compile(policy);
  EXPECT_TRUE(table);
  return std::move(*table);
}

Attributes resource(
    std::string_view verb,
    std::string_view group,
    std::string_view resource,
    std::string_view space = {},
    std::string_view name = {},
    std::string_view subresource = {}
) {
  return {true, verb, {}, group, "v1", space, resource, subresource, name};
}

Attributes path(std::string_view verb, std::string_view path) {
  Attributes what;
  what.verb = verb;
  what.path = path;
  return what;
}

Identity user(std::string name, std::vector<std::string> groups = {}) {
  return {std::move(name), "", std::move(groups), {}};
}

Decision decide(const DecisionTable& table, const Identity& who, const Attributes& what) {
  return table.decide(table.resolve(who), what).decision;
}

// One ClusterRole, given to everybody in group "g".
Policy with_rule(PolicyRule rule) {
  Policy policy;
  policy.cluster_roles.push_back({"r", {}, {std::move(rule)}, std::nullopt});
  policy.cluster_role_bindings.push_back({"", "b", {"ClusterRole", "r"}, {{"Group", "g", ""}}});
  return policy;
}

bool rule_gives(PolicyRule rule, const Attributes& what) {
  return decide(compiled(with_rule(std::move(rule))), user("u", {"g"}), what) == Decision::allow;
}

TEST(DecisionTable, an_empty_policy_allows_masters_only) {
  for (const DecisionTable& table : {DecisionTable(), compiled({})}) {
    EXPECT_EQ(decide(table, user("root", {"system:masters"}), path("get", "/")), Decision::allow);
    EXPECT_EQ(
        decide(table, user("root", {"system:master"}), path("get", "/")), Decision::no_opinion
    );
    EXPECT_EQ(
        decide(table, user("system:masters"), resource("get", "", "pods")), Decision::no_opinion
    );
  }
}

TEST(DecisionTable, permissions_that_nobody_resolved_are_denied) {
  EXPECT_EQ(compiled({}).decide(SubjectPermissions(), path("get", "/")).decision, Decision::deny);
}

TEST(DecisionTable, permissions_of_another_table_are_denied) {
  const DecisionTable old = compiled(with_rule({{"*"}, {"*"}, {"*"}, {}, {}}));
  const DecisionTable now = compiled(with_rule({{"*"}, {"*"}, {"*"}, {}, {}}));
  const auto stale = old.resolve(user("u", {"g", "system:masters"}));
  EXPECT_EQ(old.decide(stale, resource("get", "", "pods")).decision, Decision::allow);
  EXPECT_EQ(now.decide(stale, resource("get", "", "pods")).decision, Decision::deny);
  EXPECT_EQ(now.reason(stale, resource("get", "", "pods")), "");
}

TEST(DecisionTable, permissions_survive_a_move_of_their_table) {
  DecisionTable table = compiled(with_rule({{"get"}, {""}, {"pods"}, {}, {}}));
  const auto permissions = table.resolve(user("u", {"g"}));
  const DecisionTable moved = std::move(table);
  EXPECT_EQ(moved.decide(permissions, resource("get", "", "pods")).decision, Decision::allow);
}

TEST(DecisionTable, wildcards_stand_for_all_but_names) {
  EXPECT_TRUE(rule_gives({{"*"}, {""}, {"pods"}, {}, {}}, resource("escalate", "", "pods")));
  EXPECT_TRUE(rule_gives({{"*"}, {""}, {"pods"}, {}, {}}, resource("", "", "pods")));
  EXPECT_TRUE(rule_gives({{"get"}, {"*"}, {"pods"}, {}, {}}, resource("get", "x.io", "pods")));
  EXPECT_TRUE(
      rule_gives({{"get"}, {""}, {"*"}, {}, {}}, resource("get", "", "pods", "", "p", "log"))
  );
  EXPECT_FALSE(
      rule_gives({{"get"}, {""}, {"pods"}, {"*"}, {}}, resource("get", "", "pods", "", "p"))
  );
  EXPECT_TRUE(rule_gives({{"get"}, {""}, {"pods"}, {"*"}, {}}, resource("get", "", "pods", "", "*"))
  );
  EXPECT_FALSE(rule_gives({{"get"}, {""}, {"pods"}, {}, {}}, resource("*", "", "pods")));
  EXPECT_FALSE(rule_gives({{"get"}, {""}, {"pods"}, {}, {}}, resource("get", "*", "pods")));
  EXPECT_FALSE(rule_gives({{"get"}, {""}, {"pods"}, {}, {}}, resource("get", "", "*")));
}

TEST(DecisionTable, subresources_are_resources_of_their_own) {
  EXPECT_FALSE(
      rule_gives({{"get"}, {""}, {"pods"}, {}, {}}, resource("get", "", "pods", "", "p", "log"))
  );
  EXPECT_FALSE(
      rule_gives({{"get"}, {""}, {"pods/log"}, {}, {}}, resource("get", "", "pods", "", "p"))
  );
  EXPECT_TRUE(
      rule_gives({{"get"}, {""}, {"*/log"}, {}, {}}, resource("get", "", "pods", "", "p", "log"))
  );
  EXPECT_FALSE(rule_gives({{"get"}, {""}, {"*/log"}, {}, {}}, resource("get", "", "log")));
  EXPECT_FALSE(
      rule_gives({{"get"}, {""}, {"pods/*"}, {}, {}}, resource("get", "", "pods", "", "p", "log"))
  );
  EXPECT_FALSE(
      rule_gives({{"get"}, {""}, {"*/*"}, {}, {}}, resource("get", "", "pods", "", "p", "log"))
  );
  EXPECT_TRUE(
      rule_gives({{"get"}, {""}, {"*/*"}, {}, {}}, resource("get", "", "pods", "", "p", "*"))
  );
}

TEST(DecisionTable, a_request_without_a_name_does_not_match_names) {
  const PolicyRule rule = {{"get", "list"}, {""}, {"secrets"}, {"a", "b"}, {}};
  EXPECT_TRUE(rule_gives(rule, resource("get", "", "secrets", "", "b")));
  EXPECT_FALSE(rule_gives(rule, resource("get", "", "secrets", "", "c")));
  EXPECT_FALSE(rule_gives(rule, resource("list", "", "secrets")));
}

TEST(DecisionTable, trailing_stars_of_a_path_are_a_prefix) {
  EXPECT_TRUE(rule_gives({{"get"}, {}, {}, {}, {"/a*"}}, path("get", "/abc")));
  EXPECT_TRUE(rule_gives({{"get"}, {}, {}, {}, {"/a**"}}, path("get", "/abc")));
  EXPECT_FALSE(rule_gives({{"get"}, {}, {}, {}, {"/a*c"}}, path("get", "/abc")));
  EXPECT_TRUE(rule_gives({{"get"}, {}, {}, {}, {"*"}}, path("get", "")));
  EXPECT_FALSE(rule_gives({{"get"}, {}, {}, {}, {"/*"}}, path("get", "x")));
  EXPECT_FALSE(rule_gives({{"*"}, {"*"}, {"*"}, {}, {}}, path("get", "/healthz")));
  EXPECT_FALSE(rule_gives({{"*"}, {}, {}, {}, {"*"}}, resource("get", "", "pods")));
}

TEST(DecisionTable, more_verbs_than_fit_a_word_keep_their_meaning) {
  PolicyRule rule = {{}, {""}, {"pods"}, {}, {}};
  for (int i = 0; i < 200; i += 2) rule.verbs.push_back("verb-" + std::to_string(i));
  Policy policy = with_rule(rule);
  policy.cluster_roles[0].rules.push_back({{"*"}, {""}, {"nodes"}, {}, {}});
  for (int i = 1; i < 200; i += 2) {
    policy.cluster_roles[0].rules.push_back(
        {{"verb-" + std::to_string(i)}, {""}, {"services"}, {}, {}}
    );
  }
  const DecisionTable table = compiled(policy);
  for (int i = 0; i < 200; ++i) {
    const std::string verb = "verb-" + std::to_string(i);
    const auto gives = [&](std::string_view what) {
      return decide(table, user("u", {"g"}), resource(verb, "", what)) == Decision::allow;
    };
    EXPECT_EQ(gives("pods"), i % 2 == 0) << verb;
    EXPECT_EQ(gives("services"), i % 2 == 1) << verb;
    EXPECT_TRUE(gives("nodes")) << verb;
  }
}

TEST(DecisionTable, a_rule_of_many_groups_and_resources_stays_small_and_true) {
  PolicyRule rule = {{"get"}, {}, {}, {}, {}};
  for (int i = 0; i < 3000; ++i) {
    rule.api_groups.push_back("g" + std::to_string(i));
    rule.resources.push_back("r" + std::to_string(i));
  }
  const DecisionTable table = compiled(with_rule(rule));
  EXPECT_LT(table.memory(), std::size_t{2} << 20);
  EXPECT_EQ(decide(table, user("u", {"g"}), resource("get", "g17", "r2999")), Decision::allow);
  EXPECT_EQ(
      decide(table, user("u", {"g"}), resource("list", "g17", "r2999")), Decision::no_opinion
  );
  EXPECT_EQ(
      decide(table, user("u", {"g"}), resource("get", "g3000", "r2999")), Decision::no_opinion
  );
}

TEST(DecisionTable, a_caller_of_many_roles_is_judged_by_all_of_them) {
  Policy policy;
  for (int i = 0; i < 500; ++i) {
    const std::string number = std::to_string(i);
    policy.cluster_roles.push_back(
        {"r" + number, {}, {{{"get"}, {""}, {"res" + number}, {}, {}}}, std::nullopt}
    );
    policy.cluster_role_bindings.push_back(
        {"", "b" + number, {"ClusterRole", "r" + number}, {{"User", "u", ""}}}
    );
  }
  const DecisionTable table = compiled(policy);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(
        decide(table, user("u"), resource("get", "", "res" + std::to_string(i))), Decision::allow
    );
  }
  EXPECT_EQ(decide(table, user("u"), resource("get", "", "res500")), Decision::no_opinion);
  EXPECT_EQ(
      table.reason(table.resolve(user("u")), resource("get", "", "res123")),
      "RBAC: allowed by ClusterRoleBinding \"b123\" of ClusterRole \"r123\" to User \"u\""
  );
}

TEST(DecisionTable, a_caller_of_many_groups_is_judged_by_all_of_them) {
  Policy policy = with_rule({{"get"}, {""}, {"pods"}, {}, {}});
  policy.cluster_role_bindings.clear();
  Identity who = user("u");
  for (int i = 0; i < 100; ++i) {
    const std::string group = "g" + std::to_string(i);
    who.groups.push_back(group);
    who.groups.push_back(group);
    const std::string role = i == 99 ? "r" : "gone";
    policy.cluster_role_bindings.push_back(
        {"", "b" + group, {"ClusterRole", role}, {{"Group", group, ""}}}
    );
  }
  const DecisionTable table = compiled(policy);
  EXPECT_EQ(decide(table, who, resource("get", "", "pods")), Decision::allow);
  who.groups.resize(198);
  EXPECT_EQ(decide(table, who, resource("get", "", "pods")), Decision::no_opinion);
}

TEST(DecisionTable, a_role_binding_gives_nothing_outside_its_namespace) {
  Policy policy = with_rule({{"*"}, {"*"}, {"*"}, {}, {}});
  policy.role_bindings = std::move(policy.cluster_role_bindings);
  policy.cluster_role_bindings.clear();
  policy.role_bindings[0].namespace_ = "ns";
  policy.role_bindings.push_back({"", "no-namespace", {"ClusterRole", "r"}, {{"User", "v", ""}}});
  const DecisionTable table = compiled(policy);
  EXPECT_EQ(decide(table, user("u", {"g"}), resource("get", "", "pods", "ns")), Decision::allow);
  for (const char* space : {"", "ns2", "n", "NS", "ns "}) {
    EXPECT_EQ(
        decide(table, user("u", {"g"}), resource("get", "", "pods", space)), Decision::no_opinion
    ) << space;
  }
  EXPECT_EQ(decide(table, user("v"), resource("get", "", "pods")), Decision::no_opinion);
  EXPECT_EQ(decide(table, user("u", {"g"}), path("get", "/healthz")), Decision::no_opinion);
}

TEST(DecisionTable, a_service_account_is_exactly_its_user_name) {
  Policy policy = with_rule({{"get"}, {""}, {"pods"}, {}, {}});
  policy.cluster_role_bindings[0].subjects = {
      {"ServiceAccount", "sa", "ns"}, {"ServiceAccount", "nowhere", ""}
  };
  const DecisionTable table = compiled(policy);
  const auto gives = [&](const char* name) {
    return decide(table, user(name), resource("get", "", "pods")) == Decision::allow;
  };
  EXPECT_TRUE(gives("system:serviceaccount:ns:sa"));
  for (const char* name :
       {"sa",
        "system:serviceaccount:ns:sax",
        "system:serviceaccount:ns:s",
        "system:serviceaccount:n:s:sa",
        "system:serviceaccount::nowhere",
        "System:serviceaccount:ns:sa"}) {
    EXPECT_FALSE(gives(name)) << name;
  }
  EXPECT_EQ(
      table.reason(table.resolve(user("system:serviceaccount:ns:sa")), resource("get", "", "pods")),
      "RBAC: allowed by ClusterRoleBinding \"b\" of ClusterRole \"r\" to ServiceAccount \"sa/ns\""
  );
}

TEST(DecisionTable, the_reason_names_the_first_subject_of_the_binding_that_is_the_caller) {
  Policy policy = with_rule({{"get"}, {""}, {"pods"}, {}, {}});
  policy.cluster_role_bindings[0].subjects = {
      {"Group", "other", ""}, {"User", "u", ""}, {"Group", "g", ""}
  };
  const DecisionTable table = compiled(policy);
  EXPECT_EQ(
      table.reason(table.resolve(user("u", {"g"})), resource("get", "", "pods")),
      "RBAC: allowed by ClusterRoleBinding \"b\" of ClusterRole \"r\" to User \"u\""
  );
}

TEST(DecisionTable, dangling_references_are_told_once_and_stop_nothing) {
  Policy policy = with_rule({{"get"}, {""}, {"pods"}, {}, {}});
  for (const RoleRef& role :
       {RoleRef{"ClusterRole", "gone"}, {"ClusterRole", "gone"}, {"Role", "r"}, {"Rolle", "r"}}) {
    policy.cluster_role_bindings.insert(
        policy.cluster_role_bindings.begin(),
        {"",
         "x" + role.kind + std::to_string(policy.cluster_role_bindings.size()),
         role,
         {{"User", "u", ""}}}
    );
  }
  const DecisionTable table = compiled(policy);
  EXPECT_EQ(decide(table, user("u", {"g"}), resource("get", "", "pods")), Decision::allow);
  EXPECT_EQ(
      table.reason(table.resolve(user("u")), resource("get", "", "pods")),
      "RBAC: [unsupported role reference kind: \"Rolle\", role.rbac.authorization.k8s.io \"r\" not "
      "found, "
      "clusterrole.rbac.authorization.k8s.io \"gone\" not found]"
  );
}

TEST(DecisionTable, resolving_and_deciding_allocate_nothing) {
  Policy policy;
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    policy.cluster_roles.push_back(
        {"r" + number,
         {},
         {{{"get", "list"}, {""}, {"pods", "pods/log", "*/scale"}, {}, {}},
          {{"get"}, {}, {}, {}, {"/h*"}},
          {{"get"}, {""}, {"secrets"}, {"a"}, {}},
          {{"use"}, {""}, {"x" + number}, {}, {}}},
         std::nullopt}
    );
    policy.cluster_role_bindings.push_back(
        {"",
         "b" + number,
         {"ClusterRole", "r" + number},
         {{"Group", "g" + std::to_string(i % 10), ""}}}
    );
    policy.role_bindings.push_back(
        {"ns", "b" + number, {"ClusterRole", "r" + number}, {{"User", "u", ""}}}
    );
  }
  const DecisionTable table = compiled(policy);
  const Identity who = user("u", {"g1", "g2", "g3", "g4", "g5", "system:authenticated"});
  RequestInfo info;
  const char* const targets[] = {
      "/api/v1/namespaces/ns/pods/p/log",
      "/healthz",
      "/api/v1/namespaces/ns/secrets/a",
      "/apis/apps/v1/namespaces/other/deployments/d/scale",
      "/api/v1/"
      "pods?watch=1&fieldSelector=metadata.name%3Dx%2Cspec.y%3D%5C%2C&labelSelector=a+in+(b,c)%2C!"
      "d&limit=5"
  };
  for (const char* target : targets) ASSERT_TRUE(info.parse("GET", target));  // warm
  const std::uint64_t before = test::allocations();
  const auto permissions = table.resolve(who);
  for (const char* target : targets) {
    static_cast<void>(info.parse("GET", target));
    static_cast<void>(table.decide(permissions, info));
  }
  EXPECT_EQ(test::allocations(), before);
}

// ---- the table against a walk over the whole policy ----

TEST(DecisionTable, agrees_with_a_walk_over_random_policies) {
  const std::uint64_t seed = seed_of_the_run();
  SCOPED_TRACE("GH_SEED=" + std::to_string(seed));
  Random random(seed);
  std::size_t allowed = 0;
  for (int round = 0; round < 300; ++round) {
    const Policy policy = random_policy(random);
    const DecisionTable table = compiled(policy);
    for (int i = 0; i < 200; ++i) {
      const RandomQuestion question(random);
      const auto permissions = table.resolve(question.who);
      const auto verdict = table.decide(permissions, question.what);
      const Explanation walked = explain(policy, question.who, question.what);
      ASSERT_EQ(verdict.decision, walked.decision) << "round " << round << " question " << i;
      ASSERT_EQ(table.reason(permissions, question.what), walked.reason)
          << "round " << round << " question " << i;
      std::set<std::string> errors(walked.errors.begin(), walked.errors.end());
      const auto told = table.errors(permissions, question.what);
      ASSERT_EQ(std::set<std::string>(told.begin(), told.end()), errors);
      allowed += verdict.decision == Decision::allow;
    }
  }
  EXPECT_GT(allowed, 6000U);  // the questions hit
  EXPECT_LT(allowed, 54000U);
}

}  // namespace
}  // namespace gh::authz::rbac
