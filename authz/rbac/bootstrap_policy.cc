// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/bootstrap_policy.h"

#include "authz/rbac/policy_yaml.h"
#include "base/assert.h"

#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::authz::rbac {

extern const std::string_view bootstrap_files[4];  // bootstrap/files.cc.in

namespace {

using Names = std::set<std::pair<std::string_view, std::string_view>>;

std::string_view space_of(const ClusterRole&) { return {}; }

std::string_view space_of(const Role& role) { return role.namespace_; }

std::string_view space_of(const Binding& binding) { return binding.namespace_; }

template <class Object>
void put_beneath(std::vector<Object>&& defaults, std::vector<Object>& objects) {
  Names taken;
  for (const Object& object : objects) taken.emplace(space_of(object), object.name);
  std::vector<Object> all;
  all.reserve(defaults.size() + objects.size());
  for (Object& object : defaults) {
    if (!taken.contains({space_of(object), object.name})) all.push_back(std::move(object));
  }
  all.insert(
      all.end(), std::make_move_iterator(objects.begin()), std::make_move_iterator(objects.end())
  );
  objects = std::move(all);
}

}  // namespace

Policy bootstrap_policy() {
  PolicyLoader loader;
  for (const std::string_view file : bootstrap_files) GH_ASSERT(loader.add(file, "bootstrap.yaml"));
  return loader.take_without_aggregation();
}

void put_beneath(Policy defaults, Policy& policy) {
  put_beneath(std::move(defaults.roles), policy.roles);
  put_beneath(std::move(defaults.cluster_roles), policy.cluster_roles);
  put_beneath(std::move(defaults.cluster_role_bindings), policy.cluster_role_bindings);
  put_beneath(std::move(defaults.role_bindings), policy.role_bindings);
}

}  // namespace gh::authz::rbac
