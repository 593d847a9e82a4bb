// SPDX-License-Identifier: Apache-2.0
// A text as a JSON string (RFC 8259 §7): valid whatever the bytes are; what is not UTF-8 becomes
// U+FFFD. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gh {

void append_json_string(std::string& out, std::string_view text);
std::string json_quoted(std::string_view text);

}  // namespace gh
