// SPDX-License-Identifier: Apache-2.0
// YAML and JSON texts as one plain tree with line numbers, types resolved as Kubernetes' YAML
// reader resolves them (YAML 1.1: `yes`, `on`, `0x1F`, `~` unquoted are not strings). Bounded:
// depth, and how far aliases expand. In: a text.   Out: each document's tree, in order; or the
// first fault with its line. Owner: one call of PolicyLoader. Wraps yaml-cpp and simdjson, whose
// exceptions end here.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::rbac {

enum class NodeKind : std::uint8_t { null, boolean, number, string, list, map, alias };
std::string_view name_of(NodeKind kind);  // "a list", for messages

struct Node {
  NodeKind kind = NodeKind::null;
  std::uint32_t line = 0;     // from 1
  std::uint32_t first = 0;    // first child; of an alias: what it stands for
  std::uint32_t next = 0;     // next of the same parent; 0: none
  std::uint32_t text_at = 0;  // of scalars, as written
  std::uint32_t text_bytes = 0;
  std::uint32_t key_at = 0;  // in a map
  std::uint32_t key_bytes = 0;
  // of lists and maps: nodes below, aliases counted as what they stand for
  std::uint32_t size = 0;
};

class Tree {
 public:
  Tree() { nodes.emplace_back(); }  // index 0 means "none"

  std::vector<Node> nodes;
  std::string text;
  std::uint32_t root = 0;
};

// A borrowed node; aliases are followed.
class NodeView {
 public:
  NodeView(const Tree& tree, std::uint32_t at) : tree_(&tree), here_(at), at_(at) {
    while (tree.nodes[at_].kind == NodeKind::alias) at_ = tree.nodes[at_].first;
  }

  NodeKind kind() const { return node().kind; }

  std::uint32_t line() const { return tree_->nodes[here_].line; }

  std::string_view text() const {
    return std::string_view(tree_->text).substr(node().text_at, node().text_bytes);
  }

  std::string_view key() const {
    const Node& here = tree_->nodes[here_];
    return std::string_view(tree_->text).substr(here.key_at, here.key_bytes);
  }

  // Children in order: of a list, or of a map with their key().
  template <class Visit>
  void each(Visit visit) const {
    for (std::uint32_t child = node().first; child != 0; child = tree_->nodes[child].next) {
      visit(NodeView(*tree_, child));
    }
  }

 private:
  const Node& node() const { return tree_->nodes[at_]; }

  const Tree* tree_;
  std::uint32_t here_;  // the place: key, line, next
  std::uint32_t at_;    // the value
};

struct TreeFault {
  std::string text;
  std::size_t line = 0;  // 0: unknown
};

using TakeDocument = std::function<Result<void, TreeFault>(const Tree& document)>;

// Calls `take` for each document that is not empty. The first fault, its own or one from `take`,
// ends it.
Result<void, TreeFault> read_documents(
    std::string_view text, bool json_only, const TakeDocument& take
);

// What an unquoted YAML scalar is.
NodeKind kind_of_plain(std::string_view text);

}  // namespace gh::authz::rbac
