// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/authorizer.h"

namespace gh::worker {

Authorizer::Verdict Authorizer::decide(
    Principal& who, const authz::Attributes& what, std::string_view field_selector
) const noexcept {
  Verdict verdict = Verdict::deny;
  for (const AuthorizerKind kind : settings_.authorizers) {
    switch (kind) {
      case AuthorizerKind::always_allow:
        return Verdict::allow;
      case AuthorizerKind::node: {
        if (!who.node().is_node) continue;
        const authz::node::GraphSnapshot* graph = shared_.nodes.read();
        if (graph == nullptr) continue;  // none given: no opinion on anything
        const auto decision = authz::node::decide(*graph, who.node(), what, field_selector);
        if (decision == authz::Decision::allow) return Verdict::allow;
        continue;
      }
      case AuthorizerKind::rbac: {
        const authz::PolicySnapshot* policy = shared_.policy.read();
        if (policy == nullptr) {
          verdict = Verdict::not_ready;
          continue;
        }
        const auto& permissions = who.permissions(policy->table);
        if (policy->table.decide(permissions, what).decision == authz::Decision::allow)
          return Verdict::allow;
        continue;
      }
    }
  }
  return verdict;
}

std::string Authorizer::reason(
    Principal& who, const authz::Attributes& what, std::string_view field_selector
) const {
  std::string all;
  const auto add = [&all](const std::string& text) {
    if (!all.empty() && !text.empty()) all += '\n';
    all += text;
  };
  for (const AuthorizerKind kind : settings_.authorizers) {
    if (kind == AuthorizerKind::always_allow) return {};
    if (kind == AuthorizerKind::node) {
      const authz::node::GraphSnapshot* graph = shared_.nodes.read();
      if (graph == nullptr) continue;
      if (authz::node::decide(*graph, who.node(), what, field_selector) == authz::Decision::allow)
        return {};
      add(authz::node::reason(*graph, who.node(), what, field_selector));
      continue;
    }
    const authz::PolicySnapshot* policy = shared_.policy.read();
    if (policy == nullptr) continue;
    const auto& permissions = who.permissions(policy->table);
    std::string text = policy->table.reason(permissions, what);
    if (policy->table.decide(permissions, what).decision == authz::Decision::allow) return text;
    add(text);
  }
  return all;
}

}  // namespace gh::worker
