// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/identity.h"

#include <algorithm>

namespace gh::identity {

void add_authenticated_group(Identity& who) {
  if (who.user == system_anonymous) return;
  for (const auto& group : who.groups) {
    if (group == system_authenticated || group == system_unauthenticated) return;
  }
  who.groups.emplace_back(system_authenticated);
}

Identity anonymous() {
  Identity who;
  who.user = system_anonymous;
  who.groups.emplace_back(system_unauthenticated);
  return who;
}

void add_extra(Extra& extra, std::string_view key, std::string_view value) {
  auto at = std::lower_bound(
      extra.begin(),
      extra.end(),
      key,
      [](const auto& entry, std::string_view wanted) { return entry.first < wanted; }
  );
  if (at == extra.end() || at->first != key) at = extra.insert(at, {std::string(key), {}});
  at->second.emplace_back(value);
}

}  // namespace gh::identity
