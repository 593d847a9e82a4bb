// SPDX-License-Identifier: Apache-2.0
// What this build is: for `gatehouse version`, the log and gatehouse_build_info.
#pragma once

#include <string>
#include <string_view>

namespace gh::control {

std::string_view version();  // "0.1.0"
std::string compiler();      // "gcc 12.2.0"
std::string version_text();  // for a person

}  // namespace gh::control
