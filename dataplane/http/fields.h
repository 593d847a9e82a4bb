// SPDX-License-Identifier: Apache-2.0
// The words both HTTP versions are made of: which bytes a name, value, target or authority may
// have, what a field means to this hop, and which fields a Connection option or a trailer section
// may not touch. Pure functions. In: raw bytes of a head.   Out: yes or no; the meaning.   Owner:
// none (HopByHop belongs to one session). Not here: where one field ends and the next begins
// (h1_head.h, nghttp2), what only the proxy may say (proxy/headers.h).
#pragma once

#include "dataplane/http/header_list.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace gh::http {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept;
std::string_view trim_whitespace(std::string_view text) noexcept;  // SP and HTAB (RFC 9110 §5.6.3)

bool is_token(std::string_view text) noexcept;  // RFC 9110 §5.6.2
// RFC 9110 §5.5: no control bytes but HTAB, no outer whitespace; may be empty
bool is_field_value(std::string_view text) noexcept;
// A host of letters, digits and `-._~`, or an IP literal in brackets; [":" port]. Narrower than RFC
// 3986: no user information, no percent escapes, no sub-delimiters, nothing that two parsers could
// split differently. Not empty.
bool is_authority(std::string_view text) noexcept;
// "/…" of visible ASCII without '#', or "*" with OPTIONS (RFC 9112 §3.2.1, §3.2.4). Raw spaces,
// controls, '#' and bytes above 0x7e are refused: some servers cut or recode there, so the judge
// and the API server could see different paths.
bool is_target(std::string_view method, std::string_view target) noexcept;
// 1*DIGIT below 2^63 and no more than 19 digits; no sign, no space, no list (RFC 9110 §8.6).
std::optional<std::uint64_t> parse_content_length(std::string_view text) noexcept;

// Calls `each(item)` for the trimmed elements of a comma-separated list, empty ones skipped (RFC
// 9110 §5.6.1.2). Quoted strings are not looked into: no list read here may have them. Stops and
// returns false when `each` does.
template <class Each>
bool for_each_item(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = trim_whitespace(list.substr(0, comma));
    if (!item.empty() && !each(item)) return false;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return true;
}

// What a field means to this hop. All but end_to_end are never forwarded as they came.
enum class FieldKind : std::uint8_t {
  end_to_end,
  connection,
  content_length,
  expect,
  host,
  te,
  transfer_encoding,
  upgrade,
  dropped,  // Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, HTTP2-Settings
};
FieldKind kind_of(std::string_view name) noexcept;  // name in any case

// False for a field whose removal by a Connection option would change what the message means:
// framing, routing, credentials, content and conditions (README). A message that nominates one is
// refused.
bool may_be_nominated(std::string_view name) noexcept;

// False for a field that must not come after the content (RFC 9110 §6.5.1): framing, routing,
// credentials, identity, content and control fields, and everything kind_of() knows. `_` is read as
// `-`. Such trailers are dropped.
bool may_be_trailer(std::string_view lower_name) noexcept;
void drop_forbidden_trailers(HeaderList& trailers);

// What Connection fields said (RFC 9110 §7.6.1). A warm one allocates nothing.
class HopByHop {
 public:
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;

  // The value of one Connection field. False: not a list of tokens, or too many options, or a
  // nomination that may not be.
  bool take(std::string_view connection_value);
  // Removes the nominated fields.
  void strip(HeaderList& headers) const;
  void clear() noexcept;

 private:
  HeaderList nominated_;  // names only
};

// True when `TE` asks for trailers; other codings are this hop's matter and dropped.
bool wants_trailers(std::string_view te_value) noexcept;

}  // namespace gh::http
