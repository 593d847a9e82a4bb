// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/headers.h"

namespace gh::proxy {
namespace {

// `prefix` in lower case with dashes.
bool starts_with_dashed(std::string_view name, std::string_view prefix) noexcept {
  if (name.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if ((name[i] == '_' ? '-' : name[i]) != prefix[i]) return false;
  }
  return true;
}

bool equals_dashed(std::string_view name, std::string_view other) noexcept {
  return name.size() == other.size() && starts_with_dashed(name, other);
}

}  // namespace

bool is_reserved_field(std::string_view lower_name) noexcept {
  switch (lower_name.empty() ? '\0' : lower_name[0]) {
    case 'x':
      return starts_with_dashed(lower_name, "x-remote-") ||
             starts_with_dashed(lower_name, "x-forwarded-") ||
             equals_dashed(lower_name, "x-real-ip");
    case 'f':
      return lower_name == "forwarded";
    case 'a':
      return lower_name == "authorization";
    default:
      return false;
  }
}

bool is_impersonation_field(std::string_view lower_name) noexcept {
  return starts_with_dashed(lower_name, "impersonate-");
}

void prepare_request(http::RequestHead& head, const IdentityFields& who, std::string_view peer_ip) {
  head.headers.remove_if([](const http::Field& field) {
    return is_reserved_field(field.name) || is_impersonation_field(field.name);
  });
  head.scheme = "https";  // what the connection is, whatever :scheme said
  for (const auto& [name, value] : who) head.headers.add(name, value);
  head.headers.add("x-forwarded-for", peer_ip);
}

void strip_trailers(http::HeaderList& trailers) {
  trailers.remove_if([](const http::Field& field) {
    return is_reserved_field(field.name) || is_impersonation_field(field.name);
  });
}

}  // namespace gh::proxy
