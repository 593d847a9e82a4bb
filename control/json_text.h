// SPDX-License-Identifier: Apache-2.0
// A text as a JSON string, for log lines and logged values.
#pragma once

#include <string>
#include <string_view>

namespace gh::control {

std::string json_quoted(std::string_view text);  // bytes that are not UTF-8 become U+FFFD

}  // namespace gh::control
