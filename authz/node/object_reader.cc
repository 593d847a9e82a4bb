// SPDX-License-Identifier: Apache-2.0
#include "authz/node/object_reader.h"

#include "authz/go_text.h"
#include "authz/rbac/policy_files.h"
#include "authz/rbac/policy_tree.h"
#include "base/limits.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace gh::authz::node {
namespace {

using rbac::NodeKind;
using rbac::NodeView;
using rbac::TreeFault;

using At = std::optional<NodeView>;  // nothing: absent or null, which Go reads alike

constexpr std::string_view mirror_annotation = "kubernetes.io/config.mirror";

// Fields of maps. What is not of the expected type is a fault: the first is kept, and reads as
// absent.
class Fields {
 public:
  const std::optional<TreeFault>& fault() const { return fault_; }

  void refuse(NodeView node, std::string text) {
    if (!fault_) fault_ = TreeFault{std::move(text), node.line()};
  }

  At map(At parent, std::string_view key) { return typed(field(parent, key), key, NodeKind::map); }

  std::string text(At parent, std::string_view key) {
    return text_or_null(parent, key).value_or(std::string());
  }

  std::optional<std::string> text_or_null(At parent, std::string_view key) {
    const At at = typed(field(parent, key), key, NodeKind::string);
    return at ? std::optional<std::string>(at->text()) : std::nullopt;
  }

  // Also for null elements, which Go reads as empty ones.
  template <class Visit>
  void each(At parent, std::string_view key, Visit visit) {
    const At list = typed(field(parent, key), key, NodeKind::list);
    if (!list) return;
    list->each([&](NodeView child) { visit(typed(child, key, NodeKind::map)); });
  }

  static At field(At parent, std::string_view key) {
    At found;
    if (!parent) return found;
    parent->each([&](NodeView child) {
      if (child.key() == key) found = child;
    });
    return found;
  }

  At typed(At at, std::string_view key, NodeKind kind) {
    if (!at || at->kind() == NodeKind::null) return std::nullopt;
    if (at->kind() == kind) return at;
    refuse(
        *at,
        std::string(key) + ": expected " + std::string(rbac::name_of(kind)) + ", found " +
            std::string(rbac::name_of(at->kind()))
    );
    return std::nullopt;
  }

 private:
  std::optional<TreeFault> fault_;
};

void keep(std::vector<std::string>& into, std::string name) {
  if (!name.empty()) into.push_back(std::move(name));
}

// One object of a kind the graph knows. The order in which volume sources are tried is Kubernetes':
// of a volume with two, only the first counts.
class Objects {
 public:
  explicit Objects(Fields& fields) : fields_(fields) {}

  Pod pod(At root) {
    const At meta = fields_.map(root, "metadata");
    const At spec = fields_.map(root, "spec");
    const At status = fields_.map(root, "status");
    Pod out;
    out.namespace_ = fields_.text(meta, "namespace");
    out.name = fields_.text(meta, "name");
    out.uid = fields_.text(meta, "uid");
    out.node = fields_.text(spec, "nodeName");
    out.mirror = Fields::field(fields_.map(meta, "annotations"), mirror_annotation).has_value();
    out.service_account = fields_.text(spec, "serviceAccountName");
    fields_.each(spec, "imagePullSecrets", [&](At each) {
      keep(out.secrets, fields_.text(each, "name"));
    });
    for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
      fields_.each(spec, list, [&](At each) { container(each, out); });
    }
    fields_.each(spec, "ephemeralContainers", [&](At) { ++out.ephemeral_containers; });
    fields_.each(spec, "volumes", [&](At each) { pod_volume(each, out); });
    fields_.each(status, "resourceClaimStatuses", [&](At each) {
      out.claim_statuses.push_back(
          {fields_.text(each, "name"), fields_.text_or_null(each, "resourceClaimName")}
      );
    });
    fields_.each(spec, "resourceClaims", [&](At each) { resource_claim(each, out); });
    const At extended = fields_.map(status, "extendedResourceClaimStatus");
    keep(out.resource_claims, fields_.text(extended, "resourceClaimName"));
    return out;
  }

  PersistentVolume volume(At root) {
    const At spec = fields_.map(root, "spec");
    PersistentVolume out;
    out.name = fields_.text(fields_.map(root, "metadata"), "name");
    const At claim = fields_.map(spec, "claimRef");
    if (claim) out.claim.emplace(fields_.text(claim, "namespace"), fields_.text(claim, "name"));
    if (claim) volume_secrets(spec, out);
    return out;
  }

  VolumeAttachment attachment(At root) {
    return {
        fields_.text(fields_.map(root, "metadata"), "name"),
        fields_.text(fields_.map(root, "spec"), "nodeName")
    };
  }

  ResourceSlice slice(At root) {
    return {
        fields_.text(fields_.map(root, "metadata"), "name"),
        fields_.text(fields_.map(root, "spec"), "nodeName")
    };
  }

  PodCertificateRequest certificate_request(At root) {
    const At meta = fields_.map(root, "metadata");
    return {
        fields_.text(meta, "namespace"),
        fields_.text(meta, "name"),
        fields_.text(fields_.map(root, "spec"), "nodeName")
    };
  }

 private:
  std::string secret_ref(At source, std::string_view key = "secretRef") {
    return fields_.text(fields_.map(source, key), "name");
  }

  void container(At container, Pod& out) {
    fields_.each(container, "envFrom", [&](At each) {
      keep(out.secrets, secret_ref(each));
      keep(out.config_maps, secret_ref(each, "configMapRef"));
    });
    fields_.each(container, "env", [&](At each) {
      const At from = fields_.map(each, "valueFrom");
      keep(out.secrets, secret_ref(from, "secretKeyRef"));
      keep(out.config_maps, secret_ref(from, "configMapKeyRef"));
    });
  }

  void pod_volume(At volume, Pod& out) {
    volume_secret(volume, out);
    volume_config_map(volume, out);
    if (const At claim = fields_.map(volume, "persistentVolumeClaim")) {
      keep(out.volume_claims, fields_.text(claim, "claimName"));
    } else if (fields_.map(volume, "ephemeral")) {
      out.volume_claims.push_back(out.name + "-" + fields_.text(volume, "name"));
    }
  }

  // podutil.VisitPodSecretNames
  void volume_secret(At volume, Pod& out) {
    const auto take = [&](std::string_view source, auto name_of_source) {
      const At at = fields_.map(volume, source);
      if (at) name_of_source(at);
      return at.has_value();
    };
    const auto by_ref = [&](At at) { keep(out.secrets, secret_ref(at)); };
    const auto by_name = [&](At at) { keep(out.secrets, fields_.text(at, "secretName")); };
    const auto projected = [&](At at) {
      fields_.each(at, "sources", [&](At each) { keep(out.secrets, secret_ref(each, "secret")); });
    };
    const auto published = [&](At at) {
      keep(out.secrets, secret_ref(at, "nodePublishSecretRef"));
    };
    static_cast<void>(
        take("azureFile", by_name) || take("cephfs", by_ref) || take("cinder", by_ref) ||
        take("flexVolume", by_ref) || take("projected", projected) || take("rbd", by_ref) ||
        take("secret", by_name) || take("scaleIO", by_ref) || take("iscsi", by_ref) ||
        take("storageos", by_ref) || take("csi", published)
    );
  }

  // podutil.VisitPodConfigmapNames
  void volume_config_map(At volume, Pod& out) {
    if (const At projected = fields_.map(volume, "projected")) {
      fields_.each(projected, "sources", [&](At each) {
        keep(out.config_maps, secret_ref(each, "configMap"));
      });
    } else {
      keep(out.config_maps, secret_ref(volume, "configMap"));
    }
  }

  // resourceclaim.Name: the claim named, or the one made from a template as the status tells; the
  // first status of that name counts, also when it says that there is no claim.
  void resource_claim(At claim, Pod& out) {
    if (const auto direct = fields_.text_or_null(claim, "resourceClaimName")) {
      return keep(out.resource_claims, *direct);
    }
    if (!fields_.text_or_null(claim, "resourceClaimTemplateName")) return;
    const std::string name = fields_.text(claim, "name");
    const auto status = std::find_if(
        out.claim_statuses.begin(),
        out.claim_statuses.end(),
        [&](const ClaimStatus& one) { return one.name == name; }
    );
    if (status != out.claim_statuses.end()) keep(out.resource_claims, status->claim.value_or(""));
  }

  // pvutil.VisitPVSecretNames, those that kubelets may see. Older kinds of volumes take the claim's
  // namespace where the reference names none.
  void volume_secrets(At spec, PersistentVolume& out) {
    const auto add = [&](std::string space, std::string name) {
      if (!name.empty()) out.secrets.emplace_back(std::move(space), std::move(name));
    };
    const auto by_ref = [&](std::string_view source, bool claim_namespace) {
      const At at = fields_.map(spec, source);
      if (!at) return false;
      const At ref = fields_.map(at, "secretRef");
      std::string space = fields_.text(ref, "namespace");
      if (space.empty() && claim_namespace) space = out.claim->first;
      add(std::move(space), fields_.text(ref, "name"));
      return true;
    };
    if (const At azure = fields_.map(spec, "azureFile")) {
      std::string space = fields_.text(azure, "secretNamespace");
      if (space.empty()) space = out.claim->first;
      return add(std::move(space), fields_.text(azure, "secretName"));
    }
    if (by_ref("cephfs", true) || by_ref("cinder", false) || by_ref("flexVolume", true) ||
        by_ref("rbd", true) || by_ref("scaleIO", true) || by_ref("iscsi", true) ||
        by_ref("storageos", false)) {
      return;
    }
    const At csi = fields_.map(spec, "csi");
    for (const char* key : {"nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef"}) {
      const At ref = fields_.map(csi, key);
      add(fields_.text(ref, "namespace"), fields_.text(ref, "name"));
    }
  }

  Fields& fields_;
};

struct KnownKind {
  std::string_view kind;
  std::string_view group;
  std::array<std::string_view, 3> versions;
  bool has_namespace;
  Object (*read)(Objects& objects, NodeView root);
};

constexpr KnownKind known_kinds[] = {
    {"Pod",
     "",
     {"v1"},
     true,
     [](Objects& objects, NodeView root) -> Object { return objects.pod(root); }},
    {"PersistentVolume",
     "",
     {"v1"},
     false,
     [](Objects& objects, NodeView root) -> Object { return objects.volume(root); }},
    {"VolumeAttachment",
     "storage.k8s.io",
     {"v1"},
     false,
     [](Objects& objects, NodeView root) -> Object { return objects.attachment(root); }},
    {"ResourceSlice",
     "resource.k8s.io",
     {"v1", "v1beta2", "v1beta1"},
     false,
     [](Objects& objects, NodeView root) -> Object { return objects.slice(root); }},
    {"PodCertificateRequest",
     "certificates.k8s.io",
     {"v1beta1", "v1alpha1"},
     true,
     [](Objects& objects, NodeView root) -> Object { return objects.certificate_request(root); }},
};

std::string_view node_of(const Object& object) {
  return std::visit(
      [](const auto& one) -> std::string_view {
        if constexpr (requires { one.node; }) {
          return one.node;
        } else {
          return {};
        }
      },
      object
  );
}

using Done = Result<void, TreeFault>;

auto wrong(NodeView node, std::string text) {
  return fail(TreeFault{std::move(text), node.line()});
}

}  // namespace

// Documents → the loader's objects.
class ObjectReader {
 public:
  ObjectReader(ObjectLoader& loader, const std::string& name) : loader_(loader), name_(name) {}

  // `implied`: apiVersion and kind of items in an XxxList, which may leave them out.
  Done object(NodeView node, std::string_view implied_version, std::string_view implied_kind) {
    if (node.kind() != NodeKind::map) return wrong(node, "expected a Kubernetes object");
    Fields fields;
    std::string version = fields.text(node, "apiVersion");
    std::string kind = fields.text(node, "kind");
    if (fields.fault()) return fail(*fields.fault());
    if (kind.empty()) kind = implied_kind;
    if (version.empty()) version = implied_version;
    if (kind.empty()) return wrong(node, "kind is missing");
    if (version.empty()) return wrong(node, "apiVersion is missing");
    if (!implied_kind.empty() && kind != implied_kind) {
      return wrong(node, "expected kind " + go_quoted(implied_kind) + ", found " + go_quoted(kind));
    }
    if (version == "v1" && kind == "List") return items(node, {}, {});
    return known(node, version, kind);
  }

 private:
  Done known(NodeView node, std::string_view version, std::string_view kind) {
    const std::size_t slash = version.find('/');
    const auto group = slash == std::string_view::npos ? "" : version.substr(0, slash);
    const auto number = slash == std::string_view::npos ? version : version.substr(slash + 1);
    for (const KnownKind& known : known_kinds) {
      const bool list = kind.size() == known.kind.size() + 4 && kind.ends_with("List") &&
                        kind.starts_with(known.kind);
      if (known.group != group || !(list || kind == known.kind)) continue;
      const auto& served = known.versions;
      if (std::find(served.begin(), served.end(), number) == served.end() || number.empty()) {
        return wrong(
            node,
            "apiVersion " + go_quoted(version) + " of " + std::string(known.kind) + " is not known"
        );
      }
      return list ? items(node, version, known.kind) : take(node, known);
    }
    ++loader_.ignored_;
    return {};
  }

  Done items(NodeView node, std::string_view version, std::string_view kind) {
    Fields fields;
    const At list = fields.typed(Fields::field(node, "items"), "items", NodeKind::list);
    if (fields.fault()) return fail(*fields.fault());
    Done done;
    if (list) {
      list->each([&](NodeView item) {
        if (done) done = object(item, version, kind);
      });
    }
    return done;
  }

  Done take(NodeView node, const KnownKind& known) {
    Fields fields;
    Objects objects(fields);
    Object object = known.read(objects, node);
    if (fields.fault()) return fail(*fields.fault());
    const Key key = key_of(object);
    const std::string kind(known.kind);
    if (key.name.empty()) return wrong(node, kind + " without metadata.name");
    if (known.has_namespace && key.namespace_.empty()) {
      return wrong(node, kind + " " + go_quoted(key.name) + " without metadata.namespace");
    }
    for (const std::string_view name : {key.name, key.namespace_, node_of(object)}) {
      if (name.size() <= limits::node_graph_name_bytes_max) continue;
      return wrong(node, kind + " with a name of " + std::to_string(name.size()) + " bytes");
    }
    std::string id = kind + " ";
    if (known.has_namespace) id.append(key.namespace_).append("/");
    id.append(key.name);
    const auto [at, is_new] =
        loader_.seen_.try_emplace(std::move(id), name_ + ":" + std::to_string(node.line()));
    if (!is_new) return wrong(node, at->first + " is there already (" + at->second + ")");
    loader_.objects_.push_back(std::move(object));
    return {};
  }

  ObjectLoader& loader_;
  const std::string& name_;
};

Outcome<void> ObjectLoader::add(std::string_view text, const std::string& name) {
  ++files_;
  bytes_ += text.size();
  if (bytes_ > limits::policy_file_bytes_max) {
    return fault(
        "the objects are more than " + std::to_string(limits::policy_file_bytes_max >> 20) + " MiB",
        name
    );
  }
  ObjectReader reader(*this, name);
  const auto take = [&](const rbac::Tree& document) {
    return reader.object(NodeView(document, document.root), {}, {});
  };
  const auto read = rbac::read_documents(text, name.ends_with(".json"), take);
  if (read) return {};
  const TreeFault& what = read.error();
  return fault(what.text, what.line == 0 ? name : name + ":" + std::to_string(what.line));
}

Outcome<void> ObjectLoader::add_path(const std::filesystem::path& path) {
  GH_TRY(const auto files, rbac::files_at(path));
  for (const auto& file : files) {
    GH_TRY(const std::string text, rbac::read_file(file));
    GH_TRY_VOID(add(text, file.string()));
  }
  return {};
}

std::vector<Object> ObjectLoader::take() {
  seen_.clear();
  files_ = bytes_ = ignored_ = 0;
  return std::exchange(objects_, {});
}

Outcome<std::optional<Object>> read_object(std::string_view json) {
  ObjectLoader loader;
  GH_TRY_VOID(loader.add(json, "object.json"));
  std::vector<Object> objects = loader.take();
  if (objects.size() > 1) return fault("expected one object, found a list");
  if (objects.empty()) return std::nullopt;
  return std::move(objects.front());
}

}  // namespace gh::authz::node
