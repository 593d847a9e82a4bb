// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/go_json.h"

#include "base/hex.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

namespace gh::identity::json {
namespace {

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The grammar of RFC 8259 as encoding/json's scanner has it, one value after the other.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool run() {
    if (!value()) return false;
    while (!open_.empty()) {
      if (!after_value()) return false;
    }
    space();
    return at_ == text_.size();
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  void space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool open(char bracket) {
    if (open_.size() >= limits::token_json_depth_max) return false;
    open_ += bracket;
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // A whole literal, or an opening bracket with what has to come first behind it.
  bool value() {
    space();
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        ++at_;
        if (!open('{')) return false;
        space();
        return take('}') ? close() : key() && value_next();
      case '[':
        ++at_;
        if (!open('[')) return false;
        space();
        return take(']') ? close() : value_next();
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  // Values nest by this flag and not by recursion.
  bool value_next() {
    pending_ = true;
    return true;
  }

  bool after_value() {
    if (pending_) {
      pending_ = false;
      return value();
    }
    space();
    const bool object = open_.back() == '{';
    if (take(object ? '}' : ']')) return close();
    if (!take(',')) return false;
    space();
    return object ? key() && value_next() : value_next();
  }

  bool key() {
    if (peek() != '"' || !string()) return false;
    space();
    return take(':');
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    if (++at_ >= text_.size()) return false;
    if (text_[at_] != 'u') return std::string_view("\"\\/bfnrt").find(text_[at_]) != text_.npos;
    for (int i = 0; i < 4; ++i) {
      if (++at_ >= text_.size() || hex_value(text_[at_]) < 0) return false;
    }
    return true;
  }

  bool digits() {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ > start;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (peek() != 'e' && peek() != 'E') return true;
    ++at_;
    if (!take('+')) take('-');
    return digits();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;
  bool pending_ = false;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Bytes of the string that begins here, both quotes included.
std::size_t string_bytes(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

// Cuts the value that begins here.
std::string_view take_value(std::string_view& rest) {
  std::size_t at = 0;
  std::size_t depth = 0;
  while (at < rest.size()) {
    const char c = rest[at];
    if (c == '"') {
      at += string_bytes(rest.substr(at));
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      --depth;
      ++at;
    } else if (depth > 0 && (c == ',' || c == ':' || is_space(c))) {
      ++at;
      continue;
    } else {
      while (at < rest.size() && !is_space(rest[at]) &&
             std::string_view(",:]}").find(rest[at]) == rest.npos)
        ++at;
    }
    if (depth == 0) break;
  }
  const std::string_view value = rest.substr(0, at);
  rest.remove_prefix(value.size());
  return value;
}

void skip_to_next(std::string_view& rest) {
  while (!rest.empty() && (is_space(rest.front()) || rest.front() == ',' || rest.front() == ':'))
    rest.remove_prefix(1);
}

std::string_view inside(std::string_view raw, char open) {
  raw = trimmed(raw);
  if (raw.size() < 2 || raw.front() != open) return {};
  return raw.substr(1, raw.size() - 2);
}

std::uint32_t hex4(std::string_view text) {
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4))
    value = value << 4 | static_cast<std::uint32_t>(hex_value(c));
  return value;
}

constexpr std::uint32_t replacement = 0xfffd;

// `at` is behind "\u"; a pair of surrogates is taken whole.
std::uint32_t unescaped_rune(std::string_view text, std::size_t& at) {
  const std::uint32_t first = hex4(text.substr(at));
  at += 4;
  if (first < 0xd800 || first > 0xdfff) return first;
  if (first < 0xdc00 && text.substr(at, 2) == "\\u") {
    const std::uint32_t second = hex4(text.substr(at + 2));
    if (second >= 0xdc00 && second <= 0xdfff) {
      at += 6;
      return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }
  }
  return replacement;
}

char unescaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

std::string unquoted(std::string_view quoted) {
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\\') {
      const char c = text[at + 1];
      at += 2;
      if (c == 'u') {
        append_rune(out, unescaped_rune(text, at));
      } else {
        out += unescaped(c);
      }
    } else if (static_cast<unsigned char>(text[at]) < 0x80) {
      out += text[at++];
    } else {
      const Rune rune = rune_at(text, at);
      append_rune(out, rune.value);
      at += rune.bytes;
    }
  }
  return out;
}

// Whether a number that from_chars finds out of range is too large (and not too small).
bool overflows(std::string_view number) {
  const std::size_t e = number.find_first_of("eE");
  const std::string_view mantissa = number.substr(0, e);
  long exponent = 0;
  if (e != number.npos) {
    std::string_view digits = number.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const bool negative = digits.starts_with('-');
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    (void)end;
    if (error != std::errc{}) return !negative;
  }
  const std::size_t first = mantissa.find_first_of("123456789");
  if (first == mantissa.npos) return false;
  const std::size_t dot = std::min(mantissa.find('.'), mantissa.size());
  return exponent + static_cast<long>(dot) - static_cast<long>(first) > 0;
}

}  // namespace

bool valid(std::string_view text) { return Scanner(text).run(); }

Kind kind_of(std::string_view raw) {
  raw = trimmed(raw);
  switch (raw.empty() ? 'n' : raw.front()) {
    case 'n':
      return Kind::null;
    case 't':
    case 'f':
      return Kind::boolean;
    case '"':
      return Kind::string;
    case '[':
      return Kind::array;
    case '{':
      return Kind::object;
    default:
      return Kind::number;
  }
}

std::optional<std::string> string_of(std::string_view raw) {
  raw = trimmed(raw);
  if (kind_of(raw) != Kind::string) return std::nullopt;
  return unquoted(raw);
}

std::optional<double> double_of(std::string_view raw) {
  raw = trimmed(raw);
  if (kind_of(raw) != Kind::number) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  (void)end;
  if (error == std::errc::result_out_of_range) {
    if (overflows(raw)) return std::nullopt;
    return 0.0;
  }
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::int64_t truncated(double value) {
  constexpr double edge = 9223372036854775808.0;
  if (!(value >= -edge && value < edge)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

Members::Members(std::string_view object) : rest_(inside(object, '{')) {}

bool Members::next(std::string& key, std::string_view& value) {
  skip_to_next(rest_);
  if (rest_.empty()) return false;
  key = unquoted(take_value(rest_));
  skip_to_next(rest_);
  value = take_value(rest_);
  return true;
}

Elements::Elements(std::string_view array) : rest_(inside(array, '[')) {}

bool Elements::next(std::string_view& value) {
  skip_to_next(rest_);
  if (rest_.empty()) return false;
  value = take_value(rest_);
  return true;
}

bool key_matches(std::string_view key, std::string_view field) {
  std::size_t at = 0;
  for (const char want : field) {
    if (at >= key.size()) return false;
    const Rune rune = rune_at(key, at);
    std::uint32_t folded = rune.value;
    if (folded >= 'A' && folded <= 'Z') folded |= 0x20;
    if (folded == 0x17f) folded = 's';
    if (folded == 0x212a) folded = 'k';
    if (!rune.valid || folded != static_cast<unsigned char>(want)) return false;
    at += rune.bytes;
  }
  return at == key.size();
}

namespace {

// The objects that are open, each with its keys; arrays have an empty set that nobody asks.
class Walk {
 public:
  explicit Walk(std::string_view raw) : rest_(trimmed(raw)) {}

  bool run(bool distinct_keys) {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (structure(c)) {
        rest_.remove_prefix(1);
        continue;
      }
      const std::string_view value = take_value(rest_);
      if (key_next_ && distinct_keys && !open_.back().insert(unquoted(value)).second) return false;
      if (kind_of(value) == Kind::number && !double_of(value)) return false;
    }
    return true;
  }

 private:
  bool structure(char c) {
    switch (c) {
      case '{':
      case '[':
        brackets_ += c;
        open_.emplace_back();
        key_next_ = c == '{';
        return true;
      case '}':
      case ']':
        brackets_.pop_back();
        open_.pop_back();
        key_next_ = false;
        return true;
      case ',':
        key_next_ = brackets_.back() == '{';
        return true;
      case ':':
        key_next_ = false;
        return true;
      default:
        return is_space(c);
    }
  }

  std::string_view rest_;
  std::string brackets_;
  std::vector<std::set<std::string, std::less<>>> open_;
  bool key_next_ = false;
};

}  // namespace

bool plain(std::string_view raw) { return Walk(raw).run(true); }

bool numbers_fit(std::string_view raw) { return Walk(raw).run(false); }

}  // namespace gh::identity::json
