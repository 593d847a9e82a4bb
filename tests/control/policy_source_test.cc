// SPDX-License-Identifier: Apache-2.0
#include "control/policy_source.h"

#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace gh::control {
namespace {

constexpr const char* role =
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
    "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]\n";
constexpr const char* binding =
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: "
    "demo}\n"
    "subjects: [{kind: User, name: alice, apiGroup: rbac.authorization.k8s.io}]\n"
    "roleRef: {kind: ClusterRole, name: r, apiGroup: rbac.authorization.k8s.io}\n";

TEST(PolicySource, files_and_folders_make_one_set) {
  const TemporaryFolder folder;
  folder.write("set/role.yaml", role);
  const auto set = read_policy({folder.at("set"), folder.write("binding.yaml", binding)});
  ASSERT_TRUE(set) << set.error()[0].to_string();
  EXPECT_EQ(set->files, 2u);
  EXPECT_EQ(
      describe_policy(*set), "2 files, 1 ClusterRole, 0 Roles, 0 ClusterRoleBindings, 1 RoleBinding"
  );
}

TEST(PolicySource, one_bad_file_refuses_the_whole_set) {
  const TemporaryFolder folder;
  folder.write("set/a.yaml", role);
  const std::string bad = folder.write("set/b.yaml", "kind: ClusterRole\n  x: [\n");
  const auto set = read_policy({folder.at("set")});
  ASSERT_FALSE(set);
  EXPECT_NE(set.error()[0].to_string().find(bad), std::string::npos) << set.error()[0].to_string();
}

TEST(PolicySource, each_missing_path_is_told) {
  const TemporaryFolder folder;
  const auto set = read_policy({folder.at("none"), folder.at("neither")});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().size(), 2u);
}

// A folder that lost its mount looks like this.
TEST(PolicySource, a_folder_without_policy_files_is_refused) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "set");
  EXPECT_FALSE(read_policy({folder.at("set")}));
  folder.write("set/empty.yaml", "");
  const auto set = read_policy({folder.at("set")});
  ASSERT_TRUE(set) << set.error()[0].to_string();
  EXPECT_EQ(set->files, 1u);
}

TEST(PolicySource, a_dangling_link_in_a_folder_refuses_the_set) {
  const TemporaryFolder folder;
  folder.write("set/a.yaml", role);
  std::filesystem::create_symlink("gone.yaml", folder.at("set/b.yaml"));
  EXPECT_FALSE(read_policy({folder.at("set")}));
}

TEST(PolicySource, the_default_policy_is_beneath_the_files) {
  const TemporaryFolder folder;
  const auto alone = read_policy({}, true);
  ASSERT_TRUE(alone) << alone.error()[0].to_string();
  EXPECT_EQ(
      describe_policy(*alone),
      "0 files, 69 ClusterRoles, 7 Roles, 50 ClusterRoleBindings, 7 RoleBindings"
  );
  const auto both = read_policy({folder.write("p.yaml", role)}, true);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->policy.cluster_roles.size(), 70u);
}

const authz::rbac::ClusterRole& find(const PolicySet& set, std::string_view name) {
  const auto& roles = set.policy.cluster_roles;
  return *std::find_if(roles.begin(), roles.end(), [&](const auto& one) {
    return one.name == name;
  });
}

TEST(PolicySource, an_object_of_the_files_replaces_the_default_of_its_name) {
  const TemporaryFolder folder;
  const auto set = read_policy(
      {folder.write(
          "p.yaml",
          "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: "
          "cluster-admin}\nrules: []\n"
      )},
      true
  );
  ASSERT_TRUE(set) << set.error()[0].to_string();
  EXPECT_EQ(set->policy.cluster_roles.size(), 69u);
  EXPECT_TRUE(find(*set, "cluster-admin").rules.empty());
}

// As in a cluster: the label makes it part of view, edit and admin.
TEST(PolicySource, a_role_of_the_files_is_aggregated_into_the_default_ones) {
  const TemporaryFolder folder;
  const auto rules_of_view = [&](const std::vector<std::string>& paths) {
    return find(*read_policy(paths, true), "view").rules.size();
  };
  const std::string widgets = folder.write(
      "p.yaml",
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: widgets\n"
      "  labels: {rbac.authorization.k8s.io/aggregate-to-view: \"true\"}\n"
      "rules: [{apiGroups: [x.io], resources: [widgets], verbs: [get]}]\n"
  );
  EXPECT_EQ(rules_of_view({widgets}), rules_of_view({}) + 1);
}

TEST(Fingerprint, tells_every_kind_of_change) {
  const TemporaryFolder folder;
  folder.write("set/a.yaml", "1");
  const std::vector<std::string> paths = {folder.at("set"), folder.at("none")};
  std::uint64_t before = fingerprint(paths);
  EXPECT_EQ(fingerprint(paths), before);
  const auto changed = [&] { return std::exchange(before, fingerprint(paths)) != before; };
  folder.write("set/a.yaml", "22");
  EXPECT_TRUE(changed());
  folder.write("set/b.yaml", "");
  EXPECT_TRUE(changed());
  std::filesystem::permissions(folder.at("set/b.yaml"), std::filesystem::perms::none);
  EXPECT_TRUE(changed());
  std::filesystem::remove(folder.at("set/b.yaml"));
  EXPECT_TRUE(changed());
  folder.write("none", "now there is");
  EXPECT_TRUE(changed());
}

}  // namespace
}  // namespace gh::control
