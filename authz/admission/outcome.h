// SPDX-License-Identifier: Apache-2.0
// What admission says of a request: refused (the zero value), admitted, or "fetch these objects and
// ask again". Plain data.
#pragma once

#include "authz/admission/world.h"
#include "authz/attributes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::admission {

struct Refusal {  // of the Status object that is answered
  int code = 403;
  std::string reason;  // empty: left out
  std::string message;

  struct Details {  // empty ones are left out
    std::string name;
    std::string group;
    std::string kind;
  } details = {};
};

struct Outcome {
  enum class Verdict : std::uint8_t { refused, admitted, needs };

  Verdict verdict = Verdict::refused;
  Refusal refusal = {};
  std::vector<Lookup> needs = {};
  // Admitted, and not empty: forward this body in place of the one that came (same content type).
  // It differs by metadata.resourceVersion alone: what was judged against one version of the object
  // must not meet another one; the API server answers 409 then.
  std::string body = {};

  bool admitted() const { return verdict == Verdict::admitted; }
};

inline Outcome admitted() { return {Outcome::Verdict::admitted}; }

inline Outcome needs(Lookup lookup) { return {Outcome::Verdict::needs, {}, {std::move(lookup)}}; }

inline Outcome refused(int code, std::string_view reason, std::string message) {
  return {Outcome::Verdict::refused, {code, std::string(reason), std::move(message)}};
}

// `nodes "n1" not found`, `Operation cannot be fulfilled on nodes "n1": …`
Outcome not_found(std::string_view group, std::string_view resource, std::string_view name);
Outcome conflict(std::string_view group, std::string_view resource, std::string_view name);
// errors of no kind: 500 without a reason
Outcome unexplained(std::string message);

}  // namespace gh::authz::admission
