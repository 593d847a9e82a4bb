// SPDX-License-Identifier: Apache-2.0
#include "authz/selectors.h"

#include "authz/go_text.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace gh::authz {
namespace {

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool is_label_text(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t subdomain_bytes_max = 253;
#define GH_LABEL_KEY_FORM "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
constexpr std::string_view key_must =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'" GH_LABEL_KEY_FORM "')";
constexpr std::string_view value_must =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex "
    "used for validation "
    "is '(" GH_LABEL_KEY_FORM ")?')";
#undef GH_LABEL_KEY_FORM
constexpr std::string_view subdomain_must =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

bool has_subdomain_form(std::string_view name) {
  for (;;) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (label.empty() || !inner(label.front()) || !inner(label.back())) return false;
    if (!std::all_of(label.begin(), label.end(), [&](char c) { return inner(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

void join(std::string& faults, std::string_view fault) {
  if (!faults.empty()) faults += "; ";
  faults += fault;
}

// ---- field selectors ----

// The next term: up to a comma that is not escaped.
std::string_view take_term(std::string_view& rest) {
  bool escaped = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (rest[i] == '\\') {
      escaped = true;
    } else if (rest[i] == ',') {
      const std::string_view term = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return term;
    }
  }
  return std::exchange(rest, {});
}

// Every term, also the empty ones, of a non-empty selector.
template <class Visit>
void each_term(std::string_view selector, Visit visit) {
  if (selector.empty()) return;
  bool more = true;
  while (more) {
    const std::size_t before = selector.size();
    const std::string_view term = take_term(selector);
    more = term.size() < before;  // a comma was there
    visit(term);
  }
}

struct FieldTerm {
  std::string_view field;
  std::string_view op;
  std::string_view value;  // escaped
};

// The first operator splits; "==" and "!=" before "=".
std::optional<FieldTerm> split_term(std::string_view term) {
  const std::size_t equals = term.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  if (equals > 0 && term[equals - 1] == '!') {
    return FieldTerm{term.substr(0, equals - 1), "!=", term.substr(equals + 1)};
  }
  if (term.substr(equals).starts_with("=="))
    return FieldTerm{term.substr(0, equals), "==", term.substr(equals + 2)};
  return FieldTerm{term.substr(0, equals), "=", term.substr(equals + 1)};
}

// fields.UnescapeValue; `put` gets the pieces. Bytes that are not UTF-8 become U+FFFD as soon as
// anything needs unescaping.
template <class Put>
Result<void, std::string_view> unescape(std::string_view value, Put put) {
  const auto special_byte = [](char c) { return c == '\\' || c == ',' || c == '='; };
  if (std::none_of(value.begin(), value.end(), special_byte)) {
    put(value);
    return {};
  }
  bool escaped = false;
  for (std::size_t at = 0; at < value.size();) {
    const Rune rune = rune_at(value, at);
    const std::string_view bytes = value.substr(at, rune.bytes);
    const bool special = rune.value == '\\' || rune.value == ',' || rune.value == '=';
    if (escaped ? !special : (rune.value == ',' || rune.value == '=')) return fail(bytes);
    if (!escaped && rune.value == '\\') {
      escaped = true;
    } else {
      put(rune.valid ? bytes : std::string_view("\xef\xbf\xbd"));
      escaped = false;
    }
    at += rune.bytes;
  }
  if (escaped) return fail(std::string_view{});
  return {};
}

std::string unescape_fault(std::string_view value, std::string_view bytes) {
  constexpr std::string_view head = "invalid field selector: ";
  // Unescaped, or unknown after a backslash? The bytes point into the value.
  const std::size_t at = bytes.empty() ? 0 : static_cast<std::size_t>(bytes.data() - value.data());
  std::size_t slashes = 0;
  while (slashes < at && value[at - 1 - slashes] == '\\') ++slashes;
  const bool known = bytes == "," || bytes == "=";
  if (known && slashes % 2 == 0) {
    return std::string(head) + "unescaped character in value: " + (bytes == "," ? "44" : "61");
  }
  std::string out = std::string(head) + "invalid escape sequence: \\";
  if (!bytes.empty()) append_rune(out, rune_at(bytes, 0).value);
  return out;
}

// ---- label selectors ----

enum class Token : std::uint8_t {
  end,
  close,
  comma,
  does_not_exist,
  double_equals,
  equals,
  greater,
  identifier,
  in,
  less,
  not_equals,
  not_in,
  open
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_special(char c) {
  return c == '=' || c == '!' || c == '(' || c == ')' || c == ',' || c == '>' || c == '<';
}

// labels.Lexer. A NUL byte ends a token and, between tokens, the text; that too is Kubernetes.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token token() const { return token_; }

  std::string_view literal() const { return literal_; }

  void next() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    if (at_ >= text_.size() || text_[at_] == '\0') {
      at_ = text_.size();
      set(Token::end, {});
    } else if (is_special(text_[at_])) {
      special();
    } else {
      word();
    }
  }

 private:
  void set(Token token, std::string_view literal) {
    token_ = token;
    literal_ = literal;
  }

  void special() {
    const std::string_view two = text_.substr(at_, 2);
    const bool pair = two == "==" || two == "!=";
    const std::string_view one = two.substr(0, 1);
    at_ += pair ? 2 : 1;
    if (at_ < text_.size() && text_[at_] == '\0') ++at_;
    if (pair) return set(one == "=" ? Token::double_equals : Token::not_equals, two);
    switch (one[0]) {
      case ')':
        return set(Token::close, one);
      case ',':
        return set(Token::comma, one);
      case '!':
        return set(Token::does_not_exist, one);
      case '=':
        return set(Token::equals, one);
      case '>':
        return set(Token::greater, one);
      case '<':
        return set(Token::less, one);
      default:
        return set(Token::open, one);
    }
  }

  void word() {
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] != '\0' && !is_special(text_[at_]) &&
           !is_space(text_[at_])) {
      ++at_;
    }
    const std::string_view literal = text_.substr(from, at_ - from);
    if (at_ < text_.size() && text_[at_] == '\0') ++at_;
    if (literal == "in") return set(Token::in, literal);
    if (literal == "notin") return set(Token::not_in, literal);
    set(Token::identifier, literal);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_ = Token::end;
  std::string_view literal_;
};

// labels.Parser. With no place for requirements and error it allocates nothing.
class LabelParser {
 public:
  LabelParser(
      std::string_view text, std::vector<SelectorRequirement>* requirements, std::string* error
  )
      : lexer_(text), requirements_(requirements), error_(error) {
    lexer_.next();
  }

  bool parse() {
    for (;;) {
      switch (as_value()) {
        case Token::identifier:
        case Token::does_not_exist:
          break;
        case Token::end:
          return true;
        default:
          return found("expected: !, identifier, or 'end of string'");
      }
      if (!requirement()) return wrap();
      const Token after = as_value();
      if (after == Token::end) return true;
      if (after != Token::comma) return found("expected: ',' or 'end of string'");
      lexer_.next();
      if (as_value() != Token::identifier && as_value() != Token::does_not_exist) {
        return found("expected: identifier after ','");
      }
    }
  }

 private:
  // As a key or a value, "in" and "notin" are names.
  Token as_value() const {
    const Token token = lexer_.token();
    return token == Token::in || token == Token::not_in ? Token::identifier : token;
  }

  bool say(std::string text) {
    if (error_ != nullptr) *error_ = std::move(text);
    return false;
  }

  bool found(std::string_view expected, std::string_view comma = ",") {
    return error_ == nullptr ? false : found_literal(lexer_.literal(), expected, comma);
  }

  bool found_literal(
      std::string_view literal, std::string_view expected, std::string_view comma = ","
  ) {
    if (error_ == nullptr) return false;
    return say(
        "found '" + std::string(literal) + "'" + std::string(comma) + " " + std::string(expected)
    );
  }

  bool wrap() {
    if (error_ != nullptr) error_->insert(0, "unable to parse requirement: ");
    return false;
  }

  bool requirement() {
    const bool negated = lexer_.token() == Token::does_not_exist;
    if (negated) lexer_.next();
    if (as_value() != Token::identifier) return found("expected: identifier");
    const std::string_view key = lexer_.literal();
    if (!is_label_key(key)) {
      if (error_ == nullptr) return false;
      return say("<nil>: Invalid value: " + go_quoted(key) + ": " + label_key_fault(key));
    }
    lexer_.next();
    if (negated) return keep(key, "!");
    if (as_value() == Token::end || as_value() == Token::comma) return keep(key, "exists");
    return operation(key);
  }

  bool operation(std::string_view key) {
    const std::string_view op = [&]() -> std::string_view {
      switch (lexer_.token()) {
        case Token::in:
          return "in";
        case Token::equals:
          return "=";
        case Token::double_equals:
          return "==";
        case Token::greater:
          return "gt";
        case Token::less:
          return "lt";
        case Token::not_in:
          return "notin";
        case Token::not_equals:
          return "!=";
        default:
          return {};
      }
    }();
    if (op.empty()) return found("expected: in, notin, =, ==, !=, gt, lt");
    lexer_.next();
    const bool set = op == "in" || op == "notin";
    if (set ? !value_list() : !exact_value()) return false;
    return keep(key, op);
  }

  bool exact_value() {
    if (as_value() == Token::end || as_value() == Token::comma) return value({});
    if (as_value() != Token::identifier) return found("expected: identifier");
    value(lexer_.literal());
    lexer_.next();
    return true;
  }

  bool value_list() {
    if (as_value() != Token::open) return found("expected: '('", "");
    lexer_.next();
    const std::string_view first = lexer_.literal();
    if (as_value() == Token::close) {
      lexer_.next();
      return value({});
    }
    if (as_value() != Token::identifier && as_value() != Token::comma) {
      return found("expected: ',', ')' or identifier");
    }
    if (!identifiers()) return false;
    if (as_value() != Token::close) return found_literal(first, "expected: ')'");
    lexer_.next();
    return true;
  }

  bool identifiers() {
    for (;;) {
      if (as_value() == Token::identifier) {
        value(lexer_.literal());
        lexer_.next();
        if (as_value() == Token::close) return true;
        if (as_value() != Token::comma) return found("expected: ',' or ')'");
      } else if (as_value() == Token::comma) {
        if (!any_value_) value({});
        lexer_.next();
        if (as_value() == Token::close) return value({});
        if (as_value() == Token::comma) value({});
      } else {
        return found("expected: ',', or identifier");
      }
    }
  }

  bool value(std::string_view text) {
    any_value_ = true;
    values_good_ = values_good_ && is_label_value(text);
    one_value_ = text;
    if (requirements_ != nullptr) values_.emplace_back(text);
    return true;
  }

  // labels.NewRequirement
  bool keep(std::string_view key, std::string_view op) {
    const bool number = op == "gt" || op == "lt";
    const bool good = values_good_ && (!number || parse_int(one_value_).has_value());
    if (requirements_ != nullptr) {
      std::sort(values_.begin(), values_.end());
      values_.erase(std::unique(values_.begin(), values_.end()), values_.end());
      if (!good) return say(value_faults(key, number));
      requirements_->push_back({std::string(key), op, std::move(values_)});
      values_.clear();
    }
    any_value_ = false;
    return good;
  }

  std::string value_faults(std::string_view key, bool number) const {
    std::vector<std::string> faults;
    for (std::size_t i = 0; number && i < values_.size(); ++i) {
      if (parse_int(values_[i])) continue;
      faults.push_back(
          "values[" + std::to_string(i) + "]: Invalid value: " + go_quoted(values_[i]) +
          ": for 'Gt', 'Lt' operators, the value must be an integer"
      );
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (is_label_value(values_[i])) continue;
      faults.push_back(
          "values[" + std::to_string(i) + "][" + std::string(key) +
          "]: Invalid value: " + go_quoted(values_[i]) + ": " + label_value_fault(values_[i])
      );
    }
    if (faults.size() == 1) return faults[0];
    std::string out = "[";
    for (std::size_t i = 0; i < faults.size(); ++i) out += (i == 0 ? "" : ", ") + faults[i];
    return out + "]";
  }

  Lexer lexer_;
  std::vector<SelectorRequirement>* requirements_;
  std::string* error_;
  std::vector<std::string> values_;
  std::string_view one_value_;
  bool any_value_ = false;
  bool values_good_ = true;
};

}  // namespace

Result<std::vector<SelectorRequirement>, std::string> parse_field_selector(std::string_view text) {
  std::vector<std::string_view> terms;
  each_term(text, [&](std::string_view term) { terms.push_back(term); });
  std::sort(terms.begin(), terms.end());
  std::vector<SelectorRequirement> out;
  for (const std::string_view term : terms) {
    if (term.empty()) continue;
    const auto split = split_term(term);
    if (!split) {
      return fail(
          "invalid selector: '" + std::string(text) + "'; can't understand '" + std::string(term) +
          "'"
      );
    }
    std::string value;
    const auto done = unescape(split->value, [&](std::string_view bytes) { value += bytes; });
    if (!done) return fail(unescape_fault(split->value, done.error()));
    if (split->field.empty() && value.empty()) continue;  // Transform drops it
    out.push_back({std::string(split->field), split->op == "!=" ? "!=" : "=", {value}});
  }
  return out;
}

Result<std::vector<SelectorRequirement>, std::string> parse_label_selector(std::string_view text) {
  std::vector<SelectorRequirement> out;
  std::string error;
  if (!LabelParser(text, &out, &error).parse()) return fail(std::move(error));
  // By key; of one key as given. (Not std::stable_sort: clang 19 warns of what libstdc++ 12 uses in
  // it.)
  std::vector<std::size_t> order(out.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(out[a].key, a) < std::tie(out[b].key, b);
  });
  std::vector<SelectorRequirement> sorted;
  sorted.reserve(out.size());
  for (const std::size_t at : order) sorted.push_back(std::move(out[at]));
  return sorted;
}

bool label_selector_parses(std::string_view text) noexcept {
  return LabelParser(text, nullptr, nullptr).parse();
}

FieldSelectorName read_metadata_name(std::string_view text, std::string& into) noexcept {
  FieldSelectorName out;
  std::string_view first;  // in text order; a term with a name is never empty
  std::string_view value;
  each_term(text, [&](std::string_view term) {
    if (term.empty() || !out.parses) return;
    const auto split = split_term(term);
    out.parses = split && unescape(split->value, [](std::string_view) {});
    if (!out.parses || split->field != "metadata.name" || split->op == "!=") return;
    if (!first.empty() && !(term < first)) return;
    first = term;
    value = split->value;
  });
  if (!out.parses || first.empty()) return out;
  const std::size_t from = into.size();
  static_cast<void>(unescape(value, [&](std::string_view bytes) { into += bytes; }));
  out.name = std::string_view(into).substr(from);
  return out;
}

bool field_selector_requires(
    std::string_view text, std::string_view field, std::string_view value
) noexcept {
  bool parses = true;
  bool found = false;
  each_term(text, [&](std::string_view term) {
    if (term.empty() || !parses) return;
    const auto split = split_term(term);
    std::string_view rest = value;
    bool same = split && split->field == field && split->op != "!=";
    parses = split && unescape(split->value, [&](std::string_view bytes) {
               same = same && rest.starts_with(bytes);
               if (same) rest.remove_prefix(bytes.size());
             });
    found = found || (same && rest.empty());
  });
  return parses && found;
}

std::string label_key_fault(std::string_view key) {
  std::string faults;
  const std::size_t slash = key.find('/');
  if (slash != std::string_view::npos && key.find('/', slash + 1) != std::string_view::npos) {
    return "a valid label key " + std::string(key_must) +
           " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
  }
  std::string_view name = key;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = key.substr(0, slash);
    name = key.substr(slash + 1);
    if (prefix.empty()) {
      join(faults, "prefix part must be non-empty");
    } else {
      if (prefix.size() > subdomain_bytes_max)
        join(faults, "prefix part must be no more than 253 bytes");
      if (!has_subdomain_form(prefix)) join(faults, "prefix part " + std::string(subdomain_must));
    }
  }
  if (name.empty()) join(faults, "name part must be non-empty");
  if (name.size() > label_bytes_max) join(faults, "name part must be no more than 63 bytes");
  if (!is_label_text(name)) join(faults, "name part " + std::string(key_must));
  return faults;
}

std::string label_value_fault(std::string_view value) {
  std::string faults;
  if (value.size() > label_bytes_max) join(faults, "must be no more than 63 bytes");
  if (!value.empty() && !is_label_text(value)) join(faults, value_must);
  return faults;
}

bool is_label_key(std::string_view key) noexcept {
  const std::size_t slash = key.find('/');
  if (slash != std::string_view::npos && !is_dns1123_subdomain(key.substr(0, slash))) return false;
  const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  return name.size() <= label_bytes_max && is_label_text(name);
}

bool is_label_value(std::string_view value) noexcept {
  return value.empty() || (value.size() <= label_bytes_max && is_label_text(value));
}

bool is_dns1123_subdomain(std::string_view name) noexcept {
  return name.size() <= subdomain_bytes_max && has_subdomain_form(name);
}

bool is_dns1123_label(std::string_view name) noexcept {
  return name.size() <= label_bytes_max && name.find('.') == std::string_view::npos &&
         is_dns1123_subdomain(name);
}

std::vector<std::string> dns1123_subdomain_faults(std::string_view name) {
  std::vector<std::string> faults;
  if (name.size() > subdomain_bytes_max) faults.emplace_back("must be no more than 253 characters");
  if (!has_subdomain_form(name)) faults.emplace_back(subdomain_must);
  return faults;
}

bool is_path_segment(std::string_view name) noexcept {
  return name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('%') == std::string_view::npos;
}

}  // namespace gh::authz
