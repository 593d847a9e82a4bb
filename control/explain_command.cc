// SPDX-License-Identifier: Apache-2.0
#include "control/explain_command.h"

#include "authz/forbidden.h"
#include "authz/rbac/compiler.h"
#include "authz/rbac/explain.h"
#include "base/json_text.h"
#include "control/policy_source.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

namespace gh::control {
namespace {

using authz::Attributes;
using authz::Decision;
using authz::rbac::Explanation;

// RESOURCE[.GROUP][/SUB]
void split_resource(std::string_view text, Attributes& what) {
  if (const auto slash = text.find('/'); slash != text.npos) {
    what.subresource = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  const auto dot = text.find('.');
  what.resource = text.substr(0, dot);
  if (dot != text.npos) what.api_group = text.substr(dot + 1);
}

Attributes attributes_of(const ExplainArguments& arguments) {
  Attributes what;
  what.verb = arguments.verb;
  if (arguments.path) {
    what.path = *arguments.path;
    return what;
  }
  what.resource_request = true;
  what.api_version = "v1";
  what.namespace_ = arguments.name_space;
  what.name = arguments.name;
  split_resource(*arguments.resource, what);
  return what;
}

std::string usable(const Attributes& what) {
  if (!what.resource_request) return what.path.starts_with('/') ? "" : "--path must begin with /";
  return what.resource.empty() ? "--resource names no resource" : "";
}

std::string list(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? " " : "") + json_quoted(word);
  return out + "]";
}

void print_rule(std::ostream& out, const authz::rbac::PolicyRule& rule, std::size_t index) {
  out << "    rule " << index + 1 << ": verbs " << list(rule.verbs);
  if (!rule.api_groups.empty() || !rule.resources.empty()) {
    out << " apiGroups " << list(rule.api_groups) << " resources " << list(rule.resources);
  }
  if (!rule.resource_names.empty()) out << " resourceNames " << list(rule.resource_names);
  if (!rule.non_resource_urls.empty()) out << " nonResourceURLs " << list(rule.non_resource_urls);
  out << "\n";
}

void print_who(std::ostream& out, const identity::Identity& who, bool added) {
  out << "user    " << json_quoted(who.user) << "\ngroups  " << list(who.groups);
  out << (added ? " (system:authenticated added, as it is when serving)\n" : "\n");
}

void print_what(std::ostream& out, const Attributes& what) {
  out << "request " << json_quoted(what.verb);
  if (!what.resource_request) {
    out << " path " << json_quoted(what.path) << "\n\n";
    return;
  }
  out << " resource " << json_quoted(what.resource);
  if (!what.subresource.empty()) out << " subresource " << json_quoted(what.subresource);
  out << " API group " << json_quoted(what.api_group);
  if (!what.name.empty()) out << " name " << json_quoted(what.name);
  if (what.namespace_.empty()) {
    out << " at the cluster scope\n\n";
  } else {
    out << " in namespace " << json_quoted(what.namespace_) << "\n\n";
  }
}

void print_verdict(
    std::ostream& out,
    const Explanation& explanation,
    const identity::Identity& who,
    const Attributes& what
) {
  if (explanation.decision != Decision::allow) {
    out << "denied: no rule allows it\n  "
        << authz::forbidden_message(who.user, what, explanation.reason) << "\n";
  } else if (explanation.masters) {
    out << "allowed: the group system:masters may do anything\n";
  } else {
    out << "allowed by\n";
    for (const auto& by : explanation.allows) {
      out << "  " << by.source << "\n";
      print_rule(out, *by.rule, by.rule_index);
    }
  }
  const std::set<std::string> errors(explanation.errors.begin(), explanation.errors.end());
  for (const std::string& error : errors) out << "note: " << error << "\n";
}

}  // namespace

int explain_command(const ExplainArguments& arguments, std::ostream& out, std::ostream& err) {
  const Attributes what = attributes_of(arguments);
  if (const std::string problem = usable(what); !problem.empty()) {
    err << "gatehouse: explain: " << problem << "\n";
    return 2;
  }
  const auto set = read_policy(arguments.policy);
  if (!set) {
    for (const Fault& fault : set.error()) err << "gatehouse: " << fault.to_string() << "\n";
    return 2;
  }
  const auto table = authz::rbac::compile(set->policy);
  if (!table) {
    err << "gatehouse: " << table.error().to_string() << "\n";
    return 2;
  }
  identity::Identity who;
  who.user = arguments.user;
  who.groups = arguments.groups;
  const std::size_t given = who.groups.size();
  if (arguments.add_authenticated) identity::add_authenticated_group(who);

  const Explanation explanation = authz::rbac::explain(set->policy, who, what);
  const auto verdict = table->decide(table->resolve(who), what);
  print_who(out, who, who.groups.size() > given);
  print_what(out, what);
  print_verdict(out, explanation, who, what);
  const bool allowed = verdict.decision == Decision::allow;
  if (allowed != (explanation.decision == Decision::allow)) {
    err << "gatehouse: the compiled policy says otherwise; please report this\n";
    return 2;
  }
  return allowed ? 0 : 1;
}

}  // namespace gh::control
