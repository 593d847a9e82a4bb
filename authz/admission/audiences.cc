// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/node_restriction.h"
#include "authz/go_text.h"
#include "base/limits.h"

#include <algorithm>
#include <array>
#include <optional>

namespace gh::authz::admission {
namespace {

const Members& object_or_nothing(const Members& object, std::string_view key) {
  static const Members none;
  const Members* const found = object_at(object, key);
  return found == nullptr ? none : *found;
}

// In-tree volumes that a CSI driver has taken over (k8s.io/csi-translation-lib).
struct Migrated {
  std::string_view source;
  std::string_view driver;
};

constexpr std::array<Migrated, 7> migrated_sources = {{
    {"gcePersistentDisk", "pd.csi.storage.gke.io"},
    {"awsElasticBlockStore", "ebs.csi.aws.com"},
    {"cinder", "cinder.csi.openstack.org"},
    {"azureDisk", "disk.csi.azure.com"},
    {"azureFile", "file.csi.azure.com"},
    {"vsphereVolume", "csi.vsphere.vmware.com"},
    {"portworxVolume", "pxd.portworx.com"},
}};

// A step on the way to a driver's name: the name (empty: there is none), what is still to be
// fetched, or an error.
struct Step {
  std::string driver = {};
  std::optional<Lookup> need = std::nullopt;
  std::string error = {};
};

Step needed(Lookup lookup) { return {{}, std::move(lookup), {}}; }

Step failed(std::string error) { return {{}, std::nullopt, std::move(error)}; }

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
  });
}

// aws://ZONE/vol-…: KubernetesVolumeIDToEBSVolumeID
std::string ebs_error(std::string_view id) {
  if (!id.starts_with("aws://")) return {};
  std::string_view volume = id.substr(6);
  volume.remove_prefix(std::min(volume.find('/'), volume.size()));
  volume.remove_prefix(std::min(volume.find_first_not_of('/'), volume.size()));
  while (volume.ends_with('/')) volume.remove_suffix(1);
  const bool good = volume.starts_with("vol-") && volume.size() > 4 &&
                    volume.find_first_of("/?#%") == std::string_view::npos;
  if (good) return {};
  return "failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume (" +
         std::string(id) + ")";
}

std::string azure_disk_error(const Members& source) {
  const Value* const kind = find(source, "kind");
  const std::string text = kind == nullptr ? "Shared" : std::string(text_at(source, "kind"));
  if (equals_ignoring_case(text, "managed")) return {};
  return "kind(" + text + ") is not supported in csi migration";
}

// Of a PV alone: an inline volume takes the pod's namespace.
std::string azure_file_error(const Members& spec, const Members& source) {
  const bool own = find(source, "secretNamespace") != nullptr;
  const std::string_view space = own ? text_at(source, "secretNamespace")
                                     : text_at(object_or_nothing(spec, "claimRef"), "namespace");
  if (!space.empty()) return {};
  return "could not find a secret namespace in PersistentVolumeSource or ClaimRef";
}

// The driver of an in-tree source in a volume or a PV's spec.
Step migrated(const Members& spec, bool persistent) {
  for (const Migrated& each : migrated_sources) {
    const Members* const source = object_at(spec, each.source);
    if (source == nullptr) continue;
    std::string error;
    if (each.source == "awsElasticBlockStore") error = ebs_error(text_at(*source, "volumeID"));
    if (each.source == "azureDisk") error = azure_disk_error(*source);
    if (each.source == "azureFile" && persistent) error = azure_file_error(spec, *source);
    if (!error.empty()) return failed(std::move(error));
    return {std::string(each.driver)};
  }
  return {};
}

// Fetched and there: null with `step` saying why not.
const Members* fetched(const World& world, Lookup lookup, std::string_view qualified, Step& step) {
  const KnownObject* const object = world.find(lookup);
  if (object == nullptr) {
    step = needed(std::move(lookup));
  } else if (object->state == KnownObject::State::failed) {
    step = failed(object->why);
  } else if (!object->present()) {
    step = failed(std::string(qualified) + " " + go_quoted(lookup.name) + " not found");
  } else {
    return &object->canonical;
  }
  return nullptr;
}

// claim → volume → driver
Step driver_of_claim(const World& world, std::string_view space, std::string claim_name) {
  Step step;
  const Members* const claim = fetched(
      world,
      {"", "v1", "persistentvolumeclaims", std::string(space), std::move(claim_name)},
      "persistentvolumeclaim",
      step
  );
  if (claim == nullptr) return step;
  const std::string volume_name(text_at(object_or_nothing(*claim, "spec"), "volumeName"));
  const Members* const volume =
      fetched(world, {"", "v1", "persistentvolumes", "", volume_name}, "persistentvolume", step);
  if (volume == nullptr) return step;
  const Members& spec = object_or_nothing(*volume, "spec");
  if (const Members* const csi = object_at(spec, "csi")) {
    return {std::string(text_at(*csi, "driver"))};
  }
  return migrated(spec, true);
}

Step driver_of_volume(const World& world, const Members& pod, const Members& volume) {
  const Members& metadata = object_or_nothing(pod, "metadata");
  const std::string_view space = text_at(metadata, "namespace");
  const Members* const ephemeral = object_at(volume, "ephemeral");
  if (ephemeral != nullptr && object_at(*ephemeral, "volumeClaimTemplate") != nullptr) {
    std::string claim(text_at(metadata, "name"));
    claim.append("-").append(text_at(volume, "name"));
    return driver_of_claim(world, space, std::move(claim));
  }
  if (const Members* const claim = object_at(volume, "persistentVolumeClaim")) {
    return driver_of_claim(world, space, std::string(text_at(*claim, "claimName")));
  }
  if (const Members* const csi = object_at(volume, "csi")) {
    return {std::string(text_at(*csi, "driver"))};
  }
  return migrated(volume, false);
}

bool has_audience(const Members& object, std::string_view list, std::string_view audience) {
  const Items& items = items_at(object, list);
  return std::any_of(items.begin(), items.end(), [&](const Value& each) {
    return each.members() != nullptr && text_at(*each.members(), "audience") == audience;
  });
}

bool projects_audience(const Members& volume, std::string_view audience) {
  const Members& projected = object_or_nothing(volume, "projected");
  const Items& sources = items_at(projected, "sources");
  return std::any_of(sources.begin(), sources.end(), [&](const Value& each) {
    if (each.members() == nullptr) return false;
    const Members* const token = object_at(*each.members(), "serviceAccountToken");
    return token != nullptr && text_at(*token, "audience") == audience;
  });
}

// utilerrors.NewAggregate(…).Error()
std::string aggregate(const std::vector<std::string>& errors) {
  std::vector<std::string> unique;
  for (const std::string& error : errors) {
    if (std::find(unique.begin(), unique.end(), error) == unique.end()) unique.push_back(error);
  }
  if (unique.size() == 1) return unique.front();
  std::string out;
  for (const std::string& error : unique) out += (out.empty() ? "[" : ", ") + error;
  return out.empty() ? out : out + "]";
}

}  // namespace

// Kubernetes goes volume by volume and stops at the first that has the audience; errors count only
// when none has. So the projected ones, which cost nothing, may go first.
Audience pod_references_audience(
    const Members& pod, std::string_view audience, const World& world
) {
  const Items& volumes = items_at(object_or_nothing(pod, "spec"), "volumes");
  for (const Value& volume : volumes) {
    if (volume.members() != nullptr && projects_audience(*volume.members(), audience)) {
      return {true};
    }
  }
  Audience result;
  std::vector<std::string> errors;
  for (const Value& volume : volumes) {
    if (volume.members() == nullptr) continue;
    Step step = driver_of_volume(world, pod, *volume.members());
    const std::string driver_name = std::move(step.driver);
    if (!driver_name.empty()) {
      const Members* const driver = fetched(
          world,
          {"storage.k8s.io", "v1", "csidrivers", "", driver_name},
          "csidriver.storage.k8s.io",
          step
      );
      if (driver != nullptr &&
          has_audience(object_or_nothing(*driver, "spec"), "tokenRequests", audience)) {
        return {true};
      }
    }
    if (!step.error.empty()) errors.push_back(std::move(step.error));
    if (step.need &&
        std::find(result.needs.begin(), result.needs.end(), *step.need) == result.needs.end()) {
      result.needs.push_back(*std::move(step.need));
    }
  }
  result.too_many = world.size() + result.needs.size() > limits::admission_lookups_max;
  result.error = aggregate(errors);
  return result;
}

}  // namespace gh::authz::admission
