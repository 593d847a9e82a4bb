// SPDX-License-Identifier: Apache-2.0
#include "authz/forbidden.h"
#include "authz/rbac/compiler.h"
#include "authz/rbac/explain.h"
#include "authz/rbac/policy_yaml.h"
#include "control/conformance/vectors.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace gh::conformance {
namespace {

using authz::Decision;
using authz::rbac::DecisionTable;
using authz::rbac::Policy;

struct Compiled {
  Policy policy;
  DecisionTable table;
};

std::optional<Compiled> compile_policy(Json policy, std::ostream& out) {
  authz::rbac::PolicyLoader loader(authz::rbac::Validation::authorizer);
  const std::string id = text_at(policy, "id");
  for (const char* list : {"roles", "clusterRoles", "roleBindings", "clusterRoleBindings"}) {
    Json objects;
    if (policy[list].get(objects) != simdjson::SUCCESS) continue;
    // Maps of objects may not name the same object twice across lists, and do not.
    if (const auto added = loader.add(simdjson::minify(objects), id + "/" + list); !added) {
      out << "policy " << added.error().to_string() << "\n";
      return std::nullopt;
    }
  }
  Compiled compiled{loader.take_without_aggregation(), DecisionTable()};
  auto table = authz::rbac::compile(compiled.policy);
  if (!table) {
    out << "policy " << id << ": " << table.error().to_string() << "\n";
    return std::nullopt;
  }
  compiled.table = std::move(*table);
  return compiled;
}

struct Question {
  explicit Question(Json each)
      : verb(text_at(each, "verb")),
        path(text_at(each, "path")),
        api_group(text_at(each, "apiGroup")),
        space(text_at(each, "namespace")),
        resource(text_at(each, "resource")),
        subresource(text_at(each, "subresource")),
        name(text_at(each, "name")) {
    who.user = text_at(each, "user");
    who.groups = texts_at(each, "groups");
    what = {
        bool_at(each, "isResourceRequest"),
        verb,
        path,
        api_group,
        "v1",
        space,
        resource,
        subresource,
        name
    };
  }

  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  std::string verb, path, api_group, space, resource, subresource, name;
  identity::Identity who;
  authz::Attributes what;
};

std::string_view name_of(Decision decision) {
  switch (decision) {
    case Decision::deny:
      return "deny";
    case Decision::allow:
      return "allow";
    case Decision::no_opinion:
      return "noOpinion";
  }
  return "";
}

std::vector<std::string> sorted_unique(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

void judge_case(Json each, const Compiled& compiled, Findings& findings) {
  const Question question(each);
  const auto permissions = compiled.table.resolve(question.who);
  const auto verdict = compiled.table.decide(permissions, question.what);
  const std::string wanted = text_at(each, "decision");
  findings.expect("decision", wanted, name_of(verdict.decision));
  const auto explained = authz::rbac::explain(compiled.policy, question.who, question.what);
  findings.expect("decision explained", wanted, name_of(explained.decision));

  const std::string reason = compiled.table.reason(permissions, question.what);
  const std::string wanted_reason = text_at(each, "reason");
  const auto wanted_errors = sorted_unique(texts_at(each, "errors"));
  if (!permissions.masters()) {
    findings.expect(
        "errors", wanted_errors, sorted_unique(compiled.table.errors(permissions, question.what))
    );
    findings.expect("errors explained", wanted_errors, sorted_unique(explained.errors));
  }
  if (wanted == "allow") {
    auto reasons = texts_at(each, "allReasons");
    if (reasons.empty()) reasons.push_back(wanted_reason);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      findings.differ("reason", "one of " + shown(reasons), shown(reason));
    }
    std::vector<std::string> sources;
    for (const auto& one : explained.allows) sources.push_back("RBAC: allowed by " + one.source);
    if (explained.masters) sources.emplace_back();
    findings.expect("reasons explained", sorted_unique(reasons), sorted_unique(sources));
    return;
  }
  // Errors come in no fixed order: the words must be the same, and the message around them.
  if (wanted_errors.size() < 2) findings.expect("reason", wanted_reason, reason);
  findings.expect_number(
      "reason's length",
      static_cast<std::int64_t>(wanted_reason.size()),
      static_cast<std::int64_t>(reason.size())
  );
  findings.expect(
      "forbidden",
      text_at(each, "forbidden"),
      authz::forbidden_message(question.who.user, question.what, wanted_reason)
  );
}

}  // namespace

Tally judge_rbac(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(parser, file, {"k8s-rbac/1"}, root, tally, out) == nullptr) return tally;
  std::map<std::string, Compiled> policies;
  simdjson::dom::array given;
  if (root["policies"].get_array().get(given) == simdjson::SUCCESS) {
    for (Json policy : given) {
      auto compiled = compile_policy(policy, out);
      if (compiled) policies.emplace(text_at(policy, "id"), std::move(*compiled));
    }
  }
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    const auto policy = policies.find(text_at(each, "policy"));
    if (policy == policies.end())
      return findings.differ("policy", shown(text_at(each, "policy")), "none that loads");
    judge_case(each, policy->second, findings);
  });
  return tally;
}

}  // namespace gh::conformance
