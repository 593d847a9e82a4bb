// SPDX-License-Identifier: Apache-2.0
#include "control/policy_source.h"

#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

namespace gh::control {
namespace {

constexpr const char* role =
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
    "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]\n";
constexpr const char* wider_role =
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
    "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}]\n";
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

TEST(PolicySource, the_difference_of_two_sets_is_counted) {
  const TemporaryFolder folder;
  const auto set_of = [&](std::vector<const char*> texts) {
    std::string all;
    for (const char* text : texts) all += std::string("---\n") + text;
    return digest(read_policy({folder.write("p.yaml", all)})->policy);
  };
  const auto both = set_of({role, binding});
  EXPECT_FALSE(compare(both, set_of({binding, role})).any());
  const auto grown = compare(set_of({role}), both);
  EXPECT_EQ(grown.added, 1u);
  EXPECT_EQ(grown.removed + grown.changed, 0u);
  const auto shrunk = compare(both, set_of({role}));
  EXPECT_EQ(shrunk.removed, 1u);
  const auto other = compare(both, set_of({wider_role, binding}));
  EXPECT_EQ(other.changed, 1u);
  EXPECT_EQ(other.added + other.removed, 0u);
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
