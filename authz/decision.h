// SPDX-License-Identifier: Apache-2.0
// What an authorizer says. The zero value refuses; no_opinion refuses too unless a later authorizer
// allows.
#pragma once

#include <cstdint>

namespace gh::authz {

enum class Decision : std::uint8_t { deny, allow, no_opinion };

}  // namespace gh::authz
