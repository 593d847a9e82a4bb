// SPDX-License-Identifier: Apache-2.0
#include "control/diff_command.h"
#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace gh::control {
namespace {

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

Said diff(const DiffArguments& arguments) {
  std::ostringstream out, err;
  const int code = diff_command(arguments, out, err);
  return {code, out.str(), err.str()};
}

std::string policy(const std::string& verbs, const std::string& binding = "b") {
  return "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
         "rules: [{apiGroups: [\"\"], resources: [pods], verbs: " +
         verbs +
         "}]\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: " +
         binding +
         ", namespace: demo}\n"
         "subjects: [{kind: ServiceAccount, name: sa}]\n"
         "roleRef: {kind: ClusterRole, name: r, apiGroup: rbac.authorization.k8s.io}\n";
}

TEST(Diff, prints_a_line_for_what_is_lost_and_gained) {
  const TemporaryFolder folder;
  const Said said = diff(
      {folder.write("old.yaml", policy("[get, list]")),
       folder.write("new.yaml", policy("[get, watch]")),
       false,
       false}
  );
  EXPECT_EQ(said.code, 1);
  EXPECT_EQ(
      said.out,
      "ServiceAccount \"sa/demo\"\n"
      "  - in namespace \"demo\": verbs [\"list\"] apiGroups [\"\"] resources [\"pods\"]\n"
      "  + in namespace \"demo\": verbs [\"watch\"] apiGroups [\"\"] resources [\"pods\"]\n"
  );
}

TEST(Diff, no_difference_is_exit_code_0_and_silence) {
  const TemporaryFolder folder;
  const Said said = diff(
      {folder.write("old.yaml", policy("[get, list]")),
       folder.write("new.yaml", policy("[list, get, list]", "renamed")),
       false,
       false}
  );
  EXPECT_EQ(said.code, 0);
  EXPECT_EQ(said.out, "");
}

TEST(Diff, json_has_subjects_and_rules_as_kubernetes_writes_them) {
  const TemporaryFolder folder;
  const Said said = diff(
      {folder.write("old.yaml", policy("[\"*\"]")),
       folder.write("new.yaml", policy("[get]")),
       false,
       true}
  );
  EXPECT_EQ(said.code, 1);
  EXPECT_EQ(
      said.out,
      "{\"differences\":[\n"
      " {\"subject\":{\"kind\":\"ServiceAccount\",\"namespace\":\"demo\",\"name\":\"sa\"},\n"
      "  "
      "\"lost\":[{\"namespace\":\"demo\",\"verbs\":[\"*\"],\"apiGroups\":[\"\"],\"resources\":["
      "\"pods\"],"
      "\"except\":[{\"namespace\":\"demo\",\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":["
      "\"pods\"]}]}],\n"
      "  \"gained\":[]}\n]}\n"
  );
}

TEST(Diff, aggregated_roles_are_compared_as_they_are_filled_in) {
  const TemporaryFolder folder;
  const std::string binding =
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\n"
      "subjects: [{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]\n"
      "roleRef: {kind: ClusterRole, name: view, apiGroup: rbac.authorization.k8s.io}\n";
  const std::string widgets =
      "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: "
      "widgets\n"
      "  labels: {rbac.authorization.k8s.io/aggregate-to-view: \"true\"}\n"
      "rules: [{apiGroups: [x.io], resources: [widgets], verbs: [get]}]\n";
  const Said said = diff(
      {folder.write("old.yaml", binding), folder.write("new.yaml", binding + widgets), true, false}
  );
  EXPECT_EQ(said.code, 1);
  EXPECT_EQ(
      said.out,
      "User \"u\"\n  + cluster-wide: verbs [\"get\"] apiGroups [\"x.io\"] resources [\"widgets\"]\n"
  );
}

TEST(Diff, a_set_that_cannot_be_read_is_exit_code_2) {
  const TemporaryFolder folder;
  const std::string good = folder.write("old.yaml", policy("[get]"));
  const Said said = diff({good, folder.at("none.yaml"), false, false});
  EXPECT_EQ(said.code, 2);
  EXPECT_NE(said.err.find("none.yaml"), std::string::npos);
  EXPECT_EQ(diff({folder.write("bad.yaml", "kind: ["), good, false, false}).code, 2);
}

}  // namespace
}  // namespace gh::control
