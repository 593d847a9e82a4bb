// SPDX-License-Identifier: Apache-2.0
#include "authz/impersonation/impersonation.h"

#include "authz/go_text.h"
#include "authz/impersonation/parts.h"

#include <algorithm>

namespace gh::authz::impersonation {
namespace {

using identity::Identity;

constexpr std::string_view node_name_key = "authentication.kubernetes.io/node-name";
// From so many groups or extra values on, one question about "*" comes before one for each.
constexpr std::size_t many = 4;

bool only_user(const Identity& wanted) {
  return wanted.uid.empty() && wanted.groups.empty() && wanted.extra.empty();
}

bool is_large(const identity::Extra& extra) {
  std::size_t values = 0;
  for (const auto& entry : extra) values += entry.second.size();
  return extra.size() >= many || values >= many;
}

// A service account whose token is bound to that node.
bool associated(const Identity& requestor, std::string_view node) {
  if (form_of(requestor.user).kind != NameForm::Kind::service_account) return false;
  for (const auto& [key, values] : requestor.extra) {
    if (key == node_name_key) return values.size() == 1 && values[0] == node;
  }
  return false;
}

// Goes through the modes for one request and remembers the first refusal: that is the one shown.
class Attempt {
 public:
  Attempt(const Identity& wanted, const Question& question)
      : wanted_(wanted), form_(form_of(wanted.user)), question_(question) {}

  // False: the mode does not apply, or refuses.
  bool succeeds(Mode mode) {
    mode_ = mode;
    return applies() && may_on_request() && may_be_user() && may_have_uid() && may_have_groups() &&
           may_have_extra();
  }

  Answer refusal() const {
    return forbidden(
        question_, refused_, asked_ ? question_.authorizer.reason(refused_) : refused_why_
    );
  }

  // What the wanted user is once the mode that succeeded has filled it in.
  Identity identity() const {
    Identity who = wanted_;
    if (form_.kind == NameForm::Kind::node && constrained()) {
      who.groups = {"system:nodes"};
    } else if (form_.kind == NameForm::Kind::service_account && who.groups.empty()) {
      set_service_account_groups(who, form_.namespace_);
    }
    if (who.user == identity::system_anonymous) {
      add_group_once(who, identity::system_unauthenticated);
    } else if (!has_group(who, identity::system_unauthenticated)) {
      add_group_once(who, identity::system_authenticated);
    }
    return who;
  }

 private:
  bool constrained() const { return mode_ != Mode::legacy; }

  bool applies() const {
    const NameForm::Kind kind = form_.kind;
    switch (mode_) {
      case Mode::associated_node:
        return kind == NameForm::Kind::node && only_user(wanted_) &&
               associated(question_.requestor, form_.name);
      case Mode::arbitrary_node:
        return kind == NameForm::Kind::node && only_user(wanted_);
      case Mode::service_account:
        return kind == NameForm::Kind::service_account && only_user(wanted_);
      case Mode::user_info:
        return kind == NameForm::Kind::other;
      case Mode::legacy:
        return true;
    }
    return false;
  }

  bool may_on_request() {
    if (!constrained()) return true;
    on_verb_ = verbs_of(mode_).on;
    on_verb_ += question_.what.verb;
    return ask(question_.what.with_verb(on_verb_));
  }

  bool may_be_user() {
    Attributes what = to_be("users", wanted_.user);
    if (form_.kind == NameForm::Kind::node && constrained()) {
      what.resource = "nodes";
      // One right for whatever node the token is bound to.
      what.name = mode_ == Mode::associated_node ? "*" : form_.name;
    } else if (form_.kind == NameForm::Kind::service_account) {
      what.resource = "serviceaccounts";
      what.namespace_ = form_.namespace_;
      what.name = form_.name;
    }
    return ask(what);
  }

  bool may_have_uid() {
    if (wanted_.uid.empty()) return true;
    Attributes what = to_be("uids", wanted_.uid);
    what.api_group = authentication_group;
    return ask(what);
  }

  bool may_have_groups() {
    if (wanted_.groups.empty()) return true;
    if (constrained() && has_group(wanted_, ""))
      return refuse(to_be("groups", ""), "impersonating the empty string group is not allowed");
    if (constrained() && has_group(wanted_, identity::system_masters))
      return refuse(
          to_be("groups", identity::system_masters),
          "impersonating the system:masters group is not allowed"
      );
    if (constrained() && wanted_.groups.size() >= many &&
        question_.authorizer.allows(to_be("groups", "*")))
      return true;
    return std::all_of(wanted_.groups.begin(), wanted_.groups.end(), [&](const auto& group) {
      return ask(to_be("groups", group));
    });
  }

  bool may_have_extra() {
    if (wanted_.extra.empty()) return true;
    if (constrained()) {
      if (std::string fault = extra_fault(wanted_.extra); !fault.empty())
        return refuse(extra_attributes("", ""), std::move(fault));
      if (is_large(wanted_.extra) && question_.authorizer.allows(extra_attributes("*", "*")))
        return true;
    }
    for (const auto& [key, values] : wanted_.extra) {
      for (const auto& value : values) {
        if (!ask(extra_attributes(key, value))) return false;
      }
    }
    return true;
  }

  // Users and groups are of the core group for the old verb, of authentication.k8s.io else.
  Attributes to_be(std::string_view resource, std::string_view name) const {
    return impersonation::to_be(
        verbs_of(mode_).be, constrained() ? authentication_group : "", resource, name
    );
  }

  Attributes extra_attributes(std::string_view key, std::string_view value) const {
    Attributes what = to_be("userextras", value);
    what.api_group = authentication_group;
    what.subresource = key;
    return what;
  }

  bool ask(const Attributes& what) { return question_.authorizer.allows(what) || refuse(what, {}); }

  // Always false. No `why`: the authorizer knows it.
  bool refuse(const Attributes& what, std::string why) {
    if (has_refused_) return false;
    has_refused_ = true;
    asked_ = why.empty();
    refused_ = what;
    refused_verb_ = what.verb;  // on_verb_ is used again
    refused_.verb = refused_verb_;
    refused_why_ = std::move(why);
    return false;
  }

  const Identity& wanted_;
  const NameForm form_;
  const Question& question_;
  Mode mode_ = Mode::associated_node;
  std::string on_verb_;
  bool has_refused_ = false;
  bool asked_ = false;  // the authorizer knows why
  Attributes refused_;
  std::string refused_verb_;
  std::string refused_why_;
};

// Go's %#v of the *user.DefaultInfo that was read.
std::string without_user(const Identity& wanted) {
  const auto list = [](const std::vector<std::string>& texts) {
    std::string out = "[]string{";
    for (std::size_t i = 0; i < texts.size(); ++i)
      out.append(i == 0 ? "" : ", ").append(go_quoted(texts[i]));
    return out + "}";
  };
  std::string out = "requested &user.DefaultInfo{Name:\"\", UID:" + go_quoted(wanted.uid);
  out += ", Groups:" + (wanted.groups.empty() ? "[]string(nil)" : list(wanted.groups));
  out += ", Extra:map[string][]string";
  out += wanted.extra.empty() ? "(nil)" : "{";
  for (const auto& entry : wanted.extra) {
    if (&entry != wanted.extra.data()) out += ", ";
    out += go_quoted(entry.first) + ":" + list(entry.second);
  }
  if (!wanted.extra.empty()) out += "}";
  return out + "} without impersonating a user name";
}

Answer constrained_filter(const Identity& wanted, const Question& question, ModeMemory* memory) {
  if (wanted.user.empty()) return bad_request(without_user(wanted));
  Attempt attempt(wanted, question);
  for (const Mode mode : memory == nullptr ? modes : memory->order(question.requestor.user)) {
    if (!attempt.succeeds(mode)) continue;
    if (memory != nullptr) memory->keep(question.requestor.user, mode);
    Answer answer;
    answer.kind = Answer::Kind::impersonated;
    answer.who = attempt.identity();
    answer.constraint = mode == Mode::legacy ? std::string_view() : verbs_of(mode).be;
    return answer;
  }
  return attempt.refusal();  // the legacy mode always applies, so there is one
}

}  // namespace

Answer impersonate(Identity wanted, const Question& question, const Settings& settings) noexcept {
  if (wanted.user.empty() && only_user(wanted)) {
    Answer answer;
    answer.kind = Answer::Kind::not_requested;
    return answer;
  }
  return settings.constrained ? constrained_filter(wanted, question, settings.memory)
                              : legacy_filter(std::move(wanted), question);
}

}  // namespace gh::authz::impersonation
