// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/from_front_proxy.h"

#include "base/hex.h"

#include <algorithm>

namespace gh::identity {
namespace {

void lower(std::vector<std::string>& names) {
  for (auto& name : names) {
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
  }
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// url.PathUnescape; a malformed key is kept as it is.
std::string unescaped_key(std::string_view key) {
  return percent_decoded(key).value_or(std::string(key));
}

}  // namespace

FrontProxy::FrontProxy(const FrontProxyConfig& config) : config_(config) {
  lower(config_.username_headers);
  lower(config_.uid_headers);
  lower(config_.group_headers);
  lower(config_.extra_header_prefixes);
}

bool FrontProxy::allows(std::string_view common_name) const {
  return config_.allowed_names.empty() || contains(config_.allowed_names, common_name);
}

bool FrontProxy::is_identity_header(std::string_view lower_name) const {
  return contains(config_.username_headers, lower_name) ||
         contains(config_.uid_headers, lower_name) || contains(config_.group_headers, lower_name) ||
         std::any_of(
             config_.extra_header_prefixes.begin(),
             config_.extra_header_prefixes.end(),
             [&](const std::string& prefix) { return lower_name.starts_with(prefix); }
         );
}

// The first configured header that has a value; of each header only its first field counts.
std::string_view FrontProxy::first_value(
    const std::vector<Header>& headers, const std::vector<std::string>& names
) {
  for (const auto& name : names) {
    const auto at = std::find_if(headers.begin(), headers.end(), [&](const Header& header) {
      return header.name == name;
    });
    if (at != headers.end() && !at->value.empty()) return at->value;
  }
  return {};
}

std::optional<Identity> FrontProxy::identify_from(const std::vector<Header>& headers) const {
  Identity who;
  who.user = first_value(headers, config_.username_headers);
  if (who.user.empty()) return std::nullopt;
  who.uid = first_value(headers, config_.uid_headers);
  for (const auto& name : config_.group_headers) {
    for (const Header& header : headers) {
      if (header.name == name && !header.value.empty()) who.groups.emplace_back(header.value);
    }
  }
  for (const auto& prefix : config_.extra_header_prefixes) {
    for (const Header& header : headers) {
      if (!header.name.starts_with(prefix)) continue;
      add_extra(who.extra, unescaped_key(header.name.substr(prefix.size())), header.value);
    }
  }
  return who;
}

}  // namespace gh::identity
