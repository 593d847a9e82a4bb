// SPDX-License-Identifier: Apache-2.0
#include "control/certificate_rules.h"

#include "control/config.h"

#include <gtest/gtest.h>

namespace gh::control {
namespace {

constexpr std::string_view good =
    R"({"uri": "spiffe://t/{a}", "user": "u:{a}", "groups": ["g", "h:{a}"]})";

TEST(CertificateRules, a_rule_is_a_json_object_and_is_shown_as_it_is_read) {
  const auto rule = parse_certificate_rule(good);
  ASSERT_TRUE(rule) << rule.error();
  EXPECT_EQ(rule->pattern, "spiffe://t/{a}");
  EXPECT_EQ(show_certificate_rule(*rule), good);
  EXPECT_EQ(*parse_certificate_rule(show_certificate_rule(*rule)), *rule);
}

TEST(CertificateRules, anything_else_is_refused) {
  for (const char* text :
       {"",
        "x",
        "[]",
        "{}",
        R"({"uri": "spiffe://t/a"})",
        R"({"user": "u"})",
        R"({"uri": "spiffe://t/a", "user": "u", "dns": "a.b"})",
        R"({"uri": "spiffe://t/a", "user": "u", "uri": "spiffe://t/b"})",
        R"({"uri": "spiffe://t/a", "user": "u", "user": "v"})",
        R"({"uri": "spiffe://t/a", "user": "u", "grops": []})",
        R"({"uri": "spiffe://t/a", "user": 1})",
        R"({"uri": "spiffe://t/a", "user": "u", "groups": "g"})",
        R"({"uri": "spiffe://t/a", "user": "u", "groups": [1]})",
        R"({"uri": "spiffe://t/a", "user": "u\u0000"})",
        R"({"uri": "spiffe://t/{a}", "user": "system:{a}"})",
        R"({"uri": "spiffe://t/a", "user": "u"} {})"})
    EXPECT_FALSE(parse_certificate_rule(text)) << text;
}

std::vector<identity::CertificateRule> rules_of(const std::string& text, std::string& problems) {
  std::vector<Fault> faults;
  std::vector<identity::CertificateRule> rules;
  for (const Setting& setting : parse_config_text(text, "f.yaml", faults)) {
    EXPECT_EQ(setting.name, "certificate-mapping");
    for (const auto& value : setting.values) {
      const auto rule = parse_certificate_rule(value.text);
      if (rule) rules.push_back(*rule);
      if (!rule) faults.push_back({rule.error(), value.where});
    }
  }
  for (const auto& fault : faults) problems += fault.to_string() + "\n";
  return rules;
}

TEST(CertificateRules, the_file_holds_them_as_mappings_or_as_texts) {
  std::string problems;
  const auto rules = rules_of(
      "certificateMappings:\n"
      "  - uri: spiffe://t/{a}\n    user: u:{a}\n    groups: [g, \"h:{a}\"]\n"
      "  - '" +
          std::string(good) + "'\n",
      problems
  );
  EXPECT_EQ(problems, "");
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0], rules[1]);
}

TEST(CertificateRules, a_mistake_in_the_file_is_told_with_its_line) {
  for (const char* item :
       {"{uri: spiffe://t/a}",
        "{uri: spiffe://t/a, user: {a: b}}",
        "{uri: spiffe://t/a, user: u, groups: [[g]]}",
        "{? [a] : b}",
        "[a]",
        ""}) {
    std::string problems;
    const auto rules = rules_of(std::string("certificate-mapping:\n  - ") + item + "\n", problems);
    EXPECT_TRUE(rules.empty()) << item;
    EXPECT_TRUE(problems.starts_with("f.yaml:")) << item << ": " << problems;
  }
}

}  // namespace
}  // namespace gh::control
