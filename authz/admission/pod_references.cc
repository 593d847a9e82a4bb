// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/node_restriction.h"
#include "authz/go_text.h"

#include <algorithm>
#include <array>

namespace gh::authz::admission {
namespace {

constexpr std::array<std::string_view, 3> container_lists = {
    "initContainers", "containers", "ephemeralContainers"
};

// Names that are empty do not count.
bool names_something(const Members* reference, std::string_view key = "name") {
  return reference != nullptr && !text_at(*reference, key).empty();
}

const Members& nothing() {
  static const Members none;
  return none;
}

const Members& members_or_nothing(const Value& value) {
  return value.members() == nullptr ? nothing() : *value.members();
}

const Members& object_or_nothing(const Members& object, std::string_view key) {
  const Members* const found = object_at(object, key);
  return found == nullptr ? nothing() : *found;
}

bool container_refers(
    const Members& container, std::string_view env_from, std::string_view env_key
) {
  for (const Value& each : items_at(container, "envFrom")) {
    if (names_something(object_at(members_or_nothing(each), env_from))) return true;
  }
  for (const Value& each : items_at(container, "env")) {
    const Members& source = object_or_nothing(members_or_nothing(each), "valueFrom");
    if (names_something(object_at(source, env_key))) return true;
  }
  return false;
}

bool some_container_refers(
    const Members& spec, std::string_view env_from, std::string_view env_key
) {
  for (const std::string_view list : container_lists) {
    for (const Value& each : items_at(spec, list)) {
      if (container_refers(members_or_nothing(each), env_from, env_key)) return true;
    }
  }
  return false;
}

bool projects(const Members& projected, std::string_view source) {
  for (const Value& each : items_at(projected, "sources")) {
    if (names_something(object_at(members_or_nothing(each), source))) return true;
  }
  return false;
}

// Where a volume of each source keeps the reference to a secret; the first source that is set
// counts.
struct SecretPlace {
  std::string_view source;
  std::string_view reference;  // an object with a name; empty: the name stands in the source
};

constexpr std::array<SecretPlace, 11> secret_places = {{
    {"azureFile", ""},
    {"cephfs", "secretRef"},
    {"cinder", "secretRef"},
    {"flexVolume", "secretRef"},
    {"projected", ""},
    {"rbd", "secretRef"},
    {"secret", ""},
    {"scaleIO", "secretRef"},
    {"iscsi", "secretRef"},
    {"storageos", "secretRef"},
    {"csi", "nodePublishSecretRef"},
}};

bool volume_names_secret(const Members& volume) {
  for (const SecretPlace& place : secret_places) {
    const Members* const source = object_at(volume, place.source);
    if (source == nullptr) continue;
    if (place.source == "projected") return projects(*source, "secret");
    return place.reference.empty() ? names_something(source, "secretName")
                                   : names_something(object_at(*source, place.reference));
  }
  return false;
}

bool volume_names_config_map(const Members& volume) {
  if (const Members* const projected = object_at(volume, "projected")) {
    return projects(*projected, "configMap");
  }
  return names_something(object_at(volume, "configMap"));
}

bool any_volume(const Members& spec, bool (*test)(const Members&)) {
  const Items& volumes = items_at(spec, "volumes");
  return std::any_of(volumes.begin(), volumes.end(), [&](const Value& volume) {
    return test(members_or_nothing(volume));
  });
}

bool names_secret(const Members& spec) {
  for (const Value& each : items_at(spec, "imagePullSecrets")) {
    if (names_something(&members_or_nothing(each))) return true;
  }
  return some_container_refers(spec, "secretRef", "secretKeyRef") ||
         any_volume(spec, volume_names_secret);
}

bool names_config_map(const Members& spec) {
  return some_container_refers(spec, "configMapRef", "configMapKeyRef") ||
         any_volume(spec, volume_names_config_map);
}

constexpr std::array<std::string_view, 22> harmless_sources = {
    "awsElasticBlockStore",
    "azureDisk",
    "cephfs",
    "cinder",
    "downwardAPI",
    "emptyDir",
    "fc",
    "flexVolume",
    "flocker",
    "hostPath",
    "image",
    "gcePersistentDisk",
    "gitRepo",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume"
};

struct Refers {
  std::string_view source;
  std::string_view what;
};

constexpr std::array<Refers, 7> referring_sources = {{
    {"configMap", "configmaps (via configmap volumes)"},
    {"secret", "secrets (via secret volumes)"},
    {"csi", "csidrivers (via CSI volumes)"},
    {"glusterfs", "endpoints (via glusterFS volumes)"},
    {"persistentVolumeClaim", "persistentvolumeclaims"},
    {"ephemeral", "persistentvolumeclaims (via ephemeral volumes)"},
    {"azureFile", "secrets (via azureFile volumes)"},
}};

constexpr std::array<Refers, 5> referring_projections = {{
    {"configMap", "configmaps (via projected volumes)"},
    {"secret", "secrets (via projected volumes)"},
    {"serviceAccountToken", "serviceaccounts (via projected volumes)"},
    {"clusterTrustBundle", "clustertrustbundles"},
    {"podCertificate", "podcertificates"},
}};

template <std::size_t n>
std::string_view referred(const Members& source, const std::array<Refers, n>& table) {
  for (const Refers& each : table) {
    if (source.contains(each.source)) return each.what;
  }
  return {};
}

Reference projected_reference(const Members& projected, std::string_view volume) {
  for (const Value& each : items_at(projected, "sources")) {
    const Members& source = members_or_nothing(each);
    if (const auto what = referred(source, referring_projections); !what.empty()) {
      return {std::string(what), {}};
    }
    if (!source.contains("downwardAPI")) {
      return {{}, "unknown source for projected volume " + go_quoted(volume)};
    }
  }
  return {};
}

Reference volume_reference(const Members& volume) {
  for (const std::string_view source : harmless_sources) {
    if (volume.contains(source)) return {};
  }
  if (const auto what = referred(volume, referring_sources); !what.empty()) {
    return {std::string(what), {}};
  }
  const std::string_view name = text_at(volume, "name");
  if (const Members* const projected = object_at(volume, "projected")) {
    return projected_reference(*projected, name);
  }
  return {{}, "unknown volume type for volume  " + go_quoted(name)};
}

}  // namespace

Reference api_object_reference(const Members& pod) {
  const Members& spec = object_or_nothing(pod, "spec");
  if (!text_at(spec, "serviceAccountName").empty()) return {"serviceaccounts", {}};
  if (names_secret(spec)) return {"secrets", {}};
  if (names_config_map(spec)) return {"configmaps", {}};
  if (!items_at(spec, "resourceClaims").empty()) return {"resourceclaims", {}};
  for (const Value& volume : items_at(spec, "volumes")) {
    Reference found = volume_reference(members_or_nothing(volume));
    if (!found.what.empty() || !found.error.empty()) return found;
  }
  return {};
}

}  // namespace gh::authz::admission
