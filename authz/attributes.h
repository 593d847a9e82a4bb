// SPDX-License-Identifier: Apache-2.0
// What is asked, in Kubernetes' words: the part of authorizer.Attributes that policy looks at,
// without the user. Views: they live as long as the RequestInfo (or the strings) they were taken
// from.
#pragma once

#include <string_view>

namespace gh::authz {

struct Attributes {
  bool resource_request = false;
  std::string_view verb;
  std::string_view path;  // of a non-resource request; decoded once, not cleaned
  std::string_view api_group;
  std::string_view api_version;
  std::string_view namespace_;  // empty: cluster scope
  std::string_view resource;
  std::string_view subresource;
  std::string_view name;

  Attributes with_verb(std::string_view other) const {
    Attributes copy = *this;
    copy.verb = other;
    return copy;
  }
};

}  // namespace gh::authz
