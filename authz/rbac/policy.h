// SPDX-License-Identifier: Apache-2.0
// RBAC objects as plain data, in the order they were read: what loaders give and the compiler
// takes. Control only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gh::authz::rbac {

struct PolicyRule {
  std::vector<std::string> verbs;
  std::vector<std::string> api_groups;
  std::vector<std::string> resources;
  std::vector<std::string> resource_names;
  std::vector<std::string> non_resource_urls;
  bool operator==(const PolicyRule&) const = default;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

struct LabelRequirement {
  enum class Op : unsigned char { in, not_in, exists, does_not_exist };
  std::string key;
  Op op = Op::in;
  std::vector<std::string> values;
};

struct LabelSelector {  // all of them; none: selects everything
  std::vector<LabelRequirement> requirements;
};

struct Role {
  std::string namespace_;
  std::string name;
  std::vector<PolicyRule> rules;
};

struct ClusterRole {
  std::string name;
  Labels labels;
  std::vector<PolicyRule> rules;
  std::optional<std::vector<LabelSelector>> aggregation;  // aggregationRule.clusterRoleSelectors
};

struct Subject {
  std::string kind;
  std::string name;
  std::string namespace_;
};

struct RoleRef {
  std::string kind;
  std::string name;
};

struct Binding {
  std::string namespace_;  // empty for a ClusterRoleBinding
  std::string name;
  RoleRef role;
  std::vector<Subject> subjects;
};

struct Policy {
  std::vector<Role> roles;
  std::vector<ClusterRole> cluster_roles;
  std::vector<Binding> cluster_role_bindings;
  std::vector<Binding> role_bindings;
  std::size_t ignored_objects = 0;  // of other kinds, skipped by the loader
};

}  // namespace gh::authz::rbac
