// SPDX-License-Identifier: Apache-2.0
// Policy from files and folders: all of a set or nothing.
// In: the paths of --policy, and whether Kubernetes' defaults are beneath them.   Out: objects,
// aggregated; or every path's fault. Control only.
// A set that changes while it is read is read again, so that no mixture of before and after is
// served.
#pragma once

#include "authz/rbac/policy.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gh::control {

struct PolicySet {
  authz::rbac::Policy policy;
  std::size_t files = 0;
  std::vector<std::string> warnings;
};

Result<PolicySet, std::vector<Fault>> read_policy(
    const std::vector<std::string>& paths, bool bootstrap = false
);

// "12 ClusterRoles, 1 Role, …" for the log.
std::string describe_policy(const PolicySet& set);

// What stat(2) says of the paths and everything below them, as one number: equal while nothing was
// written or replaced.
std::uint64_t fingerprint(const std::vector<std::string>& paths);

}  // namespace gh::control
