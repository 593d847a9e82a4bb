// SPDX-License-Identifier: Apache-2.0
// The modes of constrained impersonation (KEP-5284), in the order they are tried, and their verbs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gh::authz::impersonation {

enum class Mode : std::uint8_t {
  associated_node,  // a service account as the node that its token is bound to
  arbitrary_node,
  service_account,
  user_info,  // any other user, with groups, uid and extra
  legacy,     // the one verb `impersonate`
};

using ModeOrder = std::array<Mode, 5>;

inline constexpr ModeOrder modes = {
    Mode::associated_node,
    Mode::arbitrary_node,
    Mode::service_account,
    Mode::user_info,
    Mode::legacy
};

struct ModeVerbs {
  std::string_view be;  // asked of each thing to be; also the constraint an audit event names
  std::string_view on;  // before the request's own verb; empty: not asked
};

constexpr ModeVerbs verbs_of(Mode mode) noexcept {
  switch (mode) {
    case Mode::associated_node:
      return {"impersonate:associated-node", "impersonate-on:associated-node:"};
    case Mode::arbitrary_node:
      return {"impersonate:arbitrary-node", "impersonate-on:arbitrary-node:"};
    case Mode::service_account:
      return {"impersonate:serviceaccount", "impersonate-on:serviceaccount:"};
    case Mode::user_info:
      return {"impersonate:user-info", "impersonate-on:user-info:"};
    case Mode::legacy:
      return {"impersonate", ""};
  }
  return {};
}

}  // namespace gh::authz::impersonation
