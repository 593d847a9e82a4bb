// SPDX-License-Identifier: Apache-2.0
// May this caller be somebody else for this request? As kube-apiserver 1.36 answers it, with the
// feature gate ConstrainedImpersonation on (its default) or off.
// In: the header fields, who asks, what is asked, and the authorizer chain.   Out: go on as you
// are | go on as this identity | answer this refusal.
// Legal order, as in the API server: after authentication and RequestInfo, before authorization.
// Owner: an exchange (one core); keeps nothing but the optional ModeMemory.
// Not here: deciding the request for the identity that comes out; taking the fields out of what is
// forwarded (headers.h names them).
#pragma once

#include "authz/attributes.h"
#include "authz/identity/identity.h"
#include "authz/impersonation/headers.h"
#include "authz/impersonation/mode_memory.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::authz::impersonation {

// The whole authorizer chain, asked about the requestor. (Kubernetes hides the requestor's extra
// from authorizers in the associated-node mode; only a webhook could see a difference.)
class Authorizer {
 public:
  virtual bool allows(const Attributes& what) noexcept = 0;
  // Why not, in the chain's words. Called at most once, for the refusal that is shown.
  virtual std::string reason(const Attributes& what) noexcept = 0;

 protected:
  ~Authorizer() = default;
};

struct Question {
  const identity::Identity& requestor;  // system:authenticated added
  const Attributes& what;               // of the request itself
  Authorizer& authorizer;
};

struct Settings {
  bool constrained = true;       // the gate; off: the filter of before 1.35, `impersonate` only
  ModeMemory* memory = nullptr;  // null: the modes are always tried in their order
};

// Of the Status that is answered.
struct Refusal {
  int code = 403;           // or 400
  std::string_view reason;  // "Forbidden", "BadRequest"
  std::string message;
  std::string kind, group, name;  // details; 400 has none
};

struct Answer {
  enum class Kind : std::uint8_t { refused, not_requested, impersonated };

  Kind kind = Kind::refused;
  identity::Identity who;       // impersonated: complete, with its default groups
  std::string_view constraint;  // impersonated: for the audit event; empty for `impersonate`
  Refusal refusal;              // refused
};

// `wanted` as headers.h read it.
Answer impersonate(
    identity::Identity wanted, const Question& question, const Settings& settings = {}
) noexcept;

template <class Fields>  // size(), operator[] → {name in lower case, value}
Answer impersonate(
    const Fields& fields, const Question& question, const Settings& settings = {}
) noexcept {
  return impersonate(wanted(fields), question, settings);
}

}  // namespace gh::authz::impersonation
