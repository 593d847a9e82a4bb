// SPDX-License-Identifier: Apache-2.0
// Text as Go prints and reads it: %q, strconv.ParseInt. Pure. Owner: none.
#pragma once

#include "base/utf8.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gh::authz {

// strconv.Quote, which is fmt's %q.
void append_quoted(std::string& out, std::string_view text);
std::string go_quoted(std::string_view text);

// `&`, `<`, `>` as entities, as the API server does in messages that a browser might show.
std::string html_escaped(std::string_view text);

// strconv.ParseInt(text, 10, 64)
std::optional<std::int64_t> parse_int(std::string_view text) noexcept;

}  // namespace gh::authz
