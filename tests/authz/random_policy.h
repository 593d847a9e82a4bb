// SPDX-License-Identifier: Apache-2.0
// Random policies and questions, narrow enough that questions hit. GH_SEED chooses others.
#pragma once

#include "authz/attributes.h"
#include "authz/identity/identity.h"
#include "authz/rbac/policy.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace gh::authz::rbac {

inline std::uint64_t seed_of_the_run() {
  const char* const given = std::getenv("GH_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 20'240'601;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }

  bool chance(double p) { return std::bernoulli_distribution(p)(engine_); }

  const std::string& pick(const std::vector<std::string>& words) {
    return words[below(words.size())];
  }

  std::vector<std::string> some(const std::vector<std::string>& words, std::size_t most) {
    std::vector<std::string> out(below(most + 1));
    for (auto& word : out) word = pick(words);
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

inline const std::vector<std::string> verbs = {"get", "list", "watch", "create", "*", "", "use"};
inline const std::vector<std::string> groups_of_api = {"", "apps", "x.io", "*"};
inline const std::vector<std::string> resources = {
    "pods", "pods/log", "*/log", "*", "pods/*", "*/*", "nodes", "*/", "nodes/", "", "log"
};
inline const std::vector<std::string> subresources = {"", "", "log", "*", "scale"};
inline const std::vector<std::string> names = {"a", "b", "*", ""};
inline const std::vector<std::string> urls = {
    "/", "/*", "*", "/a", "/a*", "/ab", "/ab/*", "/a*b", "", "**", "/ab/**"
};
inline const std::vector<std::string> paths = {
    "", "/", "/a", "/ab", "/ab/", "/ab/c", "/abc", "/a*b", "*", "b"
};
inline const std::vector<std::string> spaces = {"", "ns1", "ns2", "ns3"};
inline const std::vector<std::string> users = {
    "u", "v", "", "system:serviceaccount:ns1:sa", "system:serviceaccount:ns2:sa", "*"
};
inline const std::vector<std::string> groups = {"g", "h", "i", "", "system:authenticated", "*"};
inline const std::vector<std::string> kinds = {
    "User", "Group", "ServiceAccount", "User", "Group", "user"
};

inline PolicyRule random_rule(Random& random, std::size_t scale) {
  PolicyRule rule;
  rule.verbs = random.some(verbs, 3);
  if (random.chance(0.05)) {
    for (int i = 0; i < 100; ++i) rule.verbs.push_back("v" + std::to_string(random.below(200)));
  }
  rule.api_groups = random.some(groups_of_api, 2 * scale);
  rule.resources = random.some(resources, 3 * scale);
  if (random.chance(0.4)) rule.resource_names = random.some(names, 2 * scale);
  if (random.chance(0.3)) rule.non_resource_urls = random.some(urls, 3);
  if (random.chance(0.05)) {  // wide
    for (int i = 0; i < 40; ++i) {
      rule.api_groups.push_back("g" + std::to_string(i));
      rule.resources.push_back("r" + std::to_string(i));
    }
  }
  return rule;
}

inline std::vector<PolicyRule> random_rules(Random& random) {
  std::vector<PolicyRule> rules(random.below(4));
  for (auto& rule : rules) rule = random_rule(random, 1 + random.below(3));
  return rules;
}

inline Binding random_binding(Random& random, std::size_t number, bool cluster) {
  Binding binding;
  binding.name = "b" + std::to_string(number);
  if (!cluster) binding.namespace_ = random.pick(spaces);
  binding.role.kind = random.chance(0.6) ? "ClusterRole" : random.chance(0.9) ? "Role" : "Rolle";
  binding.role.name = "r" + std::to_string(random.below(14));
  binding.subjects.resize(random.below(4));
  for (auto& subject : binding.subjects) {
    subject.kind = random.pick(kinds);
    subject.name = subject.kind == "Group"  ? random.pick(groups)
                   : subject.kind == "User" ? random.pick(users)
                                            : "sa";
    if (random.chance(0.5)) subject.namespace_ = random.pick(spaces);
  }
  return binding;
}

inline Policy random_policy(Random& random) {
  Policy policy;
  for (std::size_t i = 0; i < 12; ++i) {
    policy.cluster_roles.push_back({"r" + std::to_string(i), {}, random_rules(random), std::nullopt}
    );
    for (const char* space : {"ns1", "ns2", ""}) {
      if (random.chance(0.5))
        policy.roles.push_back({space, "r" + std::to_string(i), random_rules(random)});
    }
  }
  const std::size_t bindings = random.below(40);
  for (std::size_t i = 0; i < bindings; ++i) {
    policy.cluster_role_bindings.push_back(random_binding(random, i, true));
    policy.role_bindings.push_back(random_binding(random, i, false));
  }
  return policy;
}

struct RandomQuestion {
  explicit RandomQuestion(Random& random)
      : verb(random.chance(0.05) ? "v" + std::to_string(random.below(210)) : random.pick(verbs)),
        group(
            random.chance(0.05) ? "g" + std::to_string(random.below(50))
                                : random.pick(groups_of_api)
        ),
        resource(
            random.chance(0.05) ? "r" + std::to_string(random.below(50)) : random.pick(resources)
        ),
        subresource(random.pick(subresources)),
        name(random.pick(names)),
        space(random.pick(spaces)),
        path(random.pick(paths)) {
    who = {random.pick(users), "", random.some(groups, 4), {}};
    if (random.chance(0.02)) who.groups.emplace_back("system:masters");
    what = {random.chance(0.75), verb, path, group, "v1", space, resource, subresource, name};
  }

  RandomQuestion(const RandomQuestion&) = delete;
  RandomQuestion& operator=(const RandomQuestion&) = delete;

  std::string verb, group, resource, subresource, name, space, path;
  identity::Identity who;
  Attributes what;
};

}  // namespace gh::authz::rbac
