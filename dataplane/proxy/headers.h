// SPDX-License-Identifier: Apache-2.0
// What a client's head becomes on its way to the API server: what only we may say is removed, then
// said by us. In: the judged request head, the caller's identity fields.  Out: the same head, ready
// for a ClientSession. Owner: one core. Not here: hop-by-hop and framing fields (dataplane/http),
// which identity it is (authz/identity).
#pragma once

#include "dataplane/http/message.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::proxy {

// X-Remote-User, X-Remote-Group, X-Remote-Uid, X-Remote-Extra-*: computed once for an identity.
using IdentityFields = std::vector<std::pair<std::string, std::string>>;

// True for a field that a client's message never carries upstream: X-Remote-*, X-Forwarded-*,
// Forwarded, X-Real-Ip and Authorization, with `_` read as `-` (what some servers do).
// Authorization is among them because who the caller is has been decided here: the API server must
// not decide it again from a token.
bool is_reserved_field(std::string_view lower_name) noexcept;

// True for the impersonation fields (Impersonate-User and its kin, `_` read as `-`), which change
// whose request it is.
bool is_impersonation_field(std::string_view lower_name) noexcept;

void prepare_request(http::RequestHead& head, const IdentityFields& who, std::string_view peer_ip);

void strip_trailers(http::HeaderList& trailers);

}  // namespace gh::proxy
