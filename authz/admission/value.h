// SPDX-License-Identifier: Apache-2.0
// A JSON value in memory: what bodies, patches and API server answers are read into, changed in and
// judged from. In: JSON text from a peer or an API server.   Out: a tree, or why it is refused.
// Bounded: depth and number of values (limits::admission_*); a key that stands twice in one object
// is refused, since readers disagree on which one counts. Owner: one admission question.
#pragma once

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gh::authz::admission {

struct Value;
using Items = std::vector<Value>;
using Members = std::map<std::string, Value, std::less<>>;

struct Null {
  bool operator==(const Null&) const = default;
};

struct Number {
  std::string text;      // as JSON
  bool integer = false;  // written without fraction and exponent
  bool operator==(const Number&) const = default;
};

struct Value {
  std::variant<Null, bool, Number, std::string, Items, Members> data;

  bool is_null() const { return std::holds_alternative<Null>(data); }

  const std::string* text() const { return std::get_if<std::string>(&data); }

  const Items* items() const { return std::get_if<Items>(&data); }

  const Members* members() const { return std::get_if<Members>(&data); }

  Items* items() { return std::get_if<Items>(&data); }

  Members* members() { return std::get_if<Members>(&data); }

  bool operator==(const Value&) const = default;
};

// Null when the object has no such member, or one that is null.
const Value* find(const Members& object, std::string_view key);
// A member that is an object; null otherwise.
const Members* object_at(const Members& object, std::string_view key);
// A member that is text; empty otherwise.
std::string_view text_at(const Members& object, std::string_view key);
// A member that is true.
bool flag_at(const Members& object, std::string_view key);
// A member that is a list; an empty one otherwise.
const Items& items_at(const Members& object, std::string_view key);

Result<Value, std::string> parse_json(std::string_view text);
std::string to_json(const Value& value);

}  // namespace gh::authz::admission
