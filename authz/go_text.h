// SPDX-License-Identifier: Apache-2.0
// Text as Go prints and reads it: %q, the rune loop over bytes that may not be UTF-8,
// strconv.ParseInt. Pure. Owner: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gh::authz {

struct Rune {
  std::uint32_t value = 0;
  std::uint32_t bytes = 0;
  bool valid = true;  // false: one byte that is not UTF-8; value is U+FFFD
};

// Precondition: at < text.size().
Rune rune_at(std::string_view text, std::size_t at) noexcept;
void append_rune(std::string& out, std::uint32_t rune);

// strconv.Quote, which is fmt's %q.
void append_quoted(std::string& out, std::string_view text);
std::string go_quoted(std::string_view text);

// `&`, `<`, `>` as entities, as the API server does in messages that a browser might show.
std::string html_escaped(std::string_view text);

// strconv.ParseInt(text, 10, 64)
std::optional<std::int64_t> parse_int(std::string_view text) noexcept;

}  // namespace gh::authz
