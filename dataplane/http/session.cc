// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/session.h"

namespace gh::http {

std::string_view name_of(SessionError error) {
  switch (error) {
    case SessionError::none:
      return "none";
    case SessionError::bad_request_line:
      return "bad_request_line";
    case SessionError::bad_header:
      return "bad_header";
    case SessionError::bad_framing:
      return "bad_framing";
    case SessionError::unsupported_version:
      return "unsupported_version";
    case SessionError::head_too_large:
      return "head_too_large";
    case SessionError::target_too_long:
      return "target_too_long";
    case SessionError::head_timeout:
      return "head_timeout";
    case SessionError::idle_timeout:
      return "idle_timeout";
    case SessionError::truncated:
      return "truncated";
    case SessionError::connect_refused:
      return "connect_refused";
    case SessionError::h2_protocol:
      return "h2_protocol";
    case SessionError::h2_compression:
      return "h2_compression";
    case SessionError::h2_flow_control:
      return "h2_flow_control";
    case SessionError::h2_flood:
      return "h2_flood";
    case SessionError::bad_response:
      return "bad_response";
  }
  return "";
}

std::string_view name_of(Reset reset) {
  switch (reset) {
    case Reset::none:
      return "none";
    case Reset::cancelled:
      return "cancelled";
    case Reset::refused:
      return "refused";
    case Reset::peer_error:
      return "peer_error";
    case Reset::internal_error:
      return "internal_error";
    case Reset::too_large:
      return "too_large";
    case Reset::connection_lost:
      return "connection_lost";
  }
  return "";
}

}  // namespace gh::http
