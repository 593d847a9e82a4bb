// SPDX-License-Identifier: Apache-2.0
// Who calls, as vectors write it: a user object, and header lines as sent over HTTP/1.1.
#pragma once

#include "authz/identity/identity.h"
#include "control/conformance/vectors.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::conformance {

struct Field {
  std::string name;  // lower case
  std::string value;
};

std::string lower(std::string_view text);

// Raw header lines as Go's HTTP/1.1 server reads them; null: it answers 400. (Our own front is
// stricter: it takes no folded lines.)
std::optional<std::vector<Field>> read_lines(const std::vector<std::string>& lines);

identity::Identity identity_at(Json user);  // {name, uid, groups, extra}

std::vector<std::string> shown_extra(const identity::Extra& extra, bool any_order);

}  // namespace gh::conformance
