// SPDX-License-Identifier: Apache-2.0
#include "authz/forbidden.h"

#include "authz/go_text.h"

namespace gh::authz {
namespace {

// responsewriters.forbiddenMessage
std::string who_cannot_what(std::string_view user, const Attributes& attributes) {
  std::string out = "User ";
  append_quoted(out, user);
  out.append(" cannot ").append(attributes.verb);
  if (!attributes.resource_request) {
    out += " path ";
    append_quoted(out, attributes.path);
    return out;
  }
  std::string resource(attributes.resource);
  if (!attributes.subresource.empty()) resource.append("/").append(attributes.subresource);
  out += " resource ";
  append_quoted(out, resource);
  out += " in API group ";
  append_quoted(out, attributes.api_group);
  if (attributes.namespace_.empty()) return out + " at the cluster scope";
  out += " in the namespace ";
  append_quoted(out, attributes.namespace_);
  return out;
}

// apierrors.NewForbidden: what comes before the cause.
std::string forbidden_head(const Attributes& attributes) {
  if (attributes.api_group.empty() && attributes.resource.empty()) return "forbidden: ";
  std::string out(attributes.resource);
  if (!attributes.api_group.empty()) out.append(".").append(attributes.api_group);
  if (!attributes.name.empty()) {
    out += ' ';
    append_quoted(out, attributes.name);
  }
  return out + " is forbidden: ";
}

}  // namespace

std::string forbidden_message(
    std::string_view user, const Attributes& attributes, std::string_view reason
) {
  std::string out = forbidden_head(attributes) + html_escaped(who_cannot_what(user, attributes));
  if (!reason.empty()) out.append(": ").append(reason);
  return out;
}

std::string upgrade_forbidden_message(const Attributes& attributes, std::string_view reason) {
  return forbidden_head(attributes).append(reason);
}

}  // namespace gh::authz
