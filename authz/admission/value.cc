// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/value.h"

#include "base/limits.h"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace gh::authz::admission {
namespace {

using Element = simdjson::dom::element;
using simdjson::dom::element_type;

Number number_of(Element element) {
  std::array<char, 32> text;
  std::to_chars_result end{};
  bool integer = true;
  if (element.type() == element_type::INT64) {
    end = std::to_chars(text.data(), text.data() + text.size(), element.get_int64().value_unsafe());
  } else if (element.type() == element_type::UINT64) {
    end =
        std::to_chars(text.data(), text.data() + text.size(), element.get_uint64().value_unsafe());
  } else {
    integer = false;
    end =
        std::to_chars(text.data(), text.data() + text.size(), element.get_double().value_unsafe());
  }
  Number number{std::string(text.data(), end.ptr), integer};
  // 22e2 is no integer for Go, so it must not become one.
  if (!integer && number.text.find_first_of(".e") == std::string::npos) number.text += ".0";
  return number;
}

class Reader {
 public:
  Result<Value, std::string> read(Element element, std::size_t depth) {
    if (depth > limits::admission_depth_max) return fail(std::string("it is nested too deeply"));
    if (++values_ > limits::admission_values_max) {
      return fail(std::string("it holds too many values"));
    }
    switch (element.type()) {
      case element_type::NULL_VALUE:
        return Value{Null{}};
      case element_type::BOOL:
        return Value{element.get_bool().value_unsafe()};
      case element_type::STRING:
        return Value{std::string(element.get_string().value_unsafe())};
      case element_type::ARRAY:
        return read_list(element.get_array().value_unsafe(), depth);
      case element_type::OBJECT:
        return read_object(element.get_object().value_unsafe(), depth);
      case element_type::INT64:
      case element_type::UINT64:
      case element_type::DOUBLE:
        return Value{number_of(element)};
    }
    return fail(std::string("it holds a value of no known type"));
  }

 private:
  Result<Value, std::string> read_list(simdjson::dom::array list, std::size_t depth) {
    Items items;
    for (const Element each : list) {
      GH_TRY(auto item, read(each, depth + 1));
      items.push_back(std::move(item));
    }
    return Value{std::move(items)};
  }

  Result<Value, std::string> read_object(simdjson::dom::object object, std::size_t depth) {
    Members members;
    for (const auto& [key, element] : object) {
      GH_TRY(auto value, read(element, depth + 1));
      const auto [at, added] = members.try_emplace(std::string(key), std::move(value));
      if (!added) return fail("the key \"" + at->first + "\" stands twice in one object");
    }
    return Value{std::move(members)};
  }

  std::size_t values_ = 0;
};

void append_text(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append(std::string& out, const Value& value);

struct Appender {
  std::string& out;

  void operator()(const Null&) const { out += "null"; }

  void operator()(bool flag) const { out += flag ? "true" : "false"; }

  void operator()(const Number& number) const { out += number.text; }

  void operator()(const std::string& text) const { append_text(out, text); }

  void operator()(const Items& items) const {
    char before = '[';
    for (const Value& item : items) {
      out += std::exchange(before, ',');
      append(out, item);
    }
    out += items.empty() ? "[]" : "]";
  }

  void operator()(const Members& members) const {
    char before = '{';
    for (const auto& [key, value] : members) {
      out += std::exchange(before, ',');
      append_text(out, key);
      out += ':';
      append(out, value);
    }
    out += members.empty() ? "{}" : "}";
  }
};

void append(std::string& out, const Value& value) { std::visit(Appender{out}, value.data); }

}  // namespace

const Value* find(const Members& object, std::string_view key) {
  const auto at = object.find(key);
  return at == object.end() || at->second.is_null() ? nullptr : &at->second;
}

const Members* object_at(const Members& object, std::string_view key) {
  const Value* const value = find(object, key);
  return value == nullptr ? nullptr : value->members();
}

std::string_view text_at(const Members& object, std::string_view key) {
  const Value* const value = find(object, key);
  const std::string* const text = value == nullptr ? nullptr : value->text();
  return text == nullptr ? std::string_view() : *text;
}

bool flag_at(const Members& object, std::string_view key) {
  const Value* const value = find(object, key);
  const bool* const flag = value == nullptr ? nullptr : std::get_if<bool>(&value->data);
  return flag != nullptr && *flag;
}

const Items& items_at(const Members& object, std::string_view key) {
  static const Items none;
  const Value* const value = find(object, key);
  const Items* const items = value == nullptr ? nullptr : value->items();
  return items == nullptr ? none : *items;
}

Result<Value, std::string> parse_json(std::string_view text) {
  // simdjson takes a byte order mark for space; Go does not.
  if (text.starts_with("\xef\xbb\xbf"))
    return fail(std::string("it begins with a byte order mark"));
  simdjson::dom::parser parser;
  Element root;
  const auto error = parser.parse(text.data(), text.size()).get(root);
  if (error != simdjson::SUCCESS) return fail(std::string(simdjson::error_message(error)));
  return Reader().read(root, 0);
}

std::string to_json(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace gh::authz::admission
