// SPDX-License-Identifier: Apache-2.0
// The body of a refusal: a Kubernetes metav1.Status in JSON, keys in the API server's order.
#pragma once

#include <string>
#include <string_view>

namespace gh::http {

struct StatusDetails {
  std::string_view name;
  std::string_view group;
  std::string_view kind;
};

// {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":…,"reason":…[,"details":{…}],"code":…}\n
// Strings are escaped as Go's encoding/json does (with <, >, & as \u003c…). `details` null: left
// out; empty: "details":{} is written, as the API server does for a 403 on a path.
std::string status_body(
    int code,
    std::string_view reason,
    std::string_view message,
    const StatusDetails* details = nullptr
);

// Reason word for a code, as k8s.io/apimachinery has it: 400 BadRequest, 401 Unauthorized, 403
// Forbidden, 404 NotFound, 408 Timeout, 413 RequestEntityTooLarge, 429 TooManyRequests, 500
// InternalError, 503 ServiceUnavailable, 504 Timeout; else "".
std::string_view status_reason(int code);

// "Bad Request" and so on, for the HTTP/1.1 status line.
std::string_view reason_phrase(int code);

}  // namespace gh::http
