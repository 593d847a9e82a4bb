// SPDX-License-Identifier: Apache-2.0
// A role's rules → its PermissionSet, and several sets → their union. Control only.
#pragma once

#include "authz/rbac/policy.h"
#include "authz/rbac/table_data.h"

#include <vector>

namespace gh::authz::rbac {

// The words of the rules are added to the table's.
PermissionSet compile_rules(TableData& table, const std::vector<PolicyRule>& rules);

// What any of them allows.
PermissionSet union_of(const std::vector<const PermissionSet*>& sets);

// Permissions of a set, as the bound of all unions counts them.
std::size_t size_of(const PermissionSet& set) noexcept;

}  // namespace gh::authz::rbac
