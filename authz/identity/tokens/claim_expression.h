// SPDX-License-Identifier: Apache-2.0
// The part of CEL that claim mappings are read with: claims.a, claims.a.b, claims["a-b"], string
// literals without escapes, and + between them. Everything else is refused when it is parsed, so
// what is accepted means what it means to Kubernetes.
// In: an expression; later, the claims of a token.   Out: a string, a list of strings, null, or an
// error. Owner: an OidcAuthenticator; immutable.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

// Top-level claims by name, raw JSON; of a repeated name the last.
using Claims = std::map<std::string, std::string_view, std::less<>>;
Claims claims_of(std::string_view payload);  // a valid() object

struct ClaimValue {
  enum class Kind : std::uint8_t { null, text, list, other };
  Kind kind = Kind::other;
  std::string text;
  std::vector<ClaimValue> list;  // elements: text or other
};

class ClaimExpression {
 public:
  static Result<ClaimExpression, std::string> parse(std::string_view text);

  // Error: no such claim, or values that + does not join.
  Result<ClaimValue, std::string> evaluate(const Claims& claims) const;

  // Whether claims.NAME stands in it as a selection (not as an index).
  bool selects(std::string_view name) const;

  const std::string& text() const { return text_; }

 private:
  friend class ClaimExpressionParser;

  struct Step {
    std::string name;
    bool selected = true;  // .name; else ["name"]
  };

  struct Term {
    std::string literal;
    std::vector<Step> path;  // empty: the literal
  };

  static Result<ClaimValue, std::string> value_of(const Term& term, const Claims& claims);

  std::string text_;
  std::vector<Term> terms_;
};

// A string, or the strings of a list, empty ones dropped; null: none (convertCELValueToStringList).
Result<std::vector<std::string>, std::string> string_list(const ClaimValue& value);

}  // namespace gh::identity
