// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/patch.h"

#include "base/limits.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace gh::authz::admission {
namespace {

auto refuse(std::string text) { return fail(std::move(text)); }

// ---- JSON patch (RFC 6902) ----

std::string decoded_token(std::string_view token) {
  std::string out;
  for (std::size_t at = 0; at < token.size(); ++at) {
    const std::string_view here = token.substr(at, 2);
    if (here == "~1" || here == "~0") {
      out += here == "~1" ? '/' : '~';
      ++at;
    } else {
      out += token[at];
    }
  }
  return out;
}

// Like the library: what stands before the first slash is passed over. Null: no slash at all.
std::optional<std::vector<std::string>> tokens_of(std::string_view path) {
  std::size_t at = path.find('/');
  if (at == std::string_view::npos) return std::nullopt;
  std::vector<std::string> tokens;
  while (at != std::string_view::npos) {
    if (tokens.size() == limits::admission_depth_max) return std::nullopt;  // nothing is so deep
    path.remove_prefix(at + 1);
    at = path.find('/');
    tokens.push_back(decoded_token(path.substr(0, at)));
  }
  return tokens;
}

// strconv.Atoi; a negative index counts from the end, `size` itself being -1 for "add".
std::optional<std::size_t> index_of(std::string_view token, std::size_t size) {
  if (token.starts_with('+') && token.size() > 1 && token[1] != '-') token.remove_prefix(1);
  long long index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  if (index < 0) index += static_cast<long long>(size);
  if (index < 0 || index >= static_cast<long long>(size)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

struct Place {
  Value* container = nullptr;  // an object or a list
  std::string key;
};

std::size_t count_values(const Value& value) {
  std::size_t count = 1;
  if (const Items* const items = value.items()) {
    for (const Value& item : *items) count += count_values(item);
  }
  if (const Members* const members = value.members()) {
    for (const auto& [key, member] : *members) count += count_values(member);
  }
  return count;
}

class JsonPatch {
 public:
  explicit JsonPatch(Value& object) : object_(object) {}

  Result<void, std::string> apply(const Members& operation) {
    const std::string_view op = text_at(operation, "op");
    const auto path = place(operation, "path");
    if (op == "replace" && text_member(operation, "path") == "") return replace_all(operation);
    if (op == "move" || op == "copy") return move_or_copy(operation, op == "move");
    if (!path) return refuse("the patch's operation \"" + std::string(op) + "\" does not apply");
    if (op == "add") return add(*path, value_of(operation));
    if (op == "remove") return remove(*path);
    if (op == "replace") return replace(*path, value_of(operation));
    if (op == "test") return test(*path, value_of(operation));
    return refuse("the patch has an unknown operation");
  }

 private:
  static std::optional<std::string_view> text_member(
      const Members& operation, std::string_view key
  ) {
    const Value* const value = find(operation, key);
    if (value == nullptr || value->text() == nullptr) return std::nullopt;
    return *value->text();
  }

  static Value value_of(const Members& operation) {
    const Value* const value = find(operation, "value");
    return value == nullptr ? Value{Null{}} : *value;
  }

  static Value* child(Value& parent, const std::string& token) {
    if (Members* const members = parent.members()) {
      const auto at = members->find(token);
      return at == members->end() ? nullptr : &at->second;
    }
    Items* const items = parent.items();
    if (items == nullptr) return nullptr;
    const auto index = index_of(token, items->size());
    return index ? &(*items)[*index] : nullptr;
  }

  std::optional<Place> place(const Members& operation, std::string_view key) {
    const auto path = text_member(operation, key);
    auto tokens = path ? tokens_of(*path) : std::nullopt;
    if (!tokens) return std::nullopt;
    Place found{&object_, std::move(tokens->back())};
    tokens->pop_back();
    for (const std::string& token : *tokens) {
      found.container = child(*found.container, token);
      if (found.container == nullptr) return std::nullopt;
    }
    if (found.container->items() == nullptr && found.container->members() == nullptr) {
      return std::nullopt;
    }
    return found;
  }

  // Values may multiply by copies: they are counted as what they come to.
  Result<void, std::string> charge(const Value& value) {
    added_ += count_values(value);
    if (added_ > limits::admission_values_max) return refuse("the patch adds too many values");
    return {};
  }

  Result<void, std::string> add(const Place& at, Value value) {
    GH_TRY_VOID(charge(value));
    if (Members* const members = at.container->members()) {
      members->insert_or_assign(at.key, std::move(value));
      return {};
    }
    Items& items = *at.container->items();
    const auto index = at.key == "-" ? items.size() : index_of(at.key, items.size() + 1);
    if (!index) return refuse("the patch adds at an index that is none");
    items.insert(items.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
    return {};
  }

  static Result<void, std::string> remove(const Place& at) {
    if (Members* const members = at.container->members()) {
      if (members->erase(at.key) == 0) return refuse("the patch removes a key that is not there");
      return {};
    }
    Items& items = *at.container->items();
    const auto index = index_of(at.key, items.size());
    if (!index) return refuse("the patch removes at an index that is none");
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(*index));
    return {};
  }

  // In an object the library also replaces what is not there.
  Result<void, std::string> replace(const Place& at, Value value) {
    GH_TRY_VOID(charge(value));
    if (Members* const members = at.container->members()) {
      members->insert_or_assign(at.key, std::move(value));
      return {};
    }
    Value* const old = child(*at.container, at.key);
    if (old == nullptr) return refuse("the patch replaces at an index that is none");
    *old = std::move(value);
    return {};
  }

  Result<void, std::string> replace_all(const Members& operation) {
    Value value = value_of(operation);
    if (value.members() == nullptr)
      return refuse("the patch replaces the object by something else");
    GH_TRY_VOID(charge(value));
    object_ = std::move(value);
    return {};
  }

  static Result<void, std::string> test(const Place& at, const Value& expected) {
    const Value* const value = child(*at.container, at.key);
    const bool same = value == nullptr ? expected.is_null() : *value == expected;
    if (!same) return refuse("a test of the patch fails");
    return {};
  }

  // The destination is looked for when the source is gone. Copying what is not in an object gives
  // null, as in the library.
  Result<void, std::string> move_or_copy(const Members& operation, bool move) {
    const auto from = place(operation, "from");
    if (!from) return refuse("the patch moves or copies from nowhere");
    Value* const found = child(*from->container, from->key);
    if (found == nullptr && (move || from->container->items() != nullptr)) {
      return refuse("the patch moves or copies from nowhere");
    }
    Value value = found == nullptr ? Value{Null{}} : *found;
    GH_TRY_VOID(charge(value));
    if (move) GH_TRY_VOID(remove(*from));
    const auto to = place(operation, "path");
    if (!to) return refuse("the patch moves or copies to nowhere");
    return add(*to, std::move(value));
  }

  Value& object_;
  std::size_t added_ = 0;
};

// ---- merge patch (RFC 7386) ----

void prune_nulls(Value& value) {
  if (Members* const members = value.members()) {
    std::erase_if(*members, [](const auto& member) { return member.second.is_null(); });
    for (auto& [key, member] : *members) prune_nulls(member);
  } else if (Items* const items = value.items()) {
    for (Value& item : *items) prune_nulls(item);
  }
}

void merge(Members& object, Members& patch) {
  for (auto& [key, value] : patch) {
    if (value.is_null()) {
      object.erase(key);
      continue;
    }
    const auto at = object.find(key);
    Value* const current = at == object.end() || at->second.is_null() ? nullptr : &at->second;
    if (current != nullptr && current->members() != nullptr) {
      if (value.members() != nullptr) {
        merge(*current->members(), *value.members());
      } else {
        *current = std::move(value);  // not pruned, as in the library
      }
      continue;
    }
    prune_nulls(value);
    object.insert_or_assign(key, std::move(value));
  }
}

// ---- strategic merge patch ----

constexpr std::string_view directives_of_lists[] = {
    "$setElementOrder/", "$deleteFromPrimitiveList/"
};

std::string below(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

Result<void, std::string> merge_strategic(
    Members& object, const Members& patch, const Message& message, const std::string& path
);

// A map from text: keys are data, except directives.
Result<void, std::string> merge_map(Members& map, const Members& patch, const std::string& path) {
  for (const auto& [key, value] : patch) {
    if (key.starts_with('$')) return refuse(path);
    if (value.is_null()) {
      map.erase(key);
    } else if (value.members() == nullptr && value.items() == nullptr) {
      map.insert_or_assign(key, value);
    } else {
      return refuse(path);
    }
  }
  return {};
}

// A list that is replaced must hold no directive.
bool holds_directive(const Value& value) {
  if (const Members* const members = value.members()) {
    return std::any_of(members->begin(), members->end(), [](const auto& member) {
      return member.first.starts_with('$') || holds_directive(member.second);
    });
  }
  const Items* const items = value.items();
  return items != nullptr && std::any_of(items->begin(), items->end(), holds_directive);
}

Members& object_in(Members& parent, std::string_view name) {
  Value& value = parent.try_emplace(std::string(name), Value{Members()}).first->second;
  if (value.members() == nullptr) value = Value{Members()};
  return *value.members();
}

Result<void, std::string> merge_field(
    Members& object, const Field& field, const Value& value, const std::string& path
) {
  if (value.is_null()) {
    object.erase(std::string(field.name));
    return {};
  }
  switch (field.shape) {
    case Shape::set_list:
      return refuse(path);
    case Shape::list:
      if (value.items() == nullptr || holds_directive(value)) return refuse(path);
      object.insert_or_assign(std::string(field.name), value);
      return {};
    case Shape::map:
      if (value.members() == nullptr) return refuse(path);
      return merge_map(object_in(object, field.name), *value.members(), path);
    case Shape::single:
    case Shape::pointer:
    case Shape::inlined:
      break;
  }
  if (field.kind == Kind::message) {
    if (value.members() == nullptr) return refuse(path);
    return merge_strategic(object_in(object, field.name), *value.members(), *field.message, path);
  }
  if (value.members() != nullptr || value.items() != nullptr) return refuse(path);
  object.insert_or_assign(std::string(field.name), value);
  return {};
}

Result<void, std::string> merge_strategic(
    Members& object, const Members& patch, const Message& message, const std::string& path
) {
  for (const auto& [key, value] : patch) {
    if (key == "$patch" || key == "$retainKeys") return refuse(below(path, key));
    for (const std::string_view directive : directives_of_lists) {
      if (key.starts_with(directive) &&
          field_named(message, std::string_view(key).substr(directive.size())) != nullptr) {
        return refuse(below(path, key));
      }
    }
    if (const Field* const field = field_named(message, key)) {
      GH_TRY_VOID(merge_field(object, *field, value, below(path, key)));
    }
  }
  return {};
}

}  // namespace

Result<void, std::string> apply_json_patch(Value& object, const Value& patch) {
  const Items* const operations = patch.items();
  if (operations == nullptr) return refuse("a JSON patch is a list of operations");
  if (operations->size() > limits::admission_patch_operations_max) {
    return refuse("the patch has too many operations");
  }
  JsonPatch patcher(object);
  for (const Value& operation : *operations) {
    if (operation.members() == nullptr) return refuse("a JSON patch is a list of operations");
    GH_TRY_VOID(patcher.apply(*operation.members()));
  }
  return {};
}

Result<void, std::string> apply_merge_patch(Value& object, Value patch) {
  if (object.members() == nullptr || patch.members() == nullptr) {
    return refuse("a merge patch is an object");
  }
  merge(*object.members(), *patch.members());
  return {};
}

Result<void, std::string> apply_strategic_patch(
    Members& object, const Members& patch, const Message& message
) {
  return merge_strategic(object, patch, message, "");
}

}  // namespace gh::authz::admission
