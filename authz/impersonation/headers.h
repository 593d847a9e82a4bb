// SPDX-License-Identifier: Apache-2.0
// Which header fields ask to be somebody else, and whom. Pure.
// In: fields with names in lower case (http::HeaderList fits).   Out: the wanted identity as the
// fields say it, nothing added. Not here: whether that is allowed (impersonation.h).
#pragma once

#include "authz/identity/identity.h"

#include <cstddef>
#include <string_view>
#include <utility>

namespace gh::authz::impersonation {

inline constexpr std::string_view user_field = "impersonate-user";
inline constexpr std::string_view group_field = "impersonate-group";
inline constexpr std::string_view uid_field = "impersonate-uid";
inline constexpr std::string_view extra_prefix = "impersonate-extra-";

// Kubernetes' own four; they are read here and never forwarded. `impersonate-` and anything else is
// no name of Kubernetes.
constexpr bool is_field(std::string_view lower_name) noexcept {
  return lower_name.size() >= uid_field.size() && lower_name[0] == 'i' &&  // most end here
         lower_name.starts_with("impersonate-") &&
         (lower_name == user_field || lower_name == group_field || lower_name == uid_field ||
          lower_name.starts_with(extra_prefix));
}

// Whether there is anything to do; one comparison a field.
template <class Fields>  // size(), operator[] → {name, value}
bool wants(const Fields& fields) noexcept {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (is_field(fields[i].name)) return true;
  }
  return false;
}

struct Wanted {
  identity::Identity who;  // an empty user: none was named

  void add(std::string_view lower_name, std::string_view value);  // one that is_field()

 private:
  bool user_seen_ = false;  // the first field of a name counts, even an empty one
  bool uid_seen_ = false;
};

template <class Fields>
identity::Identity wanted(const Fields& fields) {
  Wanted reader;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (const auto& field = fields[i]; is_field(field.name)) reader.add(field.name, field.value);
  }
  return std::move(reader.who);
}

}  // namespace gh::authz::impersonation
