// SPDX-License-Identifier: Apache-2.0
// Where a request carries a bearer token: the Authorization header (Kubernetes' bearertoken), or a
// WebSocket's protocols (its websocket.ProtocolAuthenticator). Pure; no HTTP type is known here.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gh::identity {

// The token of an Authorization header's first value. Null: none, so this authenticator has no
// opinion: another scheme, or nothing behind the first space.
std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept;

enum class ProtocolFault : std::uint8_t {
  several_tokens,
  bad_encoding,
  not_utf8,
  no_other_protocol,
};
std::string_view sentence_of(ProtocolFault fault) noexcept;

struct ProtocolToken {
  std::string token;
  std::string protocols;  // those without it, comma-separated: what is forwarded instead
};

// `values`: every Sec-WebSocket-Protocol field in order, of a request that asks for a WebSocket
// (Upgrade: websocket, `upgrade` in Connection). Null: no token, or an empty one, so no opinion;
// the fields are then forwarded as they are. A fault is an error of authentication: 401 unless
// another authenticator accepts.
Result<std::optional<ProtocolToken>, ProtocolFault> websocket_token(
    std::span<const std::string_view> values
);

}  // namespace gh::identity
