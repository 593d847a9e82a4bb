// SPDX-License-Identifier: Apache-2.0
// Kubernetes YAML or JSON → Policy. Control only; never on the path.
// In: texts with the name they are to be called by in errors.   Out: a Policy with roles
// aggregated, or the first Fault with file:line and what was expected; warnings beside. Nothing of
// a set with a fault is used. Taken: Role, ClusterRole, RoleBinding, ClusterRoleBinding of
// rbac.authorization.k8s.io/v1, alone, in multi-document files, in List and XxxList. Other kinds
// are counted and skipped. Validated as the API server validates on create.
#pragma once

#include "authz/rbac/policy.h"
#include "base/result.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::rbac {

enum class Validation : unsigned char {
  api_server,  // what the API server would refuse on create is a fault
  authorizer,  // only the types are checked: what the authorizer itself could be handed
               // (conformance vectors)
};

class PolicyLoader {
 public:
  explicit PolicyLoader(Validation validation = Validation::api_server) : validation_(validation) {}

  // `name` stands in errors: "roles.yaml:12". A text that starts with '{' is read as JSON if it is
  // JSON.
  Outcome<void> add(std::string_view text, const std::string& name);
  // A file, or every *.yaml, *.yml and *.json directly in a folder and below it, in path order;
  // hidden files and folders are skipped.
  Outcome<void> add_path(const std::filesystem::path& path);

  // The objects so far, aggregated. The loader is empty afterwards.
  Policy take();
  Policy take_without_aggregation();

  const std::vector<std::string>& warnings() const { return warnings_; }

  std::size_t files() const { return files_; }

 private:
  friend class PolicyReader;
  Validation validation_;
  Policy policy_;
  std::vector<std::string> warnings_;
  std::map<std::string, std::string, std::less<>> seen_;  // "Role ns/name" → file:line
  std::size_t files_ = 0;
  std::size_t bytes_ = 0;
};

// One call for a path: load, aggregate.
Outcome<Policy> load_policy(
    const std::filesystem::path& path, std::vector<std::string>* warnings = nullptr
);

}  // namespace gh::authz::rbac
