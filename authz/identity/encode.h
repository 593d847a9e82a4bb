// SPDX-License-Identifier: Apache-2.0
// Identity → the X-Remote-* fields an API server trusts, as client-go's auth-proxy transport writes
// them. In: an identity.   Out: fields through a callback, names in lower case; no HTTP type is
// known here.
#pragma once

#include "authz/identity/identity.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace gh::identity {

inline constexpr std::string_view remote_user = "x-remote-user";
inline constexpr std::string_view remote_uid = "x-remote-uid";
inline constexpr std::string_view remote_group = "x-remote-group";
inline constexpr std::string_view remote_extra_prefix = "x-remote-extra-";

// headerKeyEscape, then lower case as every HTTP/2 field name is: bytes that are no token, and '%',
// become %xx.
std::string encoded_extra_name(std::string_view key);

template <class Emit>  // emit(std::string_view name, std::string_view value)
void encode(const Identity& who, Emit&& emit) {
  emit(remote_user, std::string_view(who.user));
  if (!who.uid.empty()) emit(remote_uid, std::string_view(who.uid));
  for (const auto& group : who.groups) emit(remote_group, std::string_view(group));
  for (const auto& [key, values] : who.extra) {
    const std::string name = encoded_extra_name(key);
    for (const auto& value : values) emit(std::string_view(name), std::string_view(value));
  }
}

// Whether the API server would read back exactly this identity from those fields. If not: a
// sentence saying what is in the way (outer spaces are lost, control characters refused, empty
// groups dropped, capital letters of extra keys lowered, …).
Result<void, std::string> forwardable(const Identity& who);

}  // namespace gh::identity
