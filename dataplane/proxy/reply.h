// SPDX-License-Identifier: Apache-2.0
// Answers gatehouse gives itself: Kubernetes Status objects with the API server's codes, reasons
// and messages.
#pragma once

#include "dataplane/http/session.h"
#include "dataplane/http/status_body.h"

#include <optional>
#include <string>
#include <string_view>

namespace gh::proxy {

struct Refusal {
  int code = 500;
  std::string_view message;
  std::optional<std::string_view> reason = std::nullopt;  // not given: the code's usual one
  const http::StatusDetails* details = nullptr;           // 403: what was asked for
};

std::string body_of(const Refusal& refusal);

// Head, body and end on `stream`. 503 and 504 carry Retry-After: 1.
void refuse(http::ServerSession& session, http::Stream& stream, int code, std::string_view body);

// The API server's answer to a request whose RequestInfo cannot be made: 500 in text/plain.
void refuse_plain(
    http::ServerSession& session, http::Stream& stream, int code, std::string_view text
);

}  // namespace gh::proxy
