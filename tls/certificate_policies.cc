// SPDX-License-Identifier: Apache-2.0
// The graph of RFC 9618 §5 instead of the tree of RFC 5280: its size is linear in the
// certificates', the tree's is exponential.
#include "tls/certificate_policies.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace gh::tls {
namespace {

using Policy = std::string_view;  // the contents of its OID

constexpr std::array<std::uint8_t, 4> any_policy_oid = {0x55, 0x1d, 0x20, 0};
const Policy any_policy = as_text(ByteView(any_policy_oid));

struct Node {
  Policy policy;
  std::vector<Policy> expected;
  std::set<Node*> parents, children;
};

class Graph {
 public:
  Graph() { levels_.emplace_back().emplace(any_policy, make(any_policy, {})); }

  void descend() {
    by_expected_.clear();
    for (auto& [policy, node] : levels_.back()) {
      for (const Policy expected : node->expected) by_expected_[expected].push_back(node);
    }
    levels_.emplace_back();
  }

  Node* insert(Policy policy, const std::vector<Node*>& parents) {
    Node* node = make(policy, parents);
    levels_.back()[policy] = node;
    return node;
  }

  Node* leaf(Policy policy) { return find(levels_.back(), policy); }

  // RFC 9618 §5.4 (d) (1): under the parents that expect it, else under anyPolicy.
  void add_policy(Policy policy) {
    if (const auto parents = by_expected_.find(policy); parents != by_expected_.end()) {
      insert(policy, parents->second);
    } else if (Node* any = find(*(levels_.end() - 2), any_policy)) {
      insert(policy, {any});
    }
  }

  // RFC 9618 §5.4 (d) (2): what the level above expects and no leaf has yet.
  void add_missing() {
    std::map<Policy, std::vector<Node*>> missing;
    for (auto& [policy, parent] : *(levels_.end() - 2)) {
      for (const Policy expected : parent->expected) {
        if (leaf(expected) == nullptr) missing[expected].push_back(parent);
      }
    }
    for (auto& [policy, parents] : missing) insert(policy, parents);
  }

  void remove_leaf(Policy policy) {
    Node* node = leaf(policy);
    if (node == nullptr) return;
    detach(*node);
    levels_.back().erase(policy);
  }

  void prune() {  // nodes above the leaves that have no children left; the root stays
    for (std::size_t i = levels_.size() - 1; i-- > 1;) {
      std::erase_if(levels_[i], [](auto& entry) {
        if (!entry.second->children.empty()) return false;
        detach(*entry.second);
        return true;
      });
    }
  }

  // RFC 9618 §5.6: whether any policy is valid for the whole path.
  bool has_valid_policy() {
    if (leaf(any_policy) != nullptr) return true;
    for (auto& level : levels_) {
      for (auto& [policy, node] : level) {
        if (policy != any_policy && node->parents.size() == 1 &&
            (*node->parents.begin())->policy == any_policy)
          return true;
      }
    }
    return false;
  }

 private:
  using Level = std::map<Policy, Node*>;

  static Node* find(Level& level, Policy policy) {
    const auto at = level.find(policy);
    return at == level.end() ? nullptr : at->second;
  }

  static void detach(Node& node) {
    for (Node* parent : node.parents) parent->children.erase(&node);
    for (Node* child : node.children) child->parents.erase(&node);
  }

  Node* make(Policy policy, const std::vector<Node*>& parents) {
    Node& node = nodes_.emplace_back(Node{policy, {policy}, {}, {}});
    for (Node* parent : parents) {
      parent->children.insert(&node);
      node.parents.insert(parent);
    }
    return &node;
  }

  std::deque<Node> nodes_;
  std::vector<Level> levels_;
  std::map<Policy, std::vector<Node*>> by_expected_;
};

// RFC 9618 §5.5 (b). False: a mapping from or to anyPolicy.
bool apply_mappings(Graph& graph, const Certificate& certificate, bool mapping_allowed) {
  std::map<Policy, std::vector<Policy>> mappings;
  for (const PolicyMapping& mapping : certificate.policy_mappings) {
    const Policy issuer = as_text(mapping.issuer), subject = as_text(mapping.subject);
    if (!mapping_allowed) {
      graph.remove_leaf(issuer);
      continue;
    }
    if (issuer == any_policy || subject == any_policy) return false;
    mappings[issuer].push_back(subject);
  }
  graph.prune();
  for (auto& [issuer, subjects] : mappings) {
    if (Node* node = graph.leaf(issuer)) {
      node->expected = subjects;
    } else if (Node* any = graph.leaf(any_policy)) {
      graph.insert(issuer, {any})->expected = subjects;
    }
  }
  return true;
}

bool self_issued(const Certificate& certificate) {
  return std::equal(
      certificate.issuer.begin(),
      certificate.issuer.end(),
      certificate.subject.begin(),
      certificate.subject.end()
  );
}

// The counters of RFC 5280 §6.1.2 (d) to (f).
struct Counters {
  std::int64_t explicit_policy, policy_mapping, inhibit_any_policy;

  void pass(const Certificate& certificate) {  // §6.1.4 (h) to (j)
    if (!self_issued(certificate)) {
      for (auto* counter : {&explicit_policy, &policy_mapping, &inhibit_any_policy})
        *counter = std::max<std::int64_t>(*counter - 1, 0);
    }
    lower(explicit_policy, certificate.require_explicit_policy);
    lower(policy_mapping, certificate.inhibit_policy_mapping);
    lower(inhibit_any_policy, certificate.inhibit_any_policy);
  }

  static void lower(std::int64_t& counter, std::int64_t to) {
    if (to >= 0) counter = std::min(counter, to);
  }
};

bool nothing_to_check(std::span<const Certificate* const> path) {
  return std::none_of(path.begin(), path.end(), [](const Certificate* c) {
    return c->require_explicit_policy >= 0 || !c->policy_mappings.empty();
  });
}

}  // namespace

bool policies_valid(std::span<const Certificate* const> path) {
  // Without either extension the counter cannot reach zero: it begins above the path's length.
  if (path.size() == 1 || nothing_to_check(path.first(path.size() - 1))) return true;
  const std::size_t n = path.size() - 1;  // the anchor does not take part
  const auto start = static_cast<std::int64_t>(n) + 1;
  Counters counters{start, start, start};
  Graph graph;
  bool valid_graph = true;
  for (std::size_t i = n; i-- > 0;) {
    const Certificate& certificate = *path[i];
    if (certificate.policies.empty()) valid_graph = false;
    if (counters.explicit_policy == 0 && !valid_graph) return false;
    if (valid_graph) {
      graph.descend();
      bool any = false;
      for (const ByteView policy : certificate.policies) {
        if (as_text(policy) == any_policy) {
          any = true;
        } else {
          graph.add_policy(as_text(policy));
        }
      }
      if (any && (counters.inhibit_any_policy > 0 || (i > 0 && self_issued(certificate))))
        graph.add_missing();
      graph.prune();
      if (i != 0 && !certificate.policy_mappings.empty() &&
          !apply_mappings(graph, certificate, counters.policy_mapping > 0))
        return false;
    }
    if (i != 0) counters.pass(certificate);
  }
  if (counters.explicit_policy > 0) --counters.explicit_policy;
  if (path[0]->require_explicit_policy == 0) counters.explicit_policy = 0;
  return counters.explicit_policy > 0 || (valid_graph && graph.has_valid_policy());
}

}  // namespace gh::tls
