// SPDX-License-Identifier: Apache-2.0
// What the subjects of a policy gain and lose when another takes its place. Control only.
// In: two policies, aggregated.   Out: for each subject that is named in a binding and has other
// permissions afterwards, what is more and what is less. By effect: other names of bindings, rules
// spread over other roles or covered by a `*` are no difference. What a user has through groups is
// the groups' and told of them; the group system:masters has everything, whatever a policy says.
#pragma once

#include "authz/rbac/policy.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace gh::authz::rbac {

// Every combination of its words is allowed in the scope: either resources or URLs.
struct Permitted {
  std::optional<std::string> namespace_;  // none: cluster-wide, in all namespaces too
  PolicyRule rule;                        // resource_names empty: any
  bool operator==(const Permitted&) const = default;
};

struct Changed {
  Permitted what;
  // Of what a `*` stands for here, the other policy has this, so it is not gained or lost.
  std::vector<Permitted> except;
};

struct SubjectDifference {
  Subject subject;  // of a service account the namespace is set
  std::vector<Changed> lost;
  std::vector<Changed> gained;
};

// By kind and name. A fault if there is more to say than limits::difference_lines_max.
Outcome<std::vector<SubjectDifference>> difference(const Policy& before, const Policy& after);

}  // namespace gh::authz::rbac
