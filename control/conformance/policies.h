// SPDX-License-Identifier: Apache-2.0
// The RBAC policies that a vectors file brings with it (`policies[]`), compiled.
#pragma once

#include "authz/rbac/decision_table.h"
#include "authz/rbac/policy.h"
#include "control/conformance/vectors.h"

#include <map>
#include <ostream>
#include <string>

namespace gh::conformance {

struct Compiled {
  authz::rbac::Policy policy;
  authz::rbac::DecisionTable table;
};

// By id. One that does not load is said on `out` and is missing.
std::map<std::string, Compiled> compile_policies(Json root, std::ostream& out);

}  // namespace gh::conformance
