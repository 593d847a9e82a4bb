// SPDX-License-Identifier: Apache-2.0
#include "control/conformance/callers.h"

#include <algorithm>

namespace gh::conformance {
namespace {

bool is_token(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

std::optional<std::vector<Field>> read_lines(const std::vector<std::string>& lines) {
  std::vector<Field> fields;
  for (const std::string& line : lines) {
    if (line.starts_with(' ') || line.starts_with('\t')) {
      if (fields.empty()) return std::nullopt;
      fields.back().value.append(" ").append(trim(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = std::string_view(line).substr(0, colon);
    if (colon == std::string::npos || name.empty() ||
        !std::all_of(name.begin(), name.end(), is_token)) {
      return std::nullopt;
    }
    fields.push_back({lower(name), std::string(trim(std::string_view(line).substr(colon + 1)))});
  }
  for (const Field& field : fields) {
    for (const char c : field.value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return std::nullopt;
    }
  }
  return fields;
}

identity::Identity identity_at(Json user) {
  identity::Identity who;
  who.user = text_at(user, "name");
  who.uid = text_at(user, "uid");
  who.groups = texts_at(user, "groups");
  simdjson::dom::object extra;
  if (user["extra"].get_object().get(extra) == simdjson::SUCCESS) {
    for (const auto& [key, values] : extra) {
      for (const auto& value : texts_at(user["extra"], key))
        identity::add_extra(who.extra, key, value);
    }
  }
  return who;
}

std::vector<std::string> shown_extra(const identity::Extra& extra, bool any_order) {
  std::vector<std::string> out;
  for (auto [key, values] : extra) {
    if (any_order) std::sort(values.begin(), values.end());
    out.push_back(key + "=" + shown(values));
  }
  return out;
}

}  // namespace gh::conformance
