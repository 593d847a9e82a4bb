// SPDX-License-Identifier: Apache-2.0
#include "authz/impersonation/headers.h"

#include "authz/go_url.h"

namespace gh::authz::impersonation {
namespace {

void take_first(std::string& into, bool& seen, std::string_view value) {
  if (!seen) into = value;
  seen = true;
}

}  // namespace

void Wanted::add(std::string_view lower_name, std::string_view value) {
  if (lower_name == user_field) {
    take_first(who.user, user_seen_, value);
  } else if (lower_name == uid_field) {
    take_first(who.uid, uid_seen_, value);
  } else if (lower_name == group_field) {
    who.groups.emplace_back(value);
  } else {
    const std::string_view key = lower_name.substr(extra_prefix.size());
    const auto plain = url_unescape(key, UrlPart::path_segment);
    identity::add_extra(
        who.extra, plain ? std::string_view(*plain) : key, value
    );  // malformed: kept as is
  }
}

}  // namespace gh::authz::impersonation
