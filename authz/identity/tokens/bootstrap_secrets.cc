// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/bootstrap_secrets.h"

#include "authz/go_text.h"
#include "authz/identity/tokens/base64url.h"
#include "authz/rbac/policy_tree.h"

#include <optional>
#include <utility>

namespace gh::identity {

using authz::rbac::NodeKind;
using authz::rbac::NodeView;
using authz::rbac::TreeFault;
using Done = Result<void, TreeFault>;

class SecretReader {
 public:
  SecretReader(BootstrapLoader& loader, const std::string& file) : loader_(loader), file_(file) {}

  // A Secret, or a list of them; other kinds are passed over.
  Done object(NodeView node, std::string_view kind_of_items = {}) {
    if (node.kind() != NodeKind::map) return wrong(node, "expected a Kubernetes object");
    const std::string_view kind = text_of(node, "kind").value_or(kind_of_items);
    if (kind == "List" || kind == "SecretList") return items(node, kind);
    if (kind.empty()) return wrong(node, "kind is missing");
    if (kind == "Secret") return secret(node);
    return {};
  }

 private:
  static Done wrong(NodeView node, std::string text) {
    return fail(TreeFault{std::move(text), node.line()});
  }

  std::string at(NodeView node) const { return file_ + ":" + std::to_string(node.line()); }

  static std::optional<NodeView> field(NodeView node, std::string_view name) {
    std::optional<NodeView> found;
    if (node.kind() != NodeKind::map) return found;
    node.each([&](NodeView child) {
      if (child.key() == name && child.kind() != NodeKind::null) found = child;
    });
    return found;
  }

  static std::optional<std::string_view> text_of(NodeView node, std::string_view name) {
    const auto child = field(node, name);
    if (!child || child->kind() != NodeKind::string) return std::nullopt;
    return child->text();
  }

  Done items(NodeView node, std::string_view kind) {
    const auto list = field(node, "items");
    if (!list) return {};
    if (list->kind() != NodeKind::list) return wrong(*list, "items: expected a list");
    Done done;
    list->each([&](NodeView child) {
      if (done) done = object(child, kind == "SecretList" ? "Secret" : "");
    });
    return done;
  }

  // data is base64, stringData plain; of a name in both the latter counts, as for the API server.
  Done read_data(NodeView node, std::string_view name, bool base64, BootstrapSecret& into) {
    const auto map = field(node, name);
    if (!map) return {};
    const std::string where(name);
    if (map->kind() != NodeKind::map) return wrong(*map, where + ": expected a map");
    Done done;
    map->each([&](NodeView child) {
      if (!done || child.kind() == NodeKind::null) return;
      const std::string here = where + "." + std::string(child.key());
      auto value = child.kind() == NodeKind::string
                       ? (base64 ? base64_decode(child.text()) : std::string(child.text()))
                       : std::optional<std::string>();
      if (value)
        into.data[std::string(child.key())] = std::move(*value);
      else
        done = wrong(child, here + (base64 ? ": expected base64" : ": expected a string"));
    });
    return done;
  }

  Done secret(NodeView node) {
    const std::string_view version = text_of(node, "apiVersion").value_or("");
    if (version != "v1") return wrong(node, "apiVersion: expected v1");
    const auto metadata = field(node, "metadata");
    if (!metadata || metadata->kind() != NodeKind::map) return wrong(node, "metadata is missing");
    const auto name = text_of(*metadata, "name");
    if (!name || name->empty()) return wrong(*metadata, "metadata.name is missing");
    const std::string_view name_space = text_of(*metadata, "namespace").value_or("");
    BootstrapSecret read;
    read.name = *name;
    read.type = text_of(node, "type").value_or("");
    read.deleted = field(*metadata, "deletionTimestamp").has_value();
    const bool meant =
        read.type == "bootstrap.kubernetes.io/token" || name->starts_with("bootstrap-token-");
    if (!meant) return {};
    GH_TRY_VOID(read_data(node, "data", true, read));
    GH_TRY_VOID(read_data(node, "stringData", false, read));
    if (name_space != "kube-system") {
      loader_.warnings_.push_back(
          at(node) + ": Secret " + authz::go_quoted(*name) +
          " is not in the namespace kube-system and authenticates nobody"
      );
      return {};
    }
    auto [place, fresh] = loader_.secrets_.try_emplace(read.name);
    if (!fresh) {
      return wrong(
          node,
          "Secret " + authz::go_quoted(*name) + " is here twice, first at " + place->second.where
      );
    }
    place->second = {std::move(read), at(node)};
    return {};
  }

  BootstrapLoader& loader_;
  const std::string& file_;
};

Outcome<void> BootstrapLoader::add(std::string_view text, const std::string& file) {
  SecretReader reader(*this, file);
  const auto read = authz::rbac::read_documents(
      text,
      file.ends_with(".json"),
      [&](const authz::rbac::Tree& tree) { return reader.object(NodeView(tree, tree.root)); }
  );
  if (read) return {};
  const std::size_t line = read.error().line;
  return fault(read.error().text, line == 0 ? file : file + ":" + std::to_string(line));
}

Outcome<BootstrapTokens> BootstrapLoader::finish() {
  GH_TRY(BootstrapTokens tokens, BootstrapTokens::make());
  for (const auto& [name, found] : secrets_) {
    const auto added = tokens.add(found.secret);
    if (!added) {
      warnings_.push_back(
          found.where + ": Secret " + authz::go_quoted(name) +
          " authenticates nobody: " + added.error()
      );
    }
  }
  return tokens;
}

}  // namespace gh::identity
