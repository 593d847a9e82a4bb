// SPDX-License-Identifier: Apache-2.0
#include "authz/impersonation/impersonation.h"

#include "authz/request_info.h"
#include "control/conformance/callers.h"
#include "control/conformance/policies.h"
#include "control/conformance/vectors.h"

#include <algorithm>
#include <map>

namespace gh::conformance {
namespace {

using authz::impersonation::Answer;
using authz::impersonation::ModeMemory;

class TableAuthorizer final : public authz::impersonation::Authorizer {
 public:
  TableAuthorizer(const authz::rbac::DecisionTable& table, const identity::Identity& who)
      : table_(table), permissions_(table.resolve(who)) {}

  bool allows(const authz::Attributes& what) noexcept override {
    return table_.decide(permissions_, what).decision == authz::Decision::allow;
  }

  std::string reason(const authz::Attributes& what) noexcept override {
    return table_.reason(permissions_, what);
  }

 private:
  const authz::rbac::DecisionTable& table_;
  const authz::rbac::SubjectPermissions permissions_;
};

std::string_view name_of(Answer::Kind kind) {
  switch (kind) {
    case Answer::Kind::refused:
      return "refused";
    case Answer::Kind::not_requested:
      return "none";
    case Answer::Kind::impersonated:
      return "impersonated";
  }
  return "";
}

void compare_details(Json outcome, const authz::impersonation::Refusal& refusal, Findings& found) {
  Json details;
  const bool given = outcome["details"].get(details) == simdjson::SUCCESS;
  found.expect("details.kind", given ? text_at(details, "kind") : "", refusal.kind);
  found.expect("details.group", given ? text_at(details, "group") : "", refusal.group);
  found.expect("details.name", given ? text_at(details, "name") : "", refusal.name);
}

// A list whose order is not fixed is compared by the bytes it has.
std::string in_some_order(std::string text) {
  std::sort(text.begin(), text.end());
  return text;
}

Findings compare(Json each, Json outcome, const Answer& answer) {
  const bool any_order = bool_at(each, "valuesInAnyOrder");
  Findings found;
  found.expect("result", text_at(outcome, "result"), name_of(answer.kind));
  Json user;
  const identity::Identity want =
      outcome["user"].get(user) == simdjson::SUCCESS ? identity_at(user) : identity::Identity();
  found.expect("user.name", want.user, answer.who.user);
  found.expect("user.uid", want.uid, answer.who.uid);
  found.expect("user.groups", want.groups, answer.who.groups);
  found.expect(
      "user.extra", shown_extra(want.extra, any_order), shown_extra(answer.who.extra, any_order)
  );
  found.expect("constraint", text_at(outcome, "constraint"), answer.constraint);
  if (answer.kind != Answer::Kind::refused) return found;
  found.expect_number("code", number_at(outcome, "code"), answer.refusal.code);
  found.expect("reason", text_at(outcome, "reason"), answer.refusal.reason);
  if (answer.refusal.code == 400 && bool_at(each, "namesInAnyOrder")) {
    found.expect(
        "message", in_some_order(text_at(outcome, "message")), in_some_order(answer.refusal.message)
    );
  } else {
    found.expect("message", text_at(outcome, "message"), answer.refusal.message);
  }
  compare_details(outcome, answer.refusal, found);
  return found;
}

void judge_case(Json each, const Compiled& compiled, ModeMemory* memory, Findings& findings) {
  const auto fields = read_lines(texts_at(each, "headers"));
  authz::RequestInfo info;
  if (!fields || !info.parse(text_at(each, "method"), text_at(each, "target")))
    return findings.differ("request", "a good one", "not");
  const identity::Identity requestor = identity_at(each["requestor"]);
  TableAuthorizer authorizer(compiled.table, requestor);
  const Answer answer = authz::impersonation::impersonate(
      *fields,
      {requestor, info.attributes(), authorizer},
      {text_at(each, "gate") != "legacy", memory}
  );
  if (answer.kind != Answer::Kind::not_requested && !authz::impersonation::wants(*fields))
    findings.differ("wants", "true", "false");
  // Any of the outcomes will do; the differences from the first are shown.
  Findings first;
  simdjson::dom::array outcomes;
  if (each["outcomes"].get_array().get(outcomes) != simdjson::SUCCESS || outcomes.size() == 0)
    return findings.differ("outcomes", "some", "none");
  for (Json outcome : outcomes) {
    const Findings found = compare(each, outcome, answer);
    if (found.text().empty()) return;
    if (first.text().empty()) first = found;
  }
  findings.add(first);
}

}  // namespace

Tally judge_impersonation(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(parser, file, {"k8s-impersonation/1"}, root, tally, out) == nullptr)
    return tally;
  const auto policies = compile_policies(root, out);
  std::map<std::int64_t, ModeMemory> sessions;
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    const auto policy = policies.find(text_at(each, "policy"));
    if (policy == policies.end())
      return findings.differ("policy", shown(text_at(each, "policy")), "none that loads");
    const std::int64_t session = number_at(each, "session");
    judge_case(each, policy->second, session == 0 ? nullptr : &sessions[session], findings);
  });
  return tally;
}

}  // namespace gh::conformance
