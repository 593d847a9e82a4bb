// SPDX-License-Identifier: Apache-2.0
// The words of a 403, as the API server's responsewriters.Forbidden has them. Off the fast path:
// allocates. In: user name, attributes, the authorizers' reason.   Out: Status.message and
// Status.details.
#pragma once

#include "authz/attributes.h"

#include <string>
#include <string_view>

namespace gh::authz {

// `pods "p" is forbidden: User "u" cannot get resource "pods" in API group "" in the namespace
// "ns"[: REASON]`
std::string forbidden_message(
    std::string_view user, const Attributes& attributes, std::string_view reason
);

// The same refusal when the extra `create` of an upgrade (RequestInfo::needs_create_too) is not
// allowed: `pods "p" is forbidden: REASON`.
std::string upgrade_forbidden_message(const Attributes& attributes, std::string_view reason);

struct ForbiddenDetails {  // of Status.details; empty ones are left out of the JSON
  std::string_view name;
  std::string_view group;
  std::string_view kind;  // the resource
};

inline ForbiddenDetails forbidden_details(const Attributes& attributes) {
  return {attributes.name, attributes.api_group, attributes.resource};
}

}  // namespace gh::authz
