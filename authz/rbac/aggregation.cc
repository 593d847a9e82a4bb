// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/aggregation.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>

namespace gh::authz::rbac {
namespace {

// Equal for equal rules only: each list with its lengths. Kubernetes compares deeply, where no list
// equals an empty one.
std::string key_of(const PolicyRule& rule) {
  std::string key;
  for (const auto* words :
       {&rule.verbs,
        &rule.api_groups,
        &rule.resources,
        &rule.resource_names,
        &rule.non_resource_urls}) {
    key += std::to_string(words->size()) + ":";
    for (const auto& word : *words)
      key.append(std::to_string(word.size())).append(":").append(word);
  }
  return key;
}

const std::string* value_of(const Labels& labels, const std::string& key) {
  const auto at = std::find_if(labels.begin(), labels.end(), [&](const auto& label) {
    return label.first == key;
  });
  return at == labels.end() ? nullptr : &at->second;
}

bool matches(const LabelRequirement& wanted, const Labels& labels) {
  const std::string* const value = value_of(labels, wanted.key);
  const bool listed =
      value != nullptr &&
      std::find(wanted.values.begin(), wanted.values.end(), *value) != wanted.values.end();
  switch (wanted.op) {
    case LabelRequirement::Op::in:
      return listed;
    case LabelRequirement::Op::not_in:
      return !listed;
    case LabelRequirement::Op::exists:
      return value != nullptr;
    case LabelRequirement::Op::does_not_exist:
      return value == nullptr;
  }
  return false;
}

// Where an aggregated role takes its rules from, in the controller's order.
struct Aggregated {
  std::size_t role;
  std::vector<std::size_t> sources;
};

std::vector<Aggregated> find_sources(const Policy& policy) {
  std::vector<std::size_t> by_name(policy.cluster_roles.size());
  for (std::size_t i = 0; i < by_name.size(); ++i) by_name[i] = i;
  std::sort(by_name.begin(), by_name.end(), [&](std::size_t a, std::size_t b) {
    return policy.cluster_roles[a].name < policy.cluster_roles[b].name;
  });
  std::vector<Aggregated> out;
  for (const std::size_t i : by_name) {
    const ClusterRole& role = policy.cluster_roles[i];
    if (!role.aggregation) continue;
    out.push_back({i, {}});
    for (const LabelSelector& selector : *role.aggregation) {
      for (const std::size_t other : by_name) {
        const ClusterRole& source = policy.cluster_roles[other];
        if (other != i && source.name != role.name && matches(selector, source.labels)) {
          out.back().sources.push_back(other);
        }
      }
    }
  }
  return out;
}

}  // namespace

bool matches(const LabelSelector& selector, const Labels& labels) {
  return std::all_of(
      selector.requirements.begin(),
      selector.requirements.end(),
      [&](const auto& wanted) { return matches(wanted, labels); }
  );
}

void aggregate(Policy& policy) {
  const std::vector<Aggregated> roles = find_sources(policy);
  for (const Aggregated& role : roles) policy.cluster_roles[role.role].rules.clear();
  // Rules only ever come in, so this ends, after at most as many rounds as aggregated roles stand
  // in a row.
  for (bool grew = true; grew;) {
    grew = false;
    for (const Aggregated& role : roles) {
      std::vector<PolicyRule> rules;
      std::unordered_set<std::string> seen;
      for (const std::size_t source : role.sources) {
        for (const PolicyRule& rule : policy.cluster_roles[source].rules) {
          if (seen.insert(key_of(rule)).second) rules.push_back(rule);
        }
      }
      ClusterRole& target = policy.cluster_roles[role.role];
      grew = grew || rules.size() > target.rules.size();
      target.rules = std::move(rules);
    }
  }
}

}  // namespace gh::authz::rbac
