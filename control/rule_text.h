// SPDX-License-Identifier: Apache-2.0
// RBAC rules as commands print them: a line for people, JSON, YAML. Pure.
#pragma once

#include "authz/rbac/policy.h"

#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

// `["get" "list"]`
std::string shown_words(const std::vector<std::string>& words);

// `verbs ["get"] apiGroups [""] resources ["pods"]`
std::string shown_rule(const authz::rbac::PolicyRule& rule);

// `User "u"`, `ServiceAccount "sa/ns"` as in Kubernetes' reasons
std::string shown_subject(const authz::rbac::Subject& subject);

// As in a Role; lists that are empty are left out.
std::string json_of(const authz::rbac::PolicyRule& rule);
// As in a binding.
std::string json_of(const authz::rbac::Subject& subject);
std::string json_of(const std::vector<std::string>& words);

}  // namespace gh::control
