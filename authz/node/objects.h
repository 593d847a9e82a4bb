// SPDX-License-Identifier: Apache-2.0
// What the Node authorizer's graph takes from Kubernetes objects, and the events that bring them.
// Plain data; object_reader.h makes it. References are resolved here: names only, in Kubernetes'
// order, repeats kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gh::authz::node {

// The vertices of the graph but the nodes themselves.
enum class Kind : std::uint8_t {
  config_map,
  persistent_volume,
  persistent_volume_claim,
  pod,
  pod_certificate_request,
  resource_claim,
  resource_slice,
  secret,
  service_account,
  volume_attachment,
};

struct Key {
  Kind kind = Kind::pod;
  std::string_view namespace_;  // empty: the kind has none
  std::string_view name;
};

struct ClaimStatus {  // of status.resourceClaimStatuses
  std::string name;
  std::optional<std::string> claim;
  bool operator==(const ClaimStatus&) const = default;
};

struct Pod {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string node;
  bool mirror = false;  // annotated kubernetes.io/config.mirror: gives access to nothing else
  std::string service_account;
  std::vector<std::string> secrets;
  std::vector<std::string> config_maps;
  std::vector<std::string> volume_claims;
  std::vector<std::string> resource_claims;
  std::uint32_t ephemeral_containers = 0;
  std::vector<ClaimStatus> claim_statuses;
};

struct PersistentVolume {
  std::string name;
  std::optional<std::pair<std::string, std::string>> claim;  // namespace, name
  std::vector<std::pair<std::string, std::string>> secrets;  // those a kubelet may see
};

struct VolumeAttachment {
  std::string name;
  std::string node;
};

struct ResourceSlice {
  std::string name;
  std::string node;
};

struct PodCertificateRequest {
  std::string namespace_;
  std::string name;
  std::string node;
};

using Object =
    std::variant<Pod, PersistentVolume, VolumeAttachment, ResourceSlice, PodCertificateRequest>;

Key key_of(const Object& object) noexcept;
std::string_view name_of(Kind kind) noexcept;  // "Pod", "PersistentVolume", …

// As a watch tells them. An object that is there already is updated, whichever of the first two it
// came with; one that is not is added.
enum class Event : std::uint8_t { added, modified, deleted };

// Feature gates that change what is decided. Defaults: those of v1.36.
struct Features {
  bool pod_certificate_request = false;
};

}  // namespace gh::authz::node
