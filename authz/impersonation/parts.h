// SPDX-License-Identifier: Apache-2.0
// What the two filters (impersonation.cc, legacy_filter.cc) share. Internal to this folder.
#pragma once

#include "authz/impersonation/impersonation.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::authz::impersonation {

inline constexpr std::string_view authentication_group = "authentication.k8s.io";

// What a user name is by its form.
struct NameForm {
  enum class Kind : std::uint8_t { other, node, service_account };

  Kind kind = Kind::other;
  std::string_view namespace_;  // of a service account
  std::string_view name;        // of the node or service account
};

NameForm form_of(std::string_view user) noexcept;  // a view into `user`

void add_group_once(identity::Identity& who, std::string_view group);
bool has_group(const identity::Identity& who, std::string_view group) noexcept;
void set_service_account_groups(identity::Identity& who, std::string_view name_space);

// One thing to be, as attributes.
Attributes to_be(
    std::string_view verb,
    std::string_view api_group,
    std::string_view resource,
    std::string_view name
) noexcept;

Answer bad_request(std::string message);
Answer forbidden(const Question& question, const Attributes& what, std::string_view reason);

// The filter with the gate off.
Answer legacy_filter(identity::Identity wanted, const Question& question);

// Why constrained impersonation never takes these extras; empty: it may.
std::string extra_fault(const identity::Extra& extra);

}  // namespace gh::authz::impersonation
