// SPDX-License-Identifier: Apache-2.0
// Policy → DecisionTable, whole or change by change. Control only.
// In: objects, with aggregated ClusterRoles already filled in (aggregation.h).   Out: tables, each
// sharing with the one before what did not change; or why there can be none.
// A change costs what it touches: its words, the lists of its subjects, for a role the unions it is
// part of; not the policy's size. Nothing is changed by a set of changes that fails.
#pragma once

#include "authz/rbac/decision_table.h"
#include "authz/rbac/policy.h"
#include "base/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace gh::authz::rbac {

struct ObjectName {
  std::string namespace_;  // empty for cluster roles and cluster role bindings
  std::string name;
};

struct PolicyChanges {
  Policy put;  // new objects, and changed ones whole; known by kind, namespace and name
  std::vector<ObjectName> gone_roles;
  std::vector<ObjectName> gone_cluster_roles;
  std::vector<ObjectName> gone_cluster_role_bindings;
  std::vector<ObjectName> gone_role_bindings;
};

struct PolicyDifference {  // in objects that matter to a decision
  std::size_t added = 0;
  std::size_t removed = 0;
  std::size_t changed = 0;

  bool any() const noexcept { return added + removed + changed > 0; }
};

class PolicyCompiler {
 public:
  PolicyCompiler();
  PolicyCompiler(PolicyCompiler&&) noexcept;
  PolicyCompiler& operator=(PolicyCompiler&&) noexcept;
  ~PolicyCompiler();

  // Dangling role references are not errors: Kubernetes serves such a policy and says so in the
  // reason of a refusal. An object that is put as it was, or that goes without being there, is no
  // difference.
  Outcome<PolicyDifference> apply(const PolicyChanges& changes);

  // The same, given the whole policy: what is not in it goes.
  Outcome<PolicyDifference> update(const Policy& policy);

  // The table of what was applied so far. Cheap: it shares everything with the compiler.
  DecisionTable table() const;

  // The objects, in the order reasons go by. Labels, aggregation rules and subjects that can be
  // nobody are not kept.
  Policy policy() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

// One table, once.
Outcome<DecisionTable> compile(const Policy& policy);

}  // namespace gh::authz::rbac
