// SPDX-License-Identifier: Apache-2.0
#include "control/conformance/policies.h"

#include "authz/rbac/compiler.h"
#include "authz/rbac/policy_yaml.h"

#include <optional>
#include <utility>

namespace gh::conformance {
namespace {

std::optional<Compiled> compile_policy(Json policy, std::ostream& out) {
  authz::rbac::PolicyLoader loader(authz::rbac::Validation::authorizer);
  const std::string id = text_at(policy, "id");
  for (const char* list : {"roles", "clusterRoles", "roleBindings", "clusterRoleBindings"}) {
    Json objects;
    if (policy[list].get(objects) != simdjson::SUCCESS) continue;
    // Maps of objects may not name the same object twice across lists, and do not.
    if (const auto added = loader.add(simdjson::minify(objects), id + "/" + list); !added) {
      out << "policy " << added.error().to_string() << "\n";
      return std::nullopt;
    }
  }
  Compiled compiled{loader.take_without_aggregation(), authz::rbac::DecisionTable()};
  auto table = authz::rbac::compile(compiled.policy);
  if (!table) {
    out << "policy " << id << ": " << table.error().to_string() << "\n";
    return std::nullopt;
  }
  compiled.table = std::move(*table);
  return compiled;
}

}  // namespace

std::map<std::string, Compiled> compile_policies(Json root, std::ostream& out) {
  std::map<std::string, Compiled> policies;
  simdjson::dom::array given;
  if (root["policies"].get_array().get(given) != simdjson::SUCCESS) return policies;
  for (Json policy : given) {
    auto compiled = compile_policy(policy, out);
    if (compiled) policies.emplace(text_at(policy, "id"), std::move(*compiled));
  }
  return policies;
}

}  // namespace gh::conformance
