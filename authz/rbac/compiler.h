// SPDX-License-Identifier: Apache-2.0
// Policy → DecisionTable. Control only; linear in the size of the policy.
// In: objects, with aggregated ClusterRoles already filled in (aggregation.h).   Out: a table, or
// why there can be none.
#pragma once

#include "authz/rbac/decision_table.h"
#include "authz/rbac/policy.h"
#include "base/result.h"

namespace gh::authz::rbac {

// Dangling role references are not errors: Kubernetes serves such a policy and says so in the
// reason of a refusal.
Outcome<DecisionTable> compile(const Policy& policy);

}  // namespace gh::authz::rbac
