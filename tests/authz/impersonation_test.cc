// SPDX-License-Identifier: Apache-2.0
// Impersonation by hand: what must not be got wrong, with a policy written out as "VERB
// RESOURCE[/SUB].GROUP NAME". Everything else is in tests/vectors/impersonation.json.
#include "authz/impersonation/impersonation.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace gh::authz::impersonation {
namespace {

struct Field {
  std::string name, value;
};

using Fields = std::vector<Field>;

class Rights final : public Authorizer {
 public:
  explicit Rights(std::set<std::string> rights) : rights_(std::move(rights)) {}

  bool allows(const Attributes& what) noexcept override {
    asked.push_back(words(what));
    return rights_.contains("everything") || rights_.contains(asked.back());
  }

  std::string reason(const Attributes&) noexcept override {
    ++reasons;
    return "no right";
  }

  std::vector<std::string> asked;
  int reasons = 0;

 private:
  static std::string words(const Attributes& what) {
    std::string out(what.verb);
    if (!what.resource_request) return out.append(" ").append(what.path);
    out.append(" ").append(what.resource);
    if (!what.subresource.empty()) out.append("/").append(what.subresource);
    out.append(".").append(what.api_group);
    if (!what.namespace_.empty()) out.append(" in ").append(what.namespace_);
    return out.append(" ").append(what.name);
  }

  std::set<std::string> rights_;
};

identity::Identity alice() {
  identity::Identity who;
  who.user = "alice";
  who.groups = {"system:authenticated"};
  return who;
}

identity::Identity agent_on(const std::string& node) {
  identity::Identity who;
  who.user = "system:serviceaccount:kube-system:agent";
  identity::add_extra(who.extra, "authentication.kubernetes.io/node-name", node);
  return who;
}

Attributes get_pod() {
  Attributes what;
  what.resource_request = true;
  what.verb = "get";
  what.api_version = "v1";
  what.namespace_ = "ns1";
  what.resource = "pods";
  what.name = "p";
  return what;
}

Answer ask(
    const Fields& fields,
    Rights& rights,
    const identity::Identity& who = alice(),
    const Settings& settings = {}
) {
  const Attributes what = get_pod();
  return impersonate(fields, {who, what, rights}, settings);
}

using Groups = std::vector<std::string>;

TEST(ImpersonationFields, are_the_four_of_kubernetes) {
  for (const char* name :
       {"impersonate-user",
        "impersonate-group",
        "impersonate-uid",
        "impersonate-extra-",
        "impersonate-extra-a"})
    EXPECT_TRUE(is_field(name)) << name;
  for (const char* name :
       {"impersonate",
        "impersonate-",
        "impersonate-users",
        "impersonate_user",
        "impersonate-extra",
        "x-impersonate-user",
        "impersonate-groups"})
    EXPECT_FALSE(is_field(name)) << name;
}

TEST(ImpersonationFields, nothing_is_asked_without_them) {
  Rights rights({});
  const Fields fields = {{"accept", "*/*"}, {"impersonate-users", "bob"}};
  EXPECT_FALSE(wants(fields));
  EXPECT_EQ(ask(fields, rights).kind, Answer::Kind::not_requested);
  EXPECT_TRUE(rights.asked.empty());
}

TEST(ImpersonationFields, an_empty_first_user_hides_the_second) {
  Rights rights({"everything"});
  const Fields fields = {{"impersonate-user", ""}, {"impersonate-user", "bob"}};
  EXPECT_TRUE(wants(fields));
  EXPECT_EQ(ask(fields, rights).kind, Answer::Kind::not_requested);
}

TEST(ImpersonationFields, anything_without_a_user_is_a_bad_request_before_any_right) {
  for (const Fields& fields :
       {Fields{{"impersonate-group", ""}},
        Fields{{"impersonate-uid", "u"}},
        Fields{{"impersonate-extra-", ""}}}) {
    Rights rights({"everything"});
    const Answer answer = ask(fields, rights);
    EXPECT_EQ(answer.kind, Answer::Kind::refused);
    EXPECT_EQ(answer.refusal.code, 400);
    EXPECT_TRUE(rights.asked.empty());
  }
}

TEST(Impersonation, the_zero_answer_refuses) { EXPECT_EQ(Answer().kind, Answer::Kind::refused); }

TEST(Impersonation, every_wanted_thing_needs_its_right) {
  const Fields fields = {
      {"impersonate-user", "bob"},
      {"impersonate-group", "devs"},
      {"impersonate-uid", "7"},
      {"impersonate-extra-a.io%2fb", "v"}
  };
  const std::vector<std::string> needed = {
      "impersonate-on:user-info:get pods. in ns1 p",
      "impersonate:user-info users.authentication.k8s.io bob",
      "impersonate:user-info uids.authentication.k8s.io 7",
      "impersonate:user-info groups.authentication.k8s.io devs",
      "impersonate:user-info userextras/a.io/b.authentication.k8s.io v"
  };
  Rights all({needed.begin(), needed.end()});
  const Answer good = ask(fields, all);
  EXPECT_EQ(good.kind, Answer::Kind::impersonated);
  EXPECT_EQ(good.constraint, "impersonate:user-info");
  EXPECT_EQ(good.who.groups, (Groups{"devs", "system:authenticated"}));
  EXPECT_EQ(all.asked, needed);
  for (const std::string& lost : needed) {
    std::set<std::string> rest(needed.begin(), needed.end());
    rest.erase(lost);
    Rights some(rest);
    EXPECT_EQ(ask(fields, some).kind, Answer::Kind::refused) << lost;
    EXPECT_EQ(some.reasons, 1);
  }
}

TEST(Impersonation, rights_of_different_modes_do_not_add_up) {
  Rights rights(
      {"impersonate-on:user-info:get pods. in ns1 p",
       "impersonate:user-info users.authentication.k8s.io bob",
       "impersonate groups. devs"}
  );
  const Fields fields = {{"impersonate-user", "bob"}, {"impersonate-group", "devs"}};
  EXPECT_EQ(ask(fields, rights).kind, Answer::Kind::refused);
}

TEST(Impersonation, masters_are_never_had_by_user_info) {
  Rights rights(
      {"impersonate-on:user-info:get pods. in ns1 p",
       "impersonate:user-info users.authentication.k8s.io bob",
       "impersonate:user-info groups.authentication.k8s.io system:masters",
       "impersonate:user-info groups.authentication.k8s.io *"}
  );
  Fields fields = {{"impersonate-user", "bob"}};
  for (const char* group : {"a", "b", "c", "system:masters"})
    fields.push_back({"impersonate-group", group});
  const Answer answer = ask(fields, rights);
  EXPECT_EQ(answer.kind, Answer::Kind::refused);
  EXPECT_TRUE(
      answer.refusal.message.ends_with("impersonating the system:masters group is not allowed")
  );
  EXPECT_EQ(answer.refusal.name, "system:masters");
}

TEST(Impersonation, a_node_agent_is_only_its_own_node) {
  const std::set<std::string> rights = {
      "impersonate-on:associated-node:get pods. in ns1 p",
      "impersonate:associated-node nodes.authentication.k8s.io *"
  };
  Rights own(rights);
  const Answer good = ask({{"impersonate-user", "system:node:n1"}}, own, agent_on("n1"));
  EXPECT_EQ(good.kind, Answer::Kind::impersonated);
  EXPECT_EQ(good.who.groups, (Groups{"system:nodes", "system:authenticated"}));
  EXPECT_TRUE(good.who.extra.empty());
  Rights other(rights);
  EXPECT_EQ(
      ask({{"impersonate-user", "system:node:n2"}}, other, agent_on("n1")).kind,
      Answer::Kind::refused
  );
  // A caller who is no service account may have that extra value from anywhere.
  identity::Identity liar = agent_on("n1");
  liar.user = "alice";
  Rights lie(rights);
  EXPECT_EQ(ask({{"impersonate-user", "system:node:n1"}}, lie, liar).kind, Answer::Kind::refused);
  identity::Identity two = agent_on("n1");
  identity::add_extra(two.extra, "authentication.kubernetes.io/node-name", "n1");
  Rights twice(rights);
  EXPECT_EQ(ask({{"impersonate-user", "system:node:n1"}}, twice, two).kind, Answer::Kind::refused);
}

TEST(Impersonation, the_old_verb_makes_no_node_of_a_node_name) {
  Rights rights({"impersonate users. system:node:n1"});
  const Answer answer = ask({{"impersonate-user", "system:node:n1"}}, rights);
  EXPECT_EQ(answer.kind, Answer::Kind::impersonated);
  EXPECT_EQ(answer.constraint, "");
  EXPECT_EQ(answer.who.groups, (Groups{"system:authenticated"}));
}

TEST(Impersonation, the_first_mode_speaks_for_all) {
  Rights rights({});
  const Answer answer = ask({{"impersonate-user", "bob"}}, rights);
  EXPECT_EQ(answer.refusal.code, 403);
  EXPECT_EQ(answer.refusal.reason, "Forbidden");
  EXPECT_EQ(
      answer.refusal.message,
      "pods \"p\" is forbidden: User \"alice\" cannot impersonate-on:user-info:get resource "
      "\"pods\" in API group \"\" in the namespace \"ns1\": no right"
  );
  EXPECT_EQ(answer.refusal.kind, "pods");
  EXPECT_EQ(rights.asked.back(), "impersonate users. bob");
}

TEST(Impersonation, the_mode_that_worked_last_is_tried_first) {
  ModeMemory memory;
  Rights rights({"impersonate users. bob"});
  EXPECT_EQ(
      ask({{"impersonate-user", "bob"}}, rights, alice(), {true, &memory}).kind,
      Answer::Kind::impersonated
  );
  rights.asked.clear();
  EXPECT_EQ(
      ask({{"impersonate-user", "bob"}}, rights, alice(), {true, &memory}).kind,
      Answer::Kind::impersonated
  );
  EXPECT_EQ(rights.asked, (std::vector<std::string>{"impersonate users. bob"}));
  const Answer refused = ask({{"impersonate-user", "eve"}}, rights, alice(), {true, &memory});
  EXPECT_EQ(refused.refusal.kind, "users");
  // …and everything is still tried
  EXPECT_EQ(rights.asked.back(), "impersonate-on:user-info:get pods. in ns1 p");
}

TEST(Impersonation, with_the_gate_off_only_the_old_verb_counts) {
  Rights rights(
      {"impersonate-on:user-info:get pods. in ns1 p",
       "impersonate:user-info users.authentication.k8s.io bob"}
  );
  const Answer answer = ask({{"impersonate-user", "bob"}}, rights, alice(), {false, nullptr});
  EXPECT_EQ(answer.kind, Answer::Kind::refused);
  EXPECT_EQ(rights.asked, (std::vector<std::string>{"impersonate users. bob"}));
}

}  // namespace
}  // namespace gh::authz::impersonation
