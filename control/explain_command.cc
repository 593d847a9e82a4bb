// SPDX-License-Identifier: Apache-2.0
#include "control/explain_command.h"

#include "authz/forbidden.h"
#include "authz/node/node_authorizer.h"
#include "authz/rbac/compiler.h"
#include "authz/rbac/explain.h"
#include "base/json_text.h"
#include "control/config.h"
#include "control/node_source.h"
#include "control/options.h"
#include "control/policy_source.h"
#include "control/rule_text.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

void print_who(std::ostream& out, const identity::Identity& who, bool added) {
  out << "user    " << json_quoted(who.user) << "\ngroups  " << shown_words(who.groups);
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

// ---- what each authorizer says ----

struct Opinion {
  Authorizer authorizer = Authorizer::rbac;
  Decision decision = Decision::no_opinion;
  std::string reason;  // as in the answer to the client; of a denial
};

struct Asking {
  const identity::Identity& who;
  const Attributes& what;
  std::string_view field_selector;
};

std::string_view name_of(Authorizer authorizer) {
  switch (authorizer) {
    case Authorizer::node:
      return "Node";
    case Authorizer::rbac:
      return "RBAC";
    case Authorizer::always_allow:
      return "AlwaysAllow";
  }
  return "";
}

Opinion of_node(const authz::node::GraphSnapshot& graph, const Asking& asking) {
  const auto caller = authz::node::node_caller(asking.who);
  Opinion out{Authorizer::node, {}, {}};
  out.decision = authz::node::decide(graph, caller, asking.what, asking.field_selector);
  out.reason = authz::node::reason(graph, caller, asking.what, asking.field_selector);
  return out;
}

// By the table that serves; the walk over the policy must agree.
Outcome<Opinion> of_rbac(
    const authz::rbac::Policy& policy, const Asking& asking, Explanation& explanation
) {
  GH_TRY(const auto table, authz::rbac::compile(policy));
  explanation = authz::rbac::explain(policy, asking.who, asking.what);
  const auto verdict = table.decide(table.resolve(asking.who), asking.what);
  if (verdict.decision != explanation.decision)
    return fault("the compiled policy says otherwise; please report this");
  return Opinion{Authorizer::rbac, verdict.decision, explanation.reason};
}

// Reasons of authorizers that do not allow, a line each, as Kubernetes' union has them.
std::string joined_reason(const std::vector<Opinion>& opinions) {
  std::string out;
  for (const Opinion& opinion : opinions) {
    if (!out.empty() && !opinion.reason.empty()) out += '\n';
    out += opinion.reason;
  }
  return out;
}

void print_opinions(std::ostream& out, const std::vector<Opinion>& opinions) {
  bool asked = true;
  for (const Opinion& opinion : opinions) {
    const bool allows = opinion.decision == Decision::allow;
    out << name_of(opinion.authorizer) << (allows ? " allows it" : " has no opinion");
    if (!allows && !opinion.reason.empty()) out << ": " << opinion.reason;
    out << (asked ? "\n" : " (not asked when serving)\n");
    asked = asked && !allows;
  }
  out << "\n";
}

void print_allowed(std::ostream& out, Authorizer by, const Explanation& explanation) {
  if (by == Authorizer::node) {
    out << "allowed by the Node authorizer\n";
  } else if (by == Authorizer::always_allow) {
    out << "allowed: AlwaysAllow lets through whoever is authenticated\n";
  } else if (explanation.masters) {
    out << "allowed: the group system:masters may do anything\n";
  } else {
    out << "allowed by\n";
    for (const auto& one : explanation.allows) {
      out << "  " << one.source << "\n    rule " << one.rule_index + 1 << ": "
          << shown_rule(*one.rule) << "\n";
    }
  }
}

void print_verdict(
    std::ostream& out,
    const std::vector<Opinion>& opinions,
    const Explanation& explanation,
    const Asking& asking
) {
  if (opinions.size() > 1) print_opinions(out, opinions);
  const auto by = std::find_if(opinions.begin(), opinions.end(), [](const Opinion& opinion) {
    return opinion.decision == Decision::allow;
  });
  if (by != opinions.end()) {
    print_allowed(out, by->authorizer, explanation);
  } else {
    out << "denied: no rule allows it\n  "
        << authz::forbidden_message(asking.who.user, asking.what, joined_reason(opinions)) << "\n";
  }
  const std::set<std::string> errors(explanation.errors.begin(), explanation.errors.end());
  for (const std::string& error : errors) out << "note: " << error << "\n";
}

// The part of a server's configuration that explain takes, read as serve reads it.
Result<Config, std::string> config_of(const ExplainArguments& arguments) {
  Config config;
  config.policy = arguments.policy;
  config.bootstrap_policy = arguments.bootstrap;
  config.node_graph = arguments.node_graph;
  if (!arguments.modes.empty() || !arguments.node_graph.empty()) config.authorization_mode.clear();
  if (arguments.modes.empty() && !arguments.node_graph.empty())
    config.authorization_mode = {Authorizer::node, Authorizer::rbac};
  const Option* const mode = find_option("authorization-mode");
  for (const std::string& word : arguments.modes) {
    if (const auto taken = mode->take(config, word, ""); !taken)
      return fail("--authorization-mode: " + taken.error());
  }
  if (config.uses(Authorizer::rbac) && config.policy.empty() && !config.bootstrap_policy)
    return fail(std::string("--policy is needed: a file or folder of RBAC objects"));
  return config;
}

class Explainer {
 public:
  Explainer(const Config& config, const Asking& asking) : config_(config), asking_(asking) {}

  // False: the faults say why there are no opinions.
  bool run() {
    for (const Authorizer authorizer : config_.authorization_mode) {
      if (authorizer == Authorizer::node) add_node();
      if (authorizer == Authorizer::rbac) add_rbac();
      if (authorizer == Authorizer::always_allow)
        opinions.push_back({authorizer, Decision::allow, {}});
    }
    return faults.empty();
  }

  std::vector<Opinion> opinions;
  std::vector<Fault> faults;
  authz::rbac::Policy policy;  // what the explanation points to
  Explanation explanation;

 private:
  void add_node() {
    if (config_.node_graph.empty())
      return opinions.push_back({Authorizer::node, Decision::no_opinion, {}});
    auto set = read_node_objects(config_.node_graph);
    if (!set) return add(std::move(set).error());
    NodeSource source;
    source.apply(*set);
    opinions.push_back(of_node(*source.snapshot(), asking_));
  }

  void add_rbac() {
    auto set = read_policy(config_.policy, config_.bootstrap_policy);
    if (!set) return add(std::move(set).error());
    policy = std::move(set->policy);
    auto opinion = of_rbac(policy, asking_, explanation);
    if (!opinion) return faults.push_back(std::move(opinion).error());
    opinions.push_back(std::move(*opinion));
  }

  void add(std::vector<Fault> more) {
    for (Fault& fault : more) faults.push_back(std::move(fault));
  }

  const Config& config_;
  const Asking& asking_;
};

}  // namespace

int explain_command(const ExplainArguments& arguments, std::ostream& out, std::ostream& err) {
  const Attributes what = attributes_of(arguments);
  const auto config = config_of(arguments);
  const std::string problem = config ? usable(what) : config.error();
  if (!problem.empty()) {
    err << "gatehouse: explain: " << problem << "\n";
    return 2;
  }
  identity::Identity who;
  who.user = arguments.user;
  who.groups = arguments.groups;
  const std::size_t given = who.groups.size();
  if (arguments.add_authenticated) identity::add_authenticated_group(who);

  const Asking asking{who, what, arguments.field_selector};
  Explainer explainer(*config, asking);
  if (!explainer.run()) {
    for (const Fault& fault : explainer.faults) err << "gatehouse: " << fault.to_string() << "\n";
    return 2;
  }
  print_who(out, who, who.groups.size() > given);
  print_what(out, what);
  print_verdict(out, explainer.opinions, explainer.explanation, asking);
  const bool allowed =
      std::any_of(explainer.opinions.begin(), explainer.opinions.end(), [](const Opinion& opinion) {
        return opinion.decision == Decision::allow;
      });
  return allowed ? 0 : 1;
}

}  // namespace gh::control
