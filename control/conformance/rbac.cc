// SPDX-License-Identifier: Apache-2.0
#include "authz/forbidden.h"
#include "authz/rbac/explain.h"
#include "control/conformance/policies.h"
#include "control/conformance/vectors.h"

#include <algorithm>

namespace gh::conformance {
namespace {

using authz::Decision;

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
  const auto policies = compile_policies(root, out);
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    const auto policy = policies.find(text_at(each, "policy"));
    if (policy == policies.end())
      return findings.differ("policy", shown(text_at(each, "policy")), "none that loads");
    judge_case(each, policy->second, findings);
  });
  return tally;
}

}  // namespace gh::conformance
