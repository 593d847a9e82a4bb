// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/policy_yaml.h"

#include "authz/go_text.h"
#include "authz/rbac/aggregation.h"
#include "authz/rbac/policy_files.h"
#include "authz/rbac/policy_tree.h"
#include "authz/selectors.h"
#include "base/limits.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace gh::authz::rbac {
namespace {

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";
constexpr std::string_view rbac_version = "rbac.authorization.k8s.io/v1";

// Where a value stands, as words; made only when something is wrong with it.
struct Place {
  const Place* up = nullptr;
  std::string_view field;
  std::optional<std::size_t> index = std::nullopt;

  std::string text() const {
    std::string out = up != nullptr ? up->text() : std::string();
    if (index) return out + "[" + std::to_string(*index) + "]";
    if (!out.empty() && !field.empty()) out += '.';
    return out.append(field);
  }
};

std::string found(NodeView node) {
  switch (node.kind()) {
    case NodeKind::boolean:
      return "the boolean " + std::string(node.text()) + " (quote it to make it a string)";
    case NodeKind::number:
      return "the number " + std::string(node.text()) + " (quote it to make it a string)";
    case NodeKind::string:
      return "the string " + go_quoted(node.text().substr(0, 64));
    case NodeKind::null:
    case NodeKind::list:
    case NodeKind::map:
    case NodeKind::alias:
      break;
  }
  return std::string(name_of(node.kind()));
}

using Done = Result<void, TreeFault>;

auto wrong(NodeView node, const Place& place, std::string_view what) {
  const std::string where = place.text();
  return fail(TreeFault{(where.empty() ? "" : where + ": ") + std::string(what), node.line()});
}

auto expected(NodeView node, const Place& place, std::string_view what) {
  return wrong(node, place, "expected " + std::string(what) + ", found " + found(node));
}

// JSON null leaves a field as if it were absent, everywhere.
Done read_string(NodeView node, const Place& place, std::string& out) {
  if (node.kind() == NodeKind::null) return {};
  if (node.kind() != NodeKind::string) return expected(node, place, "a string");
  out = node.text();
  return {};
}

// visit(child, place) for each element; the first fault ends it.
template <class Visit>
Done read_list(NodeView node, const Place& place, std::string_view what, Visit visit) {
  if (node.kind() == NodeKind::null) return {};
  if (node.kind() != NodeKind::list) return expected(node, place, what);
  Done done;
  std::size_t index = 0;
  node.each([&](NodeView child) {
    if (!done) return;
    const Place here{&place, {}, index++};
    done = visit(child, here);
  });
  return done;
}

template <class Visit>
Done read_map(NodeView node, const Place& place, std::string_view what, Visit visit) {
  if (node.kind() == NodeKind::null) return {};
  if (node.kind() != NodeKind::map) return expected(node, place, what);
  Done done;
  node.each([&](NodeView child) {
    if (!done) return;
    const Place here{&place, child.key()};
    done = visit(child, here);
  });
  return done;
}

Done read_strings(NodeView node, const Place& place, std::vector<std::string>& out) {
  return read_list(node, place, "a list of strings", [&](NodeView child, const Place& here) {
    return read_string(child, here, out.emplace_back());
  });
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct Meta {
  std::string name;
  std::string namespace_;
  Labels labels;
};

}  // namespace

// Documents → the loader's policy.
class PolicyReader {
 public:
  PolicyReader(PolicyLoader& loader, const std::string& name) : loader_(loader), name_(name) {}

  Done document(NodeView root) {
    const Place top;
    return object(root, top, {});
  }

 private:
  bool strict() const { return loader_.validation_ == Validation::api_server; }

  std::string where(std::size_t line) const { return name_ + ":" + std::to_string(line); }

  void warn(NodeView node, std::string_view text) {
    if (loader_.warnings_.size() < limits::policy_warnings_max) {
      loader_.warnings_.push_back(where(node.line()) + ": " + std::string(text));
    }
  }

  Done unknown(NodeView node, const Place& place) {
    warn(node, "unknown field " + go_quoted(place.text()) + " is ignored");
    return {};
  }

  // `implied`: the kind of items in an XxxList, which may leave it out.
  Done object(NodeView node, const Place& place, std::string_view implied) {
    if (node.kind() != NodeKind::map) return expected(node, place, "a Kubernetes object");
    std::string version;
    std::string kind;
    GH_TRY_VOID(read_type(node, place, version, kind));
    if (!implied.empty()) {
      if (kind.empty()) kind = implied;
      if (version.empty()) version = rbac_version;
      if (kind != implied)
        return wrong(
            node, place, "expected kind " + go_quoted(implied) + ", found " + go_quoted(kind)
        );
    }
    if (kind.empty()) return wrong(node, place, "kind is missing");
    if (version.empty()) return wrong(node, place, "apiVersion is missing");
    if (kind == "List" && version == "v1") return items(node, place, {});
    const std::string_view group = std::string_view(version).substr(0, version.find('/'));
    if (group != rbac_group || version.find('/') == std::string::npos) {
      ++loader_.policy_.ignored_objects;
      return {};
    }
    if (version != rbac_version) {
      return wrong(
          node,
          place,
          "apiVersion " + go_quoted(version) + " is not served; expected " + go_quoted(rbac_version)
      );
    }
    return rbac_object(node, place, kind);
  }

  static Done read_type(
      NodeView node, const Place& place, std::string& version, std::string& kind
  ) {
    return read_map(node, place, "an object", [&](NodeView child, const Place& here) -> Done {
      if (child.key() == "apiVersion") return read_string(child, here, version);
      if (child.key() == "kind") return read_string(child, here, kind);
      return {};
    });
  }

  Done rbac_object(NodeView node, const Place& place, std::string_view kind) {
    if (kind == "Role") return role(node, place);
    if (kind == "ClusterRole") return cluster_role(node, place);
    if (kind == "RoleBinding") return binding(node, place, false);
    if (kind == "ClusterRoleBinding") return binding(node, place, true);
    if (kind == "RoleList") return items(node, place, "Role");
    if (kind == "ClusterRoleList") return items(node, place, "ClusterRole");
    if (kind == "RoleBindingList") return items(node, place, "RoleBinding");
    if (kind == "ClusterRoleBindingList") return items(node, place, "ClusterRoleBinding");
    return wrong(
        node,
        place,
        "there is no kind " + go_quoted(kind) + " in " + std::string(rbac_version) +
            "; expected Role, ClusterRole, RoleBinding, ClusterRoleBinding or a list of one"
    );
  }

  Done items(NodeView node, const Place& place, std::string_view implied) {
    return read_map(node, place, "a list object", [&](NodeView child, const Place& here) -> Done {
      if (child.key() != "items") return {};
      return read_list(child, here, "a list of objects", [&](NodeView item, const Place& at) {
        return object(item, at, implied);
      });
    });
  }

  // ---- metadata ----
  Done metadata(NodeView node, const Place& place, Meta& out) {
    return read_map(node, place, "a map", [&](NodeView child, const Place& here) -> Done {
      const std::string_view key = child.key();
      if (key == "name") return read_string(child, here, out.name);
      if (key == "namespace") return read_string(child, here, out.namespace_);
      if (key == "labels") return labels(child, here, out.labels);
      if (is_one_of(
              key,
              {"annotations",
               "generateName",
               "selfLink",
               "uid",
               "resourceVersion",
               "generation",
               "creationTimestamp",
               "deletionTimestamp",
               "deletionGracePeriodSeconds",
               "ownerReferences",
               "finalizers",
               "managedFields"}
          )) {
        return {};
      }
      return unknown(child, here);
    });
  }

  static Done labels(NodeView node, const Place& place, Labels& out) {
    return read_map(node, place, "a map of strings", [&](NodeView child, const Place& here) {
      out.emplace_back(child.key(), std::string());
      return read_string(child, here, out.back().second);
    });
  }

  Done check_name(
      NodeView node, const Place& place, std::string_view kind, Meta& meta, bool namespaced
  ) {
    if (!namespaced && !meta.namespace_.empty()) {
      warn(
          node,
          "metadata.namespace of " + std::string(kind) + " " + go_quoted(meta.name) +
              " is ignored: the kind has no namespace"
      );
      meta.namespace_.clear();
    }
    if (strict()) {
      if (meta.name.empty())
        return wrong(node, place, std::string(kind) + " without metadata.name");
      if (!is_path_segment(meta.name)) {
        return wrong(
            node,
            place,
            "metadata.name " + go_quoted(meta.name) +
                " may not be '.' or '..' nor contain '/' or '%'"
        );
      }
      if (namespaced && meta.namespace_.empty()) {
        return wrong(
            node,
            place,
            std::string(kind) + " " + go_quoted(meta.name) + " without metadata.namespace"
        );
      }
      if (namespaced && !is_dns1123_label(meta.namespace_)) {
        return wrong(
            node, place, "metadata.namespace " + go_quoted(meta.namespace_) + " is not a DNS label"
        );
      }
    }
    std::string id =
        std::string(kind) + " " + (namespaced ? meta.namespace_ + "/" : "") + meta.name;
    const auto [at, is_new] = loader_.seen_.try_emplace(std::move(id), where(node.line()));
    if (is_new) return {};
    return wrong(node, place, at->first + " is there already (" + at->second + ")");
  }

  // ---- roles ----
  Done role(NodeView node, const Place& place) {
    Meta meta;
    Role out;
    GH_TRY_VOID(read_map(node, place, "an object", [&](NodeView child, const Place& here) -> Done {
      if (is_one_of(child.key(), {"apiVersion", "kind"})) return {};
      if (child.key() == "metadata") return metadata(child, here, meta);
      if (child.key() == "rules") return rules(child, here, true, out.rules);
      return unknown(child, here);
    }));
    GH_TRY_VOID(check_name(node, place, "Role", meta, true));
    out.name = std::move(meta.name);
    out.namespace_ = std::move(meta.namespace_);
    loader_.policy_.roles.push_back(std::move(out));
    return {};
  }

  Done cluster_role(NodeView node, const Place& place) {
    Meta meta;
    ClusterRole out;
    GH_TRY_VOID(read_map(node, place, "an object", [&](NodeView child, const Place& here) -> Done {
      if (is_one_of(child.key(), {"apiVersion", "kind"})) return {};
      if (child.key() == "metadata") return metadata(child, here, meta);
      if (child.key() == "rules") return rules(child, here, false, out.rules);
      if (child.key() == "aggregationRule") return aggregation(child, here, out.aggregation);
      return unknown(child, here);
    }));
    GH_TRY_VOID(check_name(node, place, "ClusterRole", meta, false));
    out.name = std::move(meta.name);
    out.labels = std::move(meta.labels);
    loader_.policy_.cluster_roles.push_back(std::move(out));
    return {};
  }

  Done rules(NodeView node, const Place& place, bool namespaced, std::vector<PolicyRule>& out) {
    return read_list(node, place, "a list of rules", [&](NodeView child, const Place& here) {
      return rule(child, here, namespaced, out.emplace_back());
    });
  }

  Done rule(NodeView node, const Place& place, bool namespaced, PolicyRule& out) {
    GH_TRY_VOID(read_map(node, place, "a rule", [&](NodeView child, const Place& here) -> Done {
      const std::string_view key = child.key();
      if (key == "verbs") return read_strings(child, here, out.verbs);
      if (key == "apiGroups") return read_strings(child, here, out.api_groups);
      if (key == "resources") return read_strings(child, here, out.resources);
      if (key == "resourceNames") return read_strings(child, here, out.resource_names);
      if (key == "nonResourceURLs") return read_strings(child, here, out.non_resource_urls);
      return unknown(child, here);
    }));
    if (!strict()) return {};
    if (out.verbs.empty()) return wrong(node, place, "verbs must have at least one value");
    if (!out.non_resource_urls.empty()) {
      if (namespaced)
        return wrong(node, place, "nonResourceURLs cannot be in a Role, which has a namespace");
      if (!out.api_groups.empty() || !out.resources.empty() || !out.resource_names.empty()) {
        return wrong(node, place, "a rule is for nonResourceURLs or for resources, not both");
      }
      return {};
    }
    if (out.api_groups.empty())
      return wrong(node, place, "apiGroups must have at least one value (\"\" is the core group)");
    if (out.resources.empty()) return wrong(node, place, "resources must have at least one value");
    return {};
  }

  Done aggregation(
      NodeView node, const Place& place, std::optional<std::vector<LabelSelector>>& out
  ) {
    if (node.kind() == NodeKind::null) return {};
    out.emplace();
    GH_TRY_VOID(read_map(node, place, "a map", [&](NodeView child, const Place& here) -> Done {
      if (child.key() != "clusterRoleSelectors") return unknown(child, here);
      return read_list(
          child,
          here,
          "a list of label selectors",
          [&](NodeView each, const Place& at) { return selector(each, at, out->emplace_back()); }
      );
    }));
    if (strict() && out->empty())
      return wrong(node, place, "clusterRoleSelectors must have at least one selector");
    return {};
  }

  Done selector(NodeView node, const Place& place, LabelSelector& out) {
    return read_map(
        node,
        place,
        "a label selector",
        [&](NodeView child, const Place& here) -> Done {
          if (child.key() == "matchLabels") {
            Labels wanted;
            GH_TRY_VOID(labels(child, here, wanted));
            for (auto& [key, value] : wanted) {
              LabelRequirement one{std::move(key), LabelRequirement::Op::in, {std::move(value)}};
              GH_TRY_VOID(check_requirement(child, here, one));
              out.requirements.push_back(std::move(one));
            }
            return {};
          }
          if (child.key() == "matchExpressions") {
            return read_list(
                child,
                here,
                "a list of label requirements",
                [&](NodeView each, const Place& at) {
                  return requirement(each, at, out.requirements.emplace_back());
                }
            );
          }
          return unknown(child, here);
        }
    );
  }

  Done requirement(NodeView node, const Place& place, LabelRequirement& out) {
    std::string op;
    GH_TRY_VOID(read_map(
        node,
        place,
        "a label requirement",
        [&](NodeView child, const Place& here) -> Done {
          if (child.key() == "key") return read_string(child, here, out.key);
          if (child.key() == "operator") return read_string(child, here, op);
          if (child.key() == "values") return read_strings(child, here, out.values);
          return unknown(child, here);
        }
    ));
    const bool listed = op == "In" || op == "NotIn";
    if (op == "In") {
      out.op = LabelRequirement::Op::in;
    } else if (op == "NotIn") {
      out.op = LabelRequirement::Op::not_in;
    } else if (op == "Exists") {
      out.op = LabelRequirement::Op::exists;
    } else if (op == "DoesNotExist") {
      out.op = LabelRequirement::Op::does_not_exist;
    } else {
      return wrong(
          node, place, "expected operator In, NotIn, Exists or DoesNotExist, found " + go_quoted(op)
      );
    }
    if (listed && out.values.empty())
      return wrong(node, place, "values must have at least one value for operator " + op);
    if (!listed && !out.values.empty())
      return wrong(node, place, "values must be empty for operator " + op);
    return check_requirement(node, place, out);
  }

  static Done check_requirement(NodeView node, const Place& place, const LabelRequirement& one) {
    if (!is_label_key(one.key))
      return wrong(node, place, go_quoted(one.key) + " is not a label key");
    for (const auto& value : one.values) {
      if (!is_label_value(value))
        return wrong(node, place, go_quoted(value) + " is not a label value");
    }
    return {};
  }

  // ---- bindings ----
  Done binding(NodeView node, const Place& place, bool cluster) {
    const std::string_view kind = cluster ? "ClusterRoleBinding" : "RoleBinding";
    Meta meta;
    Binding out;
    bool has_role = false;
    GH_TRY_VOID(read_map(node, place, "an object", [&](NodeView child, const Place& here) -> Done {
      if (is_one_of(child.key(), {"apiVersion", "kind"})) return {};
      if (child.key() == "metadata") return metadata(child, here, meta);
      if (child.key() == "subjects") {
        return read_list(child, here, "a list of subjects", [&](NodeView each, const Place& at) {
          return subject(each, at, cluster, out.subjects.emplace_back());
        });
      }
      if (child.key() != "roleRef") return unknown(child, here);
      has_role = child.kind() != NodeKind::null;
      return role_ref(child, here, cluster, out.role);
    }));
    GH_TRY_VOID(check_name(node, place, kind, meta, !cluster));
    if (strict() && !has_role) {
      return wrong(
          node, place, std::string(kind) + " " + go_quoted(meta.name) + " without roleRef"
      );
    }
    out.name = std::move(meta.name);
    out.namespace_ = std::move(meta.namespace_);
    auto& into = cluster ? loader_.policy_.cluster_role_bindings : loader_.policy_.role_bindings;
    into.push_back(std::move(out));
    return {};
  }

  Done role_ref(NodeView node, const Place& place, bool cluster, RoleRef& out) {
    std::string group;
    GH_TRY_VOID(read_map(
        node,
        place,
        "a role reference",
        [&](NodeView child, const Place& here) -> Done {
          if (child.key() == "apiGroup") return read_string(child, here, group);
          if (child.key() == "kind") return read_string(child, here, out.kind);
          if (child.key() == "name") return read_string(child, here, out.name);
          return unknown(child, here);
        }
    ));
    if (!strict()) return {};
    GH_TRY_VOID(check_group(node, place, group));
    if (out.kind != "ClusterRole" && (cluster || out.kind != "Role")) {
      return wrong(
          node,
          place,
          std::string("expected kind ") + (cluster ? "ClusterRole" : "Role or ClusterRole") +
              ", found " + go_quoted(out.kind)
      );
    }
    if (out.name.empty()) return wrong(node, place, "name is missing");
    if (!is_path_segment(out.name)) {
      return wrong(
          node,
          place,
          "name " + go_quoted(out.name) + " may not be '.' or '..' nor contain '/' or '%'"
      );
    }
    return {};
  }

  static Done check_group(NodeView node, const Place& place, std::string_view group) {
    if (group.empty() || group == rbac_group) return {};
    return wrong(
        node, place, "expected apiGroup " + go_quoted(rbac_group) + ", found " + go_quoted(group)
    );
  }

  Done subject(NodeView node, const Place& place, bool cluster, Subject& out) {
    std::string group;
    GH_TRY_VOID(read_map(node, place, "a subject", [&](NodeView child, const Place& here) -> Done {
      if (child.key() == "apiGroup") return read_string(child, here, group);
      if (child.key() == "kind") return read_string(child, here, out.kind);
      if (child.key() == "name") return read_string(child, here, out.name);
      if (child.key() == "namespace") return read_string(child, here, out.namespace_);
      return unknown(child, here);
    }));
    if (!strict()) return {};
    const bool account = out.kind == "ServiceAccount";
    if (!account && out.kind != "User" && out.kind != "Group") {
      return wrong(
          node, place, "expected kind User, Group or ServiceAccount, found " + go_quoted(out.kind)
      );
    }
    if (out.name.empty()) return wrong(node, place, "name is missing");
    if (!account) return check_group(node, place, group);
    if (!group.empty())
      return wrong(node, place, "a ServiceAccount has no apiGroup, found " + go_quoted(group));
    if (!is_dns1123_subdomain(out.name)) {
      return wrong(
          node, place, "the ServiceAccount name " + go_quoted(out.name) + " is not a DNS subdomain"
      );
    }
    if (cluster && out.namespace_.empty()) {
      return wrong(node, place, "a ServiceAccount in a ClusterRoleBinding needs a namespace");
    }
    return {};
  }

  PolicyLoader& loader_;
  const std::string& name_;
};

Outcome<void> PolicyLoader::add(std::string_view text, const std::string& name) {
  ++files_;
  bytes_ += text.size();
  if (bytes_ > limits::policy_file_bytes_max) {
    return fault(
        "the policy is larger than " + std::to_string(limits::policy_file_bytes_max >> 20) + " MiB",
        name
    );
  }
  PolicyReader reader(*this, name);
  const auto read = read_documents(text, name.ends_with(".json"), [&](const Tree& document) {
    return reader.document(NodeView(document, document.root));
  });
  if (read) return {};
  const TreeFault& what = read.error();
  return fault(what.text, what.line == 0 ? name : name + ":" + std::to_string(what.line));
}

Outcome<void> PolicyLoader::add_path(const std::filesystem::path& path) {
  GH_TRY(const auto files, files_at(path));
  for (const auto& file : files) {
    GH_TRY(const std::string text, read_file(file));
    GH_TRY_VOID(add(text, file.string()));
  }
  return {};
}

Policy PolicyLoader::take() {
  Policy policy = take_without_aggregation();
  aggregate(policy);
  return policy;
}

Policy PolicyLoader::take_without_aggregation() {
  seen_.clear();
  bytes_ = 0;
  return std::exchange(policy_, {});
}

Outcome<Policy> load_policy(const std::filesystem::path& path, std::vector<std::string>* warnings) {
  PolicyLoader loader;
  GH_TRY_VOID(loader.add_path(path));
  if (warnings != nullptr) *warnings = loader.warnings();
  return loader.take();
}

}  // namespace gh::authz::rbac
