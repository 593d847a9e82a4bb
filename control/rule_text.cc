// SPDX-License-Identifier: Apache-2.0
#include "control/rule_text.h"

#include "base/json_text.h"

namespace gh::control {
namespace {

std::string listed(const std::vector<std::string>& words, std::string_view between) {
  std::string out = "[";
  for (const std::string& word : words) {
    if (out.size() > 1) out += between;
    append_json_string(out, word);
  }
  return out + "]";
}

template <class Visit>
void each_list(const authz::rbac::PolicyRule& rule, Visit visit) {
  visit("verbs", rule.verbs);
  visit("apiGroups", rule.api_groups);
  visit("resources", rule.resources);
  visit("resourceNames", rule.resource_names);
  visit("nonResourceURLs", rule.non_resource_urls);
}

}  // namespace

std::string shown_words(const std::vector<std::string>& words) { return listed(words, " "); }

std::string json_of(const std::vector<std::string>& words) { return listed(words, ","); }

std::string shown_rule(const authz::rbac::PolicyRule& rule) {
  std::string out;
  each_list(rule, [&](std::string_view name, const std::vector<std::string>& words) {
    if (words.empty()) return;
    if (!out.empty()) out += ' ';
    out.append(name).append(" ").append(shown_words(words));
  });
  return out;
}

std::string shown_subject(const authz::rbac::Subject& subject) {
  const std::string name =
      subject.kind == "ServiceAccount" ? subject.name + "/" + subject.namespace_ : subject.name;
  return subject.kind + " " + json_quoted(name);
}

std::string json_of(const authz::rbac::PolicyRule& rule) {
  std::string out = "{";
  each_list(rule, [&](std::string_view name, const std::vector<std::string>& words) {
    if (words.empty()) return;
    if (out.size() > 1) out += ',';
    out.append("\"").append(name).append("\":").append(json_of(words));
  });
  return out + "}";
}

std::string json_of(const authz::rbac::Subject& subject) {
  std::string out = "{\"kind\":" + json_quoted(subject.kind);
  if (subject.kind == "ServiceAccount") {
    out += ",\"namespace\":" + json_quoted(subject.namespace_);
  } else {
    out += ",\"apiGroup\":\"rbac.authorization.k8s.io\"";
  }
  return out + ",\"name\":" + json_quoted(subject.name) + "}";
}

}  // namespace gh::control
