// SPDX-License-Identifier: Apache-2.0
// What control publishes for deciding: one compiled table with its generation. Null before the
// first good policy: deny all.
#pragma once

#include "authz/rbac/decision_table.h"

#include <cstdint>
#include <memory>

namespace gh::authz {

struct PolicySnapshot {
  std::uint64_t generation = 0;  // grows by one with each publish
  rbac::DecisionTable table;
};

}  // namespace gh::authz
