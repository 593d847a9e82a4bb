// SPDX-License-Identifier: Apache-2.0
// base64url without padding as Go's base64.RawURLEncoding: line breaks are passed over, bits left
// over at the end are not looked at, '=' is an error. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gh::identity {

std::optional<std::string> base64url_decode(std::string_view text);
std::string base64url_encode(std::string_view bytes);

// base64.StdEncoding, with padding.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace gh::identity
