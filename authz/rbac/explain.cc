// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/explain.h"

#include "authz/go_text.h"

#include <algorithm>
#include <string_view>

namespace gh::authz::rbac {
namespace {

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool resource_matches(const PolicyRule& rule, const Attributes& what) {
  std::string combined(what.resource);
  if (!what.subresource.empty()) combined.append("/").append(what.subresource);
  return std::any_of(
      rule.resources.begin(),
      rule.resources.end(),
      [&](const std::string& resource) {
        return resource == "*" || resource == combined ||
               (!what.subresource.empty() && resource.size() == what.subresource.size() + 2 &&
                resource.starts_with("*/") && resource.ends_with(what.subresource));
      }
  );
}

bool path_matches(const PolicyRule& rule, std::string_view path) {
  return std::any_of(
      rule.non_resource_urls.begin(),
      rule.non_resource_urls.end(),
      [&](std::string_view url) {
        if (url == "*" || url == path) return true;
        if (!url.ends_with('*')) return false;
        return path.starts_with(url.substr(0, url.find_last_not_of('*') + 1));
      }
  );
}

bool applies_to(
    const Subject& subject, const identity::Identity& who, std::string_view binding_namespace
) {
  if (subject.kind == "User") return subject.name == who.user;
  if (subject.kind == "Group") return has(who.groups, subject.name);
  if (subject.kind != "ServiceAccount") return false;
  const std::string_view space =
      subject.namespace_.empty() ? binding_namespace : subject.namespace_;
  if (space.empty()) return false;
  std::string name = "system:serviceaccount:";
  name.append(space).append(":").append(subject.name);
  return name == who.user;
}

// The rules a reference leads to; null with the error otherwise.
const std::vector<PolicyRule>* find_rules(
    const Policy& policy, const Binding& binding, bool cluster_binding, std::string& error
) {
  const RoleRef& ref = binding.role;
  if (ref.kind == "Role") {
    for (const Role& role : policy.roles) {
      if (!cluster_binding && role.name == ref.name && role.namespace_ == binding.namespace_)
        return &role.rules;
    }
    error = "role.rbac.authorization.k8s.io " + go_quoted(ref.name) + " not found";
  } else if (ref.kind == "ClusterRole") {
    for (const ClusterRole& role : policy.cluster_roles) {
      if (role.name == ref.name) return &role.rules;
    }
    error = "clusterrole.rbac.authorization.k8s.io " + go_quoted(ref.name) + " not found";
  } else {
    error = "unsupported role reference kind: " + go_quoted(ref.kind);
  }
  return nullptr;
}

void walk(
    const Policy& policy,
    const std::vector<Binding>& bindings,
    bool cluster,
    const identity::Identity& who,
    const Attributes& what,
    Explanation& out
) {
  for (const Binding& binding : bindings) {
    if (!cluster && binding.namespace_ != what.namespace_) continue;
    const auto subject =
        std::find_if(binding.subjects.begin(), binding.subjects.end(), [&](const Subject& each) {
          return applies_to(each, who, cluster ? std::string_view() : binding.namespace_);
        });
    if (subject == binding.subjects.end()) continue;
    std::string error;
    const std::vector<PolicyRule>* const rules = find_rules(policy, binding, cluster, error);
    if (rules == nullptr) {
      out.errors.push_back(std::move(error));
      continue;
    }
    for (std::size_t i = 0; i < rules->size(); ++i) {
      if (!rule_allows((*rules)[i], what)) continue;
      out.allows.push_back(
          {&binding, cluster, &*subject, &(*rules)[i], i, describe(binding, cluster, *subject)}
      );
    }
  }
}

}  // namespace

bool rule_allows(const PolicyRule& rule, const Attributes& what) {
  if (!has(rule.verbs, "*") && !has(rule.verbs, what.verb)) return false;
  if (!what.resource_request) return path_matches(rule, what.path);
  return (has(rule.api_groups, "*") || has(rule.api_groups, what.api_group)) &&
         resource_matches(rule, what) &&
         (rule.resource_names.empty() || has(rule.resource_names, what.name));
}

std::string describe(const Binding& binding, bool cluster_binding, const Subject& subject) {
  std::string out = cluster_binding ? "ClusterRoleBinding " : "RoleBinding ";
  append_quoted(out, cluster_binding ? binding.name : binding.name + "/" + binding.namespace_);
  out += " of " + binding.role.kind + " ";
  append_quoted(out, binding.role.name);
  out += " to " + subject.kind + " ";
  if (subject.kind == "ServiceAccount") {
    const std::string& space =
        subject.namespace_.empty() && !cluster_binding ? binding.namespace_ : subject.namespace_;
    append_quoted(out, subject.name + "/" + space);
  } else {
    append_quoted(out, subject.name);
  }
  return out;
}

std::string aggregate_text(const std::vector<std::string>& errors) {
  std::vector<std::string_view> seen;
  std::string joined;
  for (const auto& error : errors) {
    if (std::find(seen.begin(), seen.end(), error) != seen.end()) continue;
    if (!seen.empty()) joined += ", ";
    joined += error;
    seen.push_back(error);
  }
  return seen.size() > 1 ? "[" + joined + "]" : joined;
}

Explanation explain(const Policy& policy, const identity::Identity& who, const Attributes& what) {
  Explanation out;
  if (has(who.groups, identity::system_masters)) {
    out.decision = Decision::allow;
    out.masters = true;
    return out;
  }
  walk(policy, policy.cluster_role_bindings, true, who, what, out);
  if (!what.namespace_.empty()) walk(policy, policy.role_bindings, false, who, what, out);
  if (!out.allows.empty()) {
    out.decision = Decision::allow;
    out.reason = "RBAC: allowed by " + out.allows[0].source;
  } else {
    out.decision = Decision::no_opinion;
    if (!out.errors.empty()) out.reason = "RBAC: " + aggregate_text(out.errors);
  }
  return out;
}

}  // namespace gh::authz::rbac
