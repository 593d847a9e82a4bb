// SPDX-License-Identifier: Apache-2.0
// Every rule that allows a request, found by walking the whole policy as Kubernetes does. For
// `gatehouse explain` and, in tests, as the second opinion the table is compared with. Control
// only.
#pragma once

#include "authz/attributes.h"
#include "authz/decision.h"
#include "authz/identity/identity.h"
#include "authz/rbac/policy.h"

#include <string>
#include <vector>

namespace gh::authz::rbac {

struct AllowedBy {
  const Binding* binding = nullptr;
  bool cluster_binding = false;
  const Subject* subject = nullptr;  // the first of the binding's that is the caller
  const PolicyRule* rule = nullptr;
  std::size_t rule_index = 0;  // in the role, from 0
  std::string source;          // `ClusterRoleBinding "b" of ClusterRole "r" to User "u"`
};

struct Explanation {
  Decision decision = Decision::deny;
  bool masters = false;             // allowed by the group system:masters, before any rule
  std::vector<AllowedBy> allows;    // all rules that allow, in policy order, cluster bindings first
  std::vector<std::string> errors;  // resolution errors in order, repeats kept
  std::string reason;               // the authorizer's
};

Explanation explain(const Policy& policy, const identity::Identity& who, const Attributes& what);

bool rule_allows(const PolicyRule& rule, const Attributes& what);

// utilerrors.NewAggregate(errors).Error(): `e`, or `[e1, e2]` without repeats.
std::string aggregate_text(const std::vector<std::string>& errors);

// `RoleBinding "b/ns" of Role "r" to ServiceAccount "sa/ns"`
std::string describe(const Binding& binding, bool cluster_binding, const Subject& subject);

}  // namespace gh::authz::rbac
