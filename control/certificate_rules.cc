// SPDX-License-Identifier: Apache-2.0
#include "control/certificate_rules.h"

#include "base/json_text.h"
#include "base/limits.h"

#include <simdjson.h>

#include <set>

namespace gh::control {
namespace {

using identity::CertificateRule;
using Part = CertificateRule::Part;

struct PartKey {
  std::string_view key;
  Part part;
};

constexpr PartKey part_keys[] = {
    {"uri", Part::uri}, {"dns", Part::dns}, {"organizationalUnit", Part::organizational_unit}
};

using Taken = Result<void, std::string>;

Taken take_text(simdjson::dom::element value, std::string_view key, std::string& into) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS)
    return fail("expected a text as " + std::string(key));
  into = text;
  return {};
}

Taken take_groups(simdjson::dom::element value, std::vector<std::string>& groups) {
  simdjson::dom::array list;
  if (value.get_array().get(list) != simdjson::SUCCESS)
    return fail(std::string("expected a list as groups"));
  for (const simdjson::dom::element each : list) {
    if (groups.size() == limits::mapping_groups_max) return fail(std::string("too many groups"));
    GH_TRY_VOID(take_text(each, "a group", groups.emplace_back()));
  }
  return {};
}

Taken take_key(std::string_view key, simdjson::dom::element value, CertificateRule& rule) {
  if (key == "user") return take_text(value, key, rule.user);
  if (key == "groups") return take_groups(value, rule.groups);
  for (const PartKey& known : part_keys) {
    if (key != known.key) continue;
    if (!rule.pattern.empty())
      return fail(std::string("expected one of uri, dns, organizationalUnit"));
    rule.part = known.part;
    return take_text(value, key, rule.pattern);
  }
  return fail(
      "expected uri, dns, organizationalUnit, user or groups, found \"" + std::string(key) + "\""
  );
}

}  // namespace

Result<CertificateRule, std::string> parse_certificate_rule(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string(json)).get_object().get(object) != simdjson::SUCCESS)
    return fail(std::string(R"(expected a JSON object such as {"uri": "spiffe://…", "user": "…"})")
    );
  CertificateRule rule;
  std::set<std::string_view> seen;
  for (const auto& [key, value] : object) {
    if (!seen.insert(key).second) return fail("\"" + std::string(key) + "\" is there twice");
    GH_TRY_VOID(take_key(key, value, rule));
  }
  GH_TRY_VOID(identity::CertificateMapping::make({&rule, 1}));
  return rule;
}

std::string show_certificate_rule(const CertificateRule& rule) {
  std::string out = "{";
  for (const PartKey& known : part_keys) {
    if (known.part == rule.part) out += json_quoted(known.key) + ": " + json_quoted(rule.pattern);
  }
  out += ", \"user\": " + json_quoted(rule.user) + ", \"groups\": [";
  for (const std::string& group : rule.groups) {
    if (&group != rule.groups.data()) out += ", ";
    out += json_quoted(group);
  }
  return out + "]}";
}

}  // namespace gh::control
