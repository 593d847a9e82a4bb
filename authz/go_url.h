// SPDX-License-Identifier: Apache-2.0
// Request targets as Go's net/url (1.26) reads and prints them. The slow road: any form of target,
// with allocations. A target that begins with '/' is read by request_info.cc without it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gh::authz {

struct GoUrl {
  std::string scheme;
  std::string opaque;
  bool has_user = false;
  std::string username;
  bool has_password = false;
  std::string password;
  std::string host;
  std::string path;
  std::string raw_path;  // only when the default encoding of `path` differs from what was sent
  std::string raw_query;
  bool force_query = false;
  bool omit_host = false;

  std::string to_string() const;  // URL.String()
};

// What a byte may stand for without being escaped; also unescape()'s mode.
enum class UrlPart : std::uint8_t {
  path = 1,
  path_segment = 2,
  host = 4,
  zone = 8,
  user_password = 16,
  query_component = 32
};

// http.ReadRequest's URL for this request line; null: Go answers 400.
std::optional<GoUrl> go_request_url(std::string_view method, std::string_view target);

// RFC 9110 token, as http.validMethod.
bool valid_method(std::string_view method) noexcept;

// url.PathUnescape and friends; null on a bad escape.
std::optional<std::string> url_unescape(std::string_view text, UrlPart part);
std::string url_escape(std::string_view text, UrlPart part);

}  // namespace gh::authz
