// SPDX-License-Identifier: Apache-2.0
#include "authz/node/objects.h"

namespace gh::authz::node {
namespace {

struct KeyOf {
  Key operator()(const Pod& pod) const noexcept { return {Kind::pod, pod.namespace_, pod.name}; }

  Key operator()(const PersistentVolume& volume) const noexcept {
    return {Kind::persistent_volume, {}, volume.name};
  }

  Key operator()(const VolumeAttachment& attachment) const noexcept {
    return {Kind::volume_attachment, {}, attachment.name};
  }

  Key operator()(const ResourceSlice& slice) const noexcept {
    return {Kind::resource_slice, {}, slice.name};
  }

  Key operator()(const PodCertificateRequest& request) const noexcept {
    return {Kind::pod_certificate_request, request.namespace_, request.name};
  }
};

}  // namespace

Key key_of(const Object& object) noexcept { return std::visit(KeyOf{}, object); }

std::string_view name_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::config_map:
      return "ConfigMap";
    case Kind::persistent_volume:
      return "PersistentVolume";
    case Kind::persistent_volume_claim:
      return "PersistentVolumeClaim";
    case Kind::pod:
      return "Pod";
    case Kind::pod_certificate_request:
      return "PodCertificateRequest";
    case Kind::resource_claim:
      return "ResourceClaim";
    case Kind::resource_slice:
      return "ResourceSlice";
    case Kind::secret:
      return "Secret";
    case Kind::service_account:
      return "ServiceAccount";
    case Kind::volume_attachment:
      return "VolumeAttachment";
  }
  return "";
}

}  // namespace gh::authz::node
