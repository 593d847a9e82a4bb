// SPDX-License-Identifier: Apache-2.0
// Who is calling, in Kubernetes' words (user.Info). Plain data.
// Owner: a connection (certificate) or an exchange (headers, tokens); copied, never shared.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::identity {

inline constexpr std::string_view system_masters = "system:masters";
inline constexpr std::string_view system_authenticated = "system:authenticated";
inline constexpr std::string_view system_unauthenticated = "system:unauthenticated";
inline constexpr std::string_view system_anonymous = "system:anonymous";
inline constexpr std::string_view credential_id_key = "authentication.kubernetes.io/credential-id";

using Extra =
    std::vector<std::pair<std::string, std::vector<std::string>>>;  // sorted by key, keys unique

struct Identity {
  std::string user;
  std::string uid;
  std::vector<std::string> groups;  // in order; repeats kept
  Extra extra;

  bool operator==(const Identity&) const = default;
};

// Adds system:authenticated as the API server does: not to system:anonymous, nor where it or
// system:unauthenticated is already.
void add_authenticated_group(Identity& who);

inline Identity with_authenticated_group(Identity who) {
  add_authenticated_group(who);
  return who;
}

Identity anonymous();

// Appends the value to the key, which is put in its sorted place.
void add_extra(Extra& extra, std::string_view key, std::string_view value);

}  // namespace gh::identity
