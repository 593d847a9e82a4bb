// SPDX-License-Identifier: Apache-2.0
// Fills in the rules of aggregated ClusterRoles, as kube-controller-manager's
// clusterrole-aggregation controller does in a cluster. Only for policy that comes from files; a
// live API server holds the rules already.
#pragma once

#include "authz/rbac/policy.h"

namespace gh::authz::rbac {

// Each role with an aggregationRule gets the rules of every other ClusterRole its selectors match
// (selector by selector, by name, equal rules once); its own are overwritten. Repeated until
// nothing grows, so aggregated roles may feed one another, even in a circle.
void aggregate(Policy& policy);

bool matches(const LabelSelector& selector, const Labels& labels);

}  // namespace gh::authz::rbac
