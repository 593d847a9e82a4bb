// SPDX-License-Identifier: Apache-2.0
// The roles and bindings that kube-apiserver makes in a new cluster, as of v1.36.3 (the files of
// bootstrap/, part of the program). Control only.
#pragma once

#include "authz/rbac/policy.h"

namespace gh::authz::rbac {

// Not aggregated: who adds to it aggregates the whole.
Policy bootstrap_policy();

// The defaults that the policy does not have an object of that kind, namespace and name for come
// before it.
void put_beneath(Policy defaults, Policy& policy);

}  // namespace gh::authz::rbac
