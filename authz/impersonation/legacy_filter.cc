// SPDX-License-Identifier: Apache-2.0
// Impersonation with the feature gate ConstrainedImpersonation off: each wanted thing needs the
// verb `impersonate`, and the first that is refused is the answer.
#include "authz/impersonation/parts.h"

namespace gh::authz::impersonation {
namespace {

constexpr std::string_view verb = "impersonate";

// Go's %v of the v1.ObjectReference that the API server makes of each wanted thing.
std::string shown(
    std::string_view kind, std::string_view name, std::string_view version, std::string_view key
) {
  std::string out = "{";
  out.append(kind).append("  ").append(name).append("  ").append(version).append("  ").append(key);
  return out + "}";
}

std::string without_user(const identity::Identity& wanted) {
  std::string list;
  const auto add = [&list](const std::string& each) {
    list.append(list.empty() ? "" : " ").append(each);
  };
  for (const auto& group : wanted.groups) add(shown("Group", group, "", ""));
  for (const auto& [key, values] : wanted.extra) {
    for (const auto& value : values)
      add(shown("UserExtra", value, "authentication.k8s.io/v1", key));
  }
  if (!wanted.uid.empty()) add(shown("UID", wanted.uid, "authentication.k8s.io/v1", ""));
  return "requested [" + list + "] without impersonating a user";
}

// Calls ask(attributes) for each wanted thing until one is refused; whether all were allowed.
template <class Ask>
bool each_thing(const identity::Identity& wanted, const NameForm& form, Ask ask) {
  Attributes user = to_be(verb, "", "users", wanted.user);
  if (form.kind == NameForm::Kind::service_account) {
    user.resource = "serviceaccounts";
    user.namespace_ = form.namespace_;
    user.name = form.name;
  }
  if (!ask(user)) return false;
  for (const auto& group : wanted.groups) {
    if (!ask(to_be(verb, "", "groups", group))) return false;
  }
  for (const auto& [key, values] : wanted.extra) {
    for (const auto& value : values) {
      Attributes extra = to_be(verb, authentication_group, "userextras", value);
      extra.subresource = key;
      if (!ask(extra)) return false;
    }
  }
  return wanted.uid.empty() || ask(to_be(verb, authentication_group, "uids", wanted.uid));
}

}  // namespace

Answer legacy_filter(identity::Identity wanted, const Question& question) {
  if (wanted.user.empty()) return bad_request(without_user(wanted));
  const NameForm form = form_of(wanted.user);
  Answer answer;
  const bool allowed = each_thing(wanted, form, [&](const Attributes& what) {
    if (question.authorizer.allows(what)) return true;
    answer = forbidden(question, what, question.authorizer.reason(what));
    return false;
  });
  if (!allowed) return answer;
  if (form.kind == NameForm::Kind::service_account && wanted.groups.empty())
    set_service_account_groups(wanted, form.namespace_);
  if (wanted.user == identity::system_anonymous) {
    add_group_once(wanted, identity::system_unauthenticated);
  } else {
    identity::add_authenticated_group(wanted);
  }
  answer.kind = Answer::Kind::impersonated;
  answer.who = std::move(wanted);
  return answer;
}

}  // namespace gh::authz::impersonation
