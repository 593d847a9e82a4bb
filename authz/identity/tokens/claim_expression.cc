// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/claim_expression.h"

#include "authz/identity/tokens/go_json.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gh::identity {
namespace {

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Words of CEL's grammar, which cannot be field names, and those that Kubernetes escapes.
constexpr std::array<std::string_view, 21> reserved = {
    "true",     "false",   "null",      "in",       "as",  "break",  "const",
    "continue", "else",    "for",       "function", "if",  "import", "let",
    "loop",     "package", "namespace", "return",   "var", "void",   "while"
};

ClaimValue from_json(std::string_view raw) {
  ClaimValue value;
  switch (json::kind_of(raw)) {
    case json::Kind::null:
      value.kind = ClaimValue::Kind::null;
      break;
    case json::Kind::string:
      value.kind = ClaimValue::Kind::text;
      value.text = *json::string_of(raw);
      break;
    case json::Kind::array: {
      value.kind = ClaimValue::Kind::list;
      json::Elements elements(raw);
      std::string_view element;
      while (elements.next(element)) {
        ClaimValue each;
        if (auto text = json::string_of(element)) {
          each.kind = ClaimValue::Kind::text;
          each.text = std::move(*text);
        }
        value.list.push_back(std::move(each));
      }
      break;
    }
    case json::Kind::boolean:
    case json::Kind::number:
    case json::Kind::object:
      break;
  }
  return value;
}

Result<void, std::string> join(ClaimValue& left, ClaimValue right) {
  using Kind = ClaimValue::Kind;
  if (left.kind == Kind::text && right.kind == Kind::text) {
    left.text += right.text;
  } else if (left.kind == Kind::list && right.kind == Kind::list) {
    std::move(right.list.begin(), right.list.end(), std::back_inserter(left.list));
  } else {
    return fail(std::string("+ joins two strings or two lists"));
  }
  return {};
}

}  // namespace

Claims claims_of(std::string_view payload) {
  Claims claims;
  json::Members members(payload);
  std::string name;
  std::string_view value;
  while (members.next(name, value)) claims.insert_or_assign(name, value);
  return claims;
}

class ClaimExpressionParser {
 public:
  explicit ClaimExpressionParser(std::string_view text) : rest_(text) {}

  Result<std::vector<ClaimExpression::Term>, std::string> run() {
    std::vector<ClaimExpression::Term> terms;
    do {
      GH_TRY(auto term, read_term());
      terms.push_back(std::move(term));
    } while (take('+'));
    space();
    if (!rest_.empty()) return unsupported();
    return terms;
  }

 private:
  void space() {
    while (!rest_.empty() && std::string_view(" \t\r\n\f").find(rest_[0]) != std::string_view::npos)
      rest_.remove_prefix(1);
  }

  bool take(char c) {
    space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  static tl::unexpected<std::string> unsupported() {
    return fail(std::string(
        "gatehouse reads of CEL only claims.NAME, claims[\"NAME\"], members of them, string "
        "literals without escapes, and + between those"
    ));
  }

  Result<std::string, std::string> read_name() {
    space();
    std::size_t end = 0;
    while (end < rest_.size() && (is_letter(rest_[end]) || (end > 0 && is_digit(rest_[end]))))
      ++end;
    std::string name(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (name.empty() || std::find(reserved.begin(), reserved.end(), name) != reserved.end())
      return unsupported();
    return name;
  }

  Result<std::string, std::string> read_literal() {
    space();
    const char quote = rest_.empty() ? '\0' : rest_[0];
    if (quote != '"' && quote != '\'') return unsupported();
    const std::size_t end = rest_.find(quote, 1);
    if (end == rest_.npos) return unsupported();
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    const bool plain = text.find_first_of("\\\r\n") == text.npos && !rest_.starts_with(quote);
    if (!plain) return unsupported();
    return text;
  }

  // Kubernetes unescapes names with two underscores; those are left to it.
  Result<void, std::string> add(ClaimExpression::Term& term, std::string name, bool selected) {
    if (name.find("__") != name.npos) return unsupported();
    term.path.push_back({std::move(name), selected});
    return {};
  }

  Result<ClaimExpression::Term, std::string> read_term() {
    ClaimExpression::Term term;
    space();
    if (rest_.starts_with('"') || rest_.starts_with('\'')) {
      GH_TRY(term.literal, read_literal());
      return term;
    }
    GH_TRY(const std::string variable, read_name());
    if (variable != "claims") return unsupported();
    for (;;) {
      if (take('.')) {
        GH_TRY(auto name, read_name());
        GH_TRY_VOID(add(term, std::move(name), true));
      } else if (take('[')) {
        GH_TRY(auto name, read_literal());
        if (!take(']')) return unsupported();
        GH_TRY_VOID(add(term, std::move(name), false));
      } else {
        break;
      }
    }
    if (term.path.empty()) return unsupported();
    return term;
  }

  std::string_view rest_;
};

Result<ClaimExpression, std::string> ClaimExpression::parse(std::string_view text) {
  ClaimExpression expression;
  expression.text_ = text;
  GH_TRY(expression.terms_, ClaimExpressionParser(text).run());
  return expression;
}

Result<ClaimValue, std::string> ClaimExpression::value_of(const Term& term, const Claims& claims) {
  if (term.path.empty()) {
    ClaimValue value;
    value.kind = ClaimValue::Kind::text;
    value.text = term.literal;
    return value;
  }
  const auto found = claims.find(term.path.front().name);
  if (found == claims.end()) return fail("no such key: " + term.path.front().name);
  std::string_view raw = found->second;
  if (!json::numbers_fit(raw))
    return fail("claim " + term.path.front().name + " failed to unmarshal");
  for (std::size_t i = 1; i < term.path.size(); ++i) {
    const Claims members = claims_of(raw);
    const auto member = members.find(term.path[i].name);
    if (member == members.end()) return fail("no such key: " + term.path[i].name);
    raw = member->second;
  }
  return from_json(raw);
}

Result<ClaimValue, std::string> ClaimExpression::evaluate(const Claims& claims) const {
  GH_TRY(ClaimValue value, value_of(terms_.front(), claims));
  for (std::size_t i = 1; i < terms_.size(); ++i) {
    GH_TRY(ClaimValue next, value_of(terms_[i], claims));
    GH_TRY_VOID(join(value, std::move(next)));
  }
  return value;
}

bool ClaimExpression::selects(std::string_view name) const {
  return std::any_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    return !term.path.empty() && term.path.front().selected && term.path.front().name == name;
  });
}

Result<std::vector<std::string>, std::string> string_list(const ClaimValue& value) {
  std::vector<std::string> texts;
  switch (value.kind) {
    case ClaimValue::Kind::null:
      break;
    case ClaimValue::Kind::text:
      if (!value.text.empty()) texts.push_back(value.text);
      break;
    case ClaimValue::Kind::list:
      for (const ClaimValue& each : value.list) {
        if (each.kind != ClaimValue::Kind::text)
          return fail(std::string("expression must return a string or a list of strings"));
        if (!each.text.empty()) texts.push_back(each.text);
      }
      break;
    case ClaimValue::Kind::other:
      return fail(std::string("expression must return a string or a list of strings"));
  }
  return texts;
}

}  // namespace gh::identity
