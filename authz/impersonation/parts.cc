// SPDX-License-Identifier: Apache-2.0
#include "authz/impersonation/parts.h"

#include "authz/forbidden.h"
#include "authz/go_text.h"
#include "authz/selectors.h"

#include <algorithm>

namespace gh::authz::impersonation {
namespace {

constexpr std::string_view node_prefix = "system:node:";
constexpr std::string_view account_prefix = "system:serviceaccount:";

// validation.IsDomainPrefixedPath's path: RFC 3986 characters.
bool is_http_path(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/-._~%!$&'()*+,;=:").find(c) != std::string_view::npos;
  });
}

void add_fault(std::vector<std::string>& faults, std::string_view value, std::string_view why) {
  faults.push_back("extra.key: Invalid value: " + go_quoted(value) + ": " + std::string(why));
}

// validation.IsDomainPrefixedPath as an error list; of a key that is not empty.
std::vector<std::string> path_faults(std::string_view key) {
  std::vector<std::string> faults;
  const std::size_t slash = key.find('/');
  if (slash == key.npos || slash == 0 || slash + 1 == key.size()) {
    add_fault(faults, key, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    return faults;
  }
  const std::string_view host = key.substr(0, slash), path = key.substr(slash + 1);
  for (const std::string& why : dns1123_subdomain_faults(host)) add_fault(faults, host, why);
  if (!is_http_path(path)) {
    add_fault(
        faults,
        path,
        R"(Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+'))"
    );
  }
  return faults;
}

std::string joined(const std::vector<std::string>& faults) {  // utilerrors.Aggregate.Error
  if (faults.size() == 1) return faults[0];
  std::string out = "[";
  for (const std::string& each : faults) out.append(out.size() == 1 ? "" : ", ").append(each);
  return out + "]";
}

std::string key_fault(std::string_view key) {
  if (key.empty()) return "impersonating the empty string key in extra is not allowed";
  if (const auto faults = path_faults(key); !faults.empty())
    return "impersonating an invalid key in extra is not allowed: " + joined(faults);
  if (std::any_of(key.begin(), key.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return "impersonating a non-lowercase key in extra is not allowed: " + go_quoted(key);
  return {};
}

}  // namespace

NameForm form_of(std::string_view user) noexcept {
  if (user.starts_with(node_prefix)) {
    const std::string_view name = user.substr(node_prefix.size());
    if (is_dns1123_subdomain(name)) return {NameForm::Kind::node, {}, name};
  } else if (user.starts_with(account_prefix)) {
    const std::string_view rest = user.substr(account_prefix.size());
    const std::size_t colon = rest.find(':');
    if (colon == rest.npos) return {};
    const std::string_view name_space = rest.substr(0, colon), name = rest.substr(colon + 1);
    if (is_dns1123_label(name_space) && is_dns1123_subdomain(name))
      return {NameForm::Kind::service_account, name_space, name};
  }
  return {};
}

bool has_group(const identity::Identity& who, std::string_view group) noexcept {
  return std::find(who.groups.begin(), who.groups.end(), group) != who.groups.end();
}

void add_group_once(identity::Identity& who, std::string_view group) {
  if (!has_group(who, group)) who.groups.emplace_back(group);
}

void set_service_account_groups(identity::Identity& who, std::string_view name_space) {
  who.groups = {"system:serviceaccounts", "system:serviceaccounts:" + std::string(name_space)};
}

Attributes to_be(
    std::string_view verb,
    std::string_view api_group,
    std::string_view resource,
    std::string_view name
) noexcept {
  Attributes what;
  what.resource_request = true;
  what.verb = verb;
  what.api_group = api_group;
  what.api_version = "v1";
  what.resource = resource;
  what.name = name;
  return what;
}

Answer bad_request(std::string message) {
  Answer answer;
  answer.refusal.code = 400;
  answer.refusal.reason = "BadRequest";
  answer.refusal.message = std::move(message);
  return answer;
}

Answer forbidden(const Question& question, const Attributes& what, std::string_view reason) {
  const ForbiddenDetails details = forbidden_details(what);
  Answer answer;
  answer.refusal = {
      403,
      "Forbidden",
      forbidden_message(question.requestor.user, what, reason),
      std::string(details.kind),
      std::string(details.group),
      std::string(details.name)
  };
  return answer;
}

std::string extra_fault(const identity::Extra& extra) {
  for (const auto& [key, values] : extra) {
    if (std::string fault = key_fault(key); !fault.empty()) return fault;
    if (std::find(values.begin(), values.end(), "") != values.end())
      return "impersonating the empty string value in extra is not allowed";
  }
  return {};
}

}  // namespace gh::authz::impersonation
