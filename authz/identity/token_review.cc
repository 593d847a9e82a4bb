// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/token_review.h"

#include "base/json_text.h"

#include <simdjson.h>

#include <algorithm>

namespace gh::identity {
namespace {

namespace json = simdjson::dom;

// A member that may be left out. Fault: it is of another type.
template <class T>
Outcome<std::optional<T>> optional_member(json::object object, std::string_view key) {
  const auto found = object.at_key(key);
  if (found.error() == simdjson::NO_SUCH_FIELD) return std::optional<T>{};
  json::element element;
  if (found.get(element) != simdjson::SUCCESS) return fault("TokenReview: not readable");
  if (element.is_null()) return std::optional<T>{};
  T value;
  if (element.get(value) != simdjson::SUCCESS)
    return fault("TokenReview: " + std::string(key) + " is of another type");
  return std::optional<T>{std::move(value)};
}

Outcome<std::vector<std::string>> texts(std::optional<json::array> array) {
  std::vector<std::string> out;
  if (!array) return out;
  for (const json::element element : *array) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS) return fault("TokenReview: a text was expected");
    out.emplace_back(text);
  }
  return out;
}

Outcome<Identity> read_user(json::object user) {
  Identity who;
  GH_TRY(const auto name, optional_member<std::string_view>(user, "username"));
  GH_TRY(const auto uid, optional_member<std::string_view>(user, "uid"));
  GH_TRY(const auto groups, optional_member<json::array>(user, "groups"));
  GH_TRY(const auto extra, optional_member<json::object>(user, "extra"));
  who.user = name.value_or("");
  who.uid = uid.value_or("");
  GH_TRY(who.groups, texts(groups));
  if (!extra) return who;
  for (const auto& [key, value] : *extra) {
    json::array values;
    if (value.get(values) != simdjson::SUCCESS) return fault("TokenReview: extra is not readable");
    GH_TRY(const auto list, texts(values));
    for (const std::string& text : list) add_extra(who.extra, key, text);
  }
  return who;
}

}  // namespace

std::string token_review_body(std::string_view token, const std::vector<std::string>& audiences) {
  std::string out =
      R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":)";
  append_json_string(out, token);
  if (!audiences.empty()) {
    out += ",\"audiences\":[";
    for (std::size_t i = 0; i < audiences.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, audiences[i]);
    }
    out += ']';
  }
  out += "}}";
  return out;
}

Outcome<std::optional<Identity>> read_token_review(
    std::string_view body, const std::vector<std::string>& audiences
) {
  json::parser parser;
  json::object root;
  json::object status;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS)
    return fault("TokenReview: not a JSON object");
  GH_TRY(const auto kind, optional_member<std::string_view>(root, "kind"));
  if (kind.value_or("") != "TokenReview") return fault("TokenReview: of another kind");
  if (root.at_key("status").get(status) != simdjson::SUCCESS)
    return fault("TokenReview: without a status");
  GH_TRY(const auto authenticated, optional_member<bool>(status, "authenticated"));
  if (!authenticated.value_or(false)) return std::optional<Identity>{};
  if (!audiences.empty()) {
    GH_TRY(const auto listed, optional_member<json::array>(status, "audiences"));
    GH_TRY(const auto granted, texts(listed));
    const bool one = std::any_of(granted.begin(), granted.end(), [&](const std::string& audience) {
      return std::find(audiences.begin(), audiences.end(), audience) != audiences.end();
    });
    if (!one) return std::optional<Identity>{};
  }
  GH_TRY(const auto user, optional_member<json::object>(status, "user"));
  if (!user) return fault("TokenReview: authenticated, but nobody");
  GH_TRY(Identity who, read_user(*user));
  if (who.user.empty()) return fault("TokenReview: authenticated, but without a name");
  return std::optional<Identity>{std::move(who)};
}

}  // namespace gh::identity
