// SPDX-License-Identifier: Apache-2.0
// Field and label selectors as k8s.io/apimachinery reads them (fields.ParseSelector, labels.Parse).
// Two uses: "does it parse, and which metadata.name does it ask for" on the path, without
// allocation; and the whole list of requirements, with the error text Kubernetes gives, for
// authorizers and explanations.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz {

struct SelectorRequirement {
  std::string key;
  std::string_view op;              // "=", "==", "!=", "in", "notin", "exists", "!", "gt", "lt"
  std::vector<std::string> values;  // sorted, no repeats (labels); one (fields)
  bool operator==(const SelectorRequirement&) const = default;
};

Result<std::vector<SelectorRequirement>, std::string> parse_field_selector(std::string_view text);
Result<std::vector<SelectorRequirement>, std::string> parse_label_selector(std::string_view text);

// Without allocation.
bool label_selector_parses(std::string_view text) noexcept;

// Whether the selector parses, and the value of its first `metadata.name=` term (`==` too) in text
// order. The value, unescaped, is appended to `into`, which must have room for three times the text
// to stay without allocation.
struct FieldSelectorName {
  bool parses = true;
  std::optional<std::string_view> name = std::nullopt;
};

FieldSelectorName read_metadata_name(std::string_view text, std::string& into) noexcept;

// Whether the selector parses and one of its terms is FIELD=VALUE (`==` too), so that every object
// it selects has that value: what authorizers look for (selection.Equals). Without allocation.
bool field_selector_requires(
    std::string_view text, std::string_view field, std::string_view value
) noexcept;

// content.IsLabelKey, IsLabelValue, IsDNS1123Subdomain: empty when good, else what is wrong.
std::string label_key_fault(std::string_view key);
std::string label_value_fault(std::string_view value);
bool is_label_key(std::string_view key) noexcept;
bool is_label_value(std::string_view value) noexcept;
bool is_dns1123_subdomain(std::string_view name) noexcept;
bool is_dns1123_label(std::string_view name) noexcept;  // at most 63 bytes, no dot
std::vector<std::string> dns1123_subdomain_faults(std::string_view name);
// content.IsPathSegmentName: not ".", "..", without '/' and '%'. The empty name is fine.
bool is_path_segment(std::string_view name) noexcept;

}  // namespace gh::authz
