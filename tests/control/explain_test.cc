// SPDX-License-Identifier: Apache-2.0
#include "control/explain_command.h"
#include "tests/control/temporary_folder.h"
#include "tests/support/tests_dir.h"

#include <gtest/gtest.h>

#include <sstream>

namespace gh::control {
namespace {

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

Said explain(ExplainArguments arguments) {
  if (arguments.policy.empty()) arguments.policy = {tests_dir() + "/../examples/policy"};
  std::ostringstream out, err;
  const int code = explain_command(arguments, out, err);
  return {code, out.str(), err.str()};
}

ExplainArguments asks(
    const char* user, const char* verb, const char* resource, const char* name_space = ""
) {
  ExplainArguments arguments;
  arguments.user = user;
  arguments.verb = verb;
  arguments.resource = resource;
  arguments.name_space = name_space;
  return arguments;
}

TEST(Explain, an_allowed_request_names_binding_and_rule) {
  const Said said = explain(asks("alice", "list", "pods", "demo"));
  EXPECT_EQ(said.code, 0) << said.out << said.err;
  EXPECT_NE(
      said.out.find("RoleBinding \"alice-view/demo\" of ClusterRole \"view\" to User \"alice\""),
      std::string::npos
  ) << said.out;
  EXPECT_NE(said.out.find("rule 1: verbs [\"get\" \"list\" \"watch\"]"), std::string::npos)
      << said.out;
}

TEST(Explain, a_denied_request_says_what_the_server_would) {
  const Said said = explain(asks("alice", "delete", "pods", "demo"));
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.out.find("denied: no rule allows it"), std::string::npos);
  EXPECT_NE(
      said.out.find("pods is forbidden: User \"alice\" cannot delete resource \"pods\" in API "
                    "group \"\" in the namespace \"demo\""),
      std::string::npos
  ) << said.out;
}

TEST(Explain, group_and_subresource_are_read_as_kubectl_writes_them) {
  EXPECT_EQ(explain(asks("alice", "get", "deployments.apps/scale", "demo")).code, 0);
  EXPECT_EQ(explain(asks("alice", "get", "deployments", "demo")).code, 1);
  EXPECT_EQ(explain(asks("bob", "create", "pods/exec", "demo")).code, 0);
  EXPECT_EQ(explain(asks("alice", "create", "pods/exec", "demo")).code, 1);
}

TEST(Explain, the_authenticated_group_is_added_unless_left_out) {
  ExplainArguments arguments;
  arguments.user = "nobody";
  arguments.verb = "get";
  arguments.path = "/version";
  const Said with = explain(arguments);
  EXPECT_EQ(with.code, 0);
  EXPECT_NE(with.out.find("system:authenticated added"), std::string::npos) << with.out;
  arguments.add_authenticated = false;
  const Said without = explain(arguments);
  EXPECT_EQ(without.code, 1);
  EXPECT_NE(without.out.find("groups  []\n"), std::string::npos) << without.out;
}

TEST(Explain, system_masters_may_do_anything) {
  ExplainArguments arguments = asks("root", "delete", "nodes");
  arguments.groups = {"system:masters"};
  const Said said = explain(arguments);
  EXPECT_EQ(said.code, 0);
  EXPECT_NE(said.out.find("the group system:masters may do anything"), std::string::npos);
}

TEST(Explain, every_rule_that_allows_is_listed) {
  ExplainArguments arguments = asks("bob", "get", "pods", "demo");
  arguments.groups = {"ops"};
  const Said said = explain(arguments);
  EXPECT_NE(said.out.find("ClusterRoleBinding \"ops-read\""), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("RoleBinding \"bob-edit/demo\""), std::string::npos) << said.out;
}

TEST(Explain, a_dangling_role_is_noted) {
  const TemporaryFolder folder;
  ExplainArguments arguments = asks("alice", "get", "pods", "demo");
  arguments.policy = {folder.write(
      "b.yaml",
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: "
      "demo}\n"
      "subjects: [{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]\n"
      "roleRef: {kind: Role, name: gone, apiGroup: rbac.authorization.k8s.io}\n"
  )};
  const Said said = explain(arguments);
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.out.find("note: "), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("gone"), std::string::npos) << said.out;
}

// ---- several authorizers ----

constexpr const char* pod_of_n1 =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: demo, uid: u1}\n"
    "spec: {nodeName: n1, containers: [{name: c, env: [{name: E, valueFrom: {secretKeyRef: {name: "
    "s, key: "
    "k}}}]}]}\n";

ExplainArguments node_asks(const std::string& graph, const char* secret) {
  ExplainArguments arguments = asks("system:node:n1", "get", "secrets", "demo");
  arguments.groups = {"system:nodes"};
  arguments.name = secret;
  arguments.node_graph = {graph};
  return arguments;
}

TEST(Explain, a_node_may_read_the_secrets_of_its_pods) {
  const TemporaryFolder folder;
  const std::string graph = folder.write("pods.yaml", pod_of_n1);
  const Said said = explain(node_asks(graph, "s"));
  EXPECT_EQ(said.code, 0) << said.out << said.err;
  EXPECT_NE(
      said.out.find("Node allows it\nRBAC has no opinion (not asked when serving)\n"),
      std::string::npos
  ) << said.out;
  EXPECT_NE(said.out.find("allowed by the Node authorizer\n"), std::string::npos) << said.out;
}

TEST(Explain, a_denial_gives_the_reason_of_each_authorizer) {
  const TemporaryFolder folder;
  const Said said = explain(node_asks(folder.write("pods.yaml", pod_of_n1), "other"));
  EXPECT_EQ(said.code, 1) << said.out << said.err;
  const std::string reason = "no relationship found between node 'n1' and this object";
  EXPECT_NE(said.out.find("Node has no opinion: " + reason + "\n"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find("in the namespace \"demo\": " + reason + "\n"), std::string::npos)
      << said.out;
}

TEST(Explain, modes_are_asked_in_the_order_they_are_given) {
  ExplainArguments arguments = asks("alice", "delete", "pods", "demo");
  arguments.modes = {"RBAC,AlwaysAllow"};
  const Said said = explain(arguments);
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_NE(said.out.find("RBAC has no opinion\nAlwaysAllow allows it\n"), std::string::npos)
      << said.out;
  arguments.modes = {"Webhook"};
  EXPECT_EQ(explain(arguments).code, 2);
}

TEST(Explain, the_default_policy_can_be_asked) {
  ExplainArguments arguments;
  arguments.user = "u";
  arguments.verb = "get";
  arguments.path = "/healthz";
  arguments.bootstrap = true;
  const TemporaryFolder folder;
  arguments.policy = {folder.write("empty.yaml", "")};
  const Said said = explain(arguments);
  EXPECT_EQ(said.code, 0);
  EXPECT_NE(said.out.find("ClusterRoleBinding \"system:public-info-viewer\""), std::string::npos)
      << said.out;
}

TEST(Explain, what_cannot_be_judged_is_neither_allowed_nor_denied) {
  ExplainArguments arguments = asks("alice", "get", "pods");
  arguments.policy = {"/no/such/folder"};
  EXPECT_EQ(explain(arguments).code, 2);
  EXPECT_NE(explain(arguments).err.find("/no/such/folder"), std::string::npos);
  EXPECT_EQ(explain(asks("alice", "get", "/log")).code, 2);
  ExplainArguments path = asks("alice", "get", "pods");
  path.resource.reset();
  path.path = "healthz";
  EXPECT_EQ(explain(path).code, 2);
}

}  // namespace
}  // namespace gh::control
