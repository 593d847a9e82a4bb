// SPDX-License-Identifier: Apache-2.0
// Request and response heads as both HTTP versions give them. Framing and hop-by-hop fields
// (Connection and what it nominates, Keep-Alive, Proxy-Connection, Transfer-Encoding,
// Content-Length, Upgrade, TE other than "trailers", Host, Expect: RFC 9110 §7.6.1, §10.1.1) are
// not in `headers`: what they said is in the members.
#pragma once

#include "dataplane/http/header_list.h"

#include <cstdint>
#include <optional>
#include <string>

namespace gh::http {

enum class Version : std::uint8_t { http_1_0, http_1_1, http_2 };

constexpr std::string_view name_of(Version version) {
  switch (version) {
    case Version::http_1_0:
      return "HTTP/1.0";
    case Version::http_1_1:
      return "HTTP/1.1";
    case Version::http_2:
      return "HTTP/2.0";
  }
  return "";
}

struct RequestHead {
  std::string method;  // as sent, case kept
  std::string target;  // origin form ("/path?query", "*"), byte for byte as sent; the path part of
                       // an absolute form
  std::string scheme;  // "https"
  std::string authority;  // Host or :authority
  HeaderList headers;
  Version version = Version::http_1_1;
  // on_body and a later on_request_end follow; without: on_request_end follows at once
  bool has_body = false;
  std::optional<std::uint64_t> content_length;
  bool expect_continue = false;  // the client waits for 100 before it sends the body
  bool te_trailers = false;      // TE: trailers
  // the Upgrade tokens, when `Connection: upgrade` asked for it (HTTP/1.1)
  std::string upgrade;

  void clear() noexcept {
    method.clear();
    target.clear();
    scheme.clear();
    authority.clear();
    headers.clear();
    version = Version::http_1_1;
    has_body = false;
    content_length.reset();
    expect_continue = false;
    te_trailers = false;
    upgrade.clear();
  }
};

struct ResponseHead {
  int status = 0;  // 100..599; 1xx other than 101 are interim and another head follows
  HeaderList headers;
  std::optional<std::uint64_t> content_length;
  std::string upgrade;  // with 101

  bool interim() const noexcept { return status >= 100 && status < 200 && status != 101; }

  void clear() noexcept {
    status = 0;
    headers.clear();
    content_length.reset();
    upgrade.clear();
  }
};

}  // namespace gh::http
