// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/schema.h"

#include "authz/admission/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace gh::authz::admission {
namespace {

// clang-format off
constexpr Field owner_reference_fields[] = {
    {"apiVersion", 5, Kind::text}, {"kind", 1, Kind::text}, {"name", 3, Kind::text}, {"uid", 4, Kind::text},
    {"controller", 6, Kind::boolean, Shape::pointer}, {"blockOwnerDeletion", 7, Kind::boolean, Shape::pointer},
};
constexpr Message owner_reference{owner_reference_fields};

// Of every object but claims, of which all fields count.
constexpr Field metadata_fields[] = {
    {"name", 1, Kind::text}, {"generateName", 2, Kind::text}, {"namespace", 3, Kind::text}, {"uid", 5, Kind::text},
    {"resourceVersion", 6, Kind::text}, {"labels", 11, Kind::text, Shape::map},
    {"annotations", 12, Kind::text, Shape::map},
    {"ownerReferences", 13, Kind::message, Shape::set_list, &owner_reference},
};
constexpr Message metadata{metadata_fields};

constexpr Field full_metadata_fields[] = {
    {"name", 1, Kind::text}, {"generateName", 2, Kind::text}, {"namespace", 3, Kind::text}, {"selfLink", 4, Kind::text},
    {"uid", 5, Kind::text}, {"resourceVersion", 6, Kind::text}, {"generation", 7, Kind::integer},
    {"creationTimestamp", 8, Kind::time}, {"deletionTimestamp", 9, Kind::time, Shape::pointer},
    {"deletionGracePeriodSeconds", 10, Kind::integer, Shape::pointer},
    {"labels", 11, Kind::text, Shape::map}, {"annotations", 12, Kind::text, Shape::map},
    {"ownerReferences", 13, Kind::message, Shape::set_list, &owner_reference},
    {"finalizers", 14, Kind::text, Shape::set_list},
};
constexpr Message full_metadata{full_metadata_fields};

// ---- pods ----
constexpr Field name_fields[] = {{"name", 1, Kind::text}};
constexpr Message name_only{name_fields};
constexpr Message nothing{};

constexpr Field reference_fields[] = {{"localObjectReference", 1, Kind::message, Shape::inlined, &name_only}};
constexpr Message reference{reference_fields};  // SecretEnvSource, SecretKeySelector, SecretProjection…

constexpr Field env_from_fields[] = {
    {"configMapRef", 2, Kind::message, Shape::pointer, &reference},
    {"secretRef", 3, Kind::message, Shape::pointer, &reference},
};
constexpr Message env_from{env_from_fields};
constexpr Field env_source_fields[] = {
    {"configMapKeyRef", 3, Kind::message, Shape::pointer, &reference},
    {"secretKeyRef", 4, Kind::message, Shape::pointer, &reference},
};
constexpr Message env_source{env_source_fields};
constexpr Field env_fields[] = {{"valueFrom", 3, Kind::message, Shape::pointer, &env_source}};
constexpr Message env{env_fields};
constexpr Field container_fields[] = {
    {"envFrom", 19, Kind::message, Shape::list, &env_from}, {"env", 7, Kind::message, Shape::set_list, &env},
};
constexpr Message container{container_fields};
constexpr Field ephemeral_container_fields[] = {
    {"ephemeralContainerCommon", 1, Kind::message, Shape::inlined, &container},
};
constexpr Message ephemeral_container{ephemeral_container_fields};

constexpr Field token_projection_fields[] = {{"audience", 1, Kind::text}};
constexpr Message token_projection{token_projection_fields};
constexpr Field projection_fields[] = {
    {"secret", 1, Kind::message, Shape::pointer, &reference},
    {"downwardAPI", 2, Kind::message, Shape::pointer, &nothing},
    {"configMap", 3, Kind::message, Shape::pointer, &reference},
    {"serviceAccountToken", 4, Kind::message, Shape::pointer, &token_projection},
    {"clusterTrustBundle", 5, Kind::message, Shape::pointer, &nothing},
    {"podCertificate", 6, Kind::message, Shape::pointer, &nothing},
};
constexpr Message projection{projection_fields};
constexpr Field projected_fields[] = {{"sources", 1, Kind::message, Shape::list, &projection}};
constexpr Message projected{projected_fields};

constexpr Field secret_volume_fields[] = {{"secretName", 1, Kind::text}};
constexpr Message secret_volume{secret_volume_fields};  // also azureFile
constexpr Field claim_volume_fields[] = {{"claimName", 1, Kind::text}};
constexpr Message claim_volume{claim_volume_fields};
constexpr Field csi_volume_fields[] = {
    {"driver", 1, Kind::text}, {"nodePublishSecretRef", 5, Kind::message, Shape::pointer, &name_only},
};
constexpr Message csi_volume{csi_volume_fields};
constexpr Field secret_ref_3_fields[] = {{"secretRef", 3, Kind::message, Shape::pointer, &name_only}};
constexpr Message secret_ref_3{secret_ref_3_fields};  // flexVolume, scaleIO
constexpr Field secret_ref_4_fields[] = {{"secretRef", 4, Kind::message, Shape::pointer, &name_only}};
constexpr Message secret_ref_4{secret_ref_4_fields};  // cinder
constexpr Field secret_ref_5_fields[] = {{"secretRef", 5, Kind::message, Shape::pointer, &name_only}};
constexpr Message secret_ref_5{secret_ref_5_fields};  // cephfs, storageos
constexpr Field secret_ref_7_fields[] = {{"secretRef", 7, Kind::message, Shape::pointer, &name_only}};
constexpr Message secret_ref_7{secret_ref_7_fields};  // rbd
constexpr Field secret_ref_10_fields[] = {{"secretRef", 10, Kind::message, Shape::pointer, &name_only}};
constexpr Message secret_ref_10{secret_ref_10_fields};  // iscsi
constexpr Field ebs_fields[] = {{"volumeID", 1, Kind::text}};
constexpr Message ebs{ebs_fields};
constexpr Field azure_disk_fields[] = {{"kind", 6, Kind::text, Shape::pointer}};
constexpr Message azure_disk{azure_disk_fields};
constexpr Field ephemeral_fields[] = {{"volumeClaimTemplate", 1, Kind::message, Shape::pointer, &nothing}};
constexpr Message ephemeral{ephemeral_fields};

constexpr Field volume_source_fields[] = {
    {"hostPath", 1, Kind::message, Shape::pointer, &nothing},
    {"emptyDir", 2, Kind::message, Shape::pointer, &nothing},
    {"gcePersistentDisk", 3, Kind::message, Shape::pointer, &nothing},
    {"awsElasticBlockStore", 4, Kind::message, Shape::pointer, &ebs},
    {"gitRepo", 5, Kind::message, Shape::pointer, &nothing},
    {"secret", 6, Kind::message, Shape::pointer, &secret_volume},
    {"nfs", 7, Kind::message, Shape::pointer, &nothing},
    {"iscsi", 8, Kind::message, Shape::pointer, &secret_ref_10},
    {"glusterfs", 9, Kind::message, Shape::pointer, &nothing},
    {"persistentVolumeClaim", 10, Kind::message, Shape::pointer, &claim_volume},
    {"rbd", 11, Kind::message, Shape::pointer, &secret_ref_7},
    {"flexVolume", 12, Kind::message, Shape::pointer, &secret_ref_3},
    {"cinder", 13, Kind::message, Shape::pointer, &secret_ref_4},
    {"cephfs", 14, Kind::message, Shape::pointer, &secret_ref_5},
    {"flocker", 15, Kind::message, Shape::pointer, &nothing},
    {"downwardAPI", 16, Kind::message, Shape::pointer, &nothing},
    {"fc", 17, Kind::message, Shape::pointer, &nothing},
    {"azureFile", 18, Kind::message, Shape::pointer, &secret_volume},
    {"configMap", 19, Kind::message, Shape::pointer, &reference},
    {"vsphereVolume", 20, Kind::message, Shape::pointer, &nothing},
    {"quobyte", 21, Kind::message, Shape::pointer, &nothing},
    {"azureDisk", 22, Kind::message, Shape::pointer, &azure_disk},
    {"photonPersistentDisk", 23, Kind::message, Shape::pointer, &nothing},
    {"portworxVolume", 24, Kind::message, Shape::pointer, &nothing},
    {"scaleIO", 25, Kind::message, Shape::pointer, &secret_ref_3},
    {"projected", 26, Kind::message, Shape::pointer, &projected},
    {"storageos", 27, Kind::message, Shape::pointer, &secret_ref_5},
    {"csi", 28, Kind::message, Shape::pointer, &csi_volume},
    {"ephemeral", 29, Kind::message, Shape::pointer, &ephemeral},
    {"image", 30, Kind::message, Shape::pointer, &nothing},
};
constexpr Message volume_source{volume_source_fields};
constexpr Field volume_fields[] = {
    {"name", 1, Kind::text}, {"volumeSource", 2, Kind::message, Shape::inlined, &volume_source},
};
constexpr Message volume{volume_fields};

constexpr Field pod_spec_fields[] = {
    {"volumes", 1, Kind::message, Shape::set_list, &volume},
    {"initContainers", 20, Kind::message, Shape::set_list, &container},
    {"containers", 2, Kind::message, Shape::set_list, &container},
    {"ephemeralContainers", 34, Kind::message, Shape::set_list, &ephemeral_container},
    {"serviceAccountName", 8, Kind::text}, {"serviceAccount", 9, Kind::text}, {"nodeName", 10, Kind::text},
    {"imagePullSecrets", 15, Kind::message, Shape::set_list, &name_only},
    {"resourceClaims", 39, Kind::message, Shape::set_list, &nothing},
};
constexpr Message pod_spec{pod_spec_fields};
constexpr Field claim_status_fields[] = {
    {"name", 1, Kind::text}, {"resourceClaimName", 2, Kind::text, Shape::pointer},
};
constexpr Message claim_status{claim_status_fields};
constexpr Field extended_request_fields[] = {
    {"containerName", 1, Kind::text}, {"resourceName", 2, Kind::text}, {"requestName", 3, Kind::text},
};
constexpr Message extended_request{extended_request_fields};
constexpr Field extended_claim_fields[] = {
    {"requestMappings", 1, Kind::message, Shape::list, &extended_request}, {"resourceClaimName", 2, Kind::text},
};
constexpr Message extended_claim{extended_claim_fields};
constexpr Field pod_status_fields[] = {
    {"resourceClaimStatuses", 15, Kind::message, Shape::set_list, &claim_status},
    {"extendedResourceClaimStatus", 18, Kind::message, Shape::pointer, &extended_claim},
};
constexpr Message pod_status{pod_status_fields};
constexpr Field pod_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &metadata}, {"spec", 2, Kind::message, Shape::single, &pod_spec},
    {"status", 3, Kind::message, Shape::single, &pod_status},
};
constexpr Message pod{pod_fields};

// ---- nodes ----
constexpr Field config_map_source_fields[] = {
    {"namespace", 1, Kind::text}, {"name", 2, Kind::text}, {"uid", 3, Kind::text}, {"resourceVersion", 4, Kind::text},
    {"kubeletConfigKey", 5, Kind::text},
};
constexpr Message config_map_source{config_map_source_fields};
constexpr Field config_source_fields[] = {{"configMap", 2, Kind::message, Shape::pointer, &config_map_source}};
constexpr Message config_source{config_source_fields};
constexpr Field taint_fields[] = {
    {"key", 1, Kind::text}, {"value", 2, Kind::text}, {"effect", 3, Kind::text},
    {"timeAdded", 4, Kind::time, Shape::pointer},
};
constexpr Message taint{taint_fields};
constexpr Field node_spec_fields[] = {
    {"taints", 5, Kind::message, Shape::list, &taint},
    {"configSource", 6, Kind::message, Shape::pointer, &config_source},
};
constexpr Message node_spec{node_spec_fields};
constexpr Field node_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &metadata}, {"spec", 2, Kind::message, Shape::single, &node_spec},
};
constexpr Message node{node_fields};

// ---- claims and volumes ----
constexpr Field requirement_fields[] = {
    {"key", 1, Kind::text}, {"operator", 2, Kind::text}, {"values", 3, Kind::text, Shape::list},
};
constexpr Message requirement{requirement_fields};
constexpr Field label_selector_fields[] = {
    {"matchLabels", 1, Kind::text, Shape::map}, {"matchExpressions", 2, Kind::message, Shape::list, &requirement},
};
constexpr Message label_selector{label_selector_fields};
constexpr Field claim_resources_fields[] = {
    {"limits", 1, Kind::quantity, Shape::map}, {"requests", 2, Kind::quantity, Shape::map},
};
constexpr Message claim_resources{claim_resources_fields};
constexpr Field data_source_fields[] = {
    {"apiGroup", 1, Kind::text, Shape::pointer}, {"kind", 2, Kind::text}, {"name", 3, Kind::text},
    {"namespace", 4, Kind::text, Shape::pointer},  // of dataSourceRef only
};
constexpr Message data_source{data_source_fields};
constexpr Field claim_spec_fields[] = {
    {"accessModes", 1, Kind::text, Shape::list}, {"selector", 4, Kind::message, Shape::pointer, &label_selector},
    {"resources", 2, Kind::message, Shape::single, &claim_resources}, {"volumeName", 3, Kind::text},
    {"storageClassName", 5, Kind::text, Shape::pointer}, {"volumeMode", 6, Kind::text, Shape::pointer},
    {"dataSource", 7, Kind::message, Shape::pointer, &data_source},
    {"dataSourceRef", 8, Kind::message, Shape::pointer, &data_source},
    {"volumeAttributesClassName", 9, Kind::text, Shape::pointer},
};
constexpr Message claim_spec{claim_spec_fields};
constexpr Field modify_status_fields[] = {{"targetVolumeAttributesClassName", 1, Kind::text}, {"status", 2, Kind::text}};
constexpr Message modify_status{modify_status_fields};
// Without what a node may change: capacity (3), conditions (4), allocatedResources (5) and
// allocatedResourceStatuses (7; RecoverVolumeExpansionFailure is locked on in v1.36).
constexpr Field claim_state_fields[] = {
    {"phase", 1, Kind::text}, {"accessModes", 2, Kind::text, Shape::list},
    {"currentVolumeAttributesClassName", 8, Kind::text, Shape::pointer},
    {"modifyVolumeStatus", 9, Kind::message, Shape::pointer, &modify_status},
};
constexpr Message claim_state{claim_state_fields};
constexpr Field claim_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &full_metadata},
    {"spec", 2, Kind::message, Shape::single, &claim_spec},
    {"status", 3, Kind::message, Shape::single, &claim_state},
};
constexpr Message claim{claim_fields};

// Read from API servers only, as JSON: no field numbers.
constexpr Field pv_csi_fields[] = {{"driver", 0, Kind::text}};
constexpr Message pv_csi{pv_csi_fields};
constexpr Field claim_ref_fields[] = {{"namespace", 0, Kind::text}};
constexpr Message claim_ref{claim_ref_fields};
constexpr Field pv_azure_file_fields[] = {{"secretNamespace", 0, Kind::text, Shape::pointer}};
constexpr Message pv_azure_file{pv_azure_file_fields};
constexpr Field pv_ebs_fields[] = {{"volumeID", 0, Kind::text}};
constexpr Message pv_ebs{pv_ebs_fields};
constexpr Field pv_azure_disk_fields[] = {{"kind", 0, Kind::text, Shape::pointer}};
constexpr Message pv_azure_disk{pv_azure_disk_fields};
constexpr Field pv_spec_fields[] = {
    {"csi", 0, Kind::message, Shape::pointer, &pv_csi},
    {"claimRef", 0, Kind::message, Shape::pointer, &claim_ref},
    {"gcePersistentDisk", 0, Kind::message, Shape::pointer, &nothing},
    {"awsElasticBlockStore", 0, Kind::message, Shape::pointer, &pv_ebs},
    {"cinder", 0, Kind::message, Shape::pointer, &nothing},
    {"azureDisk", 0, Kind::message, Shape::pointer, &pv_azure_disk},
    {"azureFile", 0, Kind::message, Shape::pointer, &pv_azure_file},
    {"vsphereVolume", 0, Kind::message, Shape::pointer, &nothing},
    {"portworxVolume", 0, Kind::message, Shape::pointer, &nothing},
};
constexpr Message pv_spec{pv_spec_fields};
constexpr Field pv_fields[] = {
    {"metadata", 0, Kind::message, Shape::single, &metadata}, {"spec", 0, Kind::message, Shape::single, &pv_spec},
};
constexpr Message persistent_volume{pv_fields};
constexpr Field token_request_entry_fields[] = {{"audience", 0, Kind::text}};
constexpr Message token_request_entry{token_request_entry_fields};
constexpr Field csi_driver_spec_fields[] = {{"tokenRequests", 0, Kind::message, Shape::list, &token_request_entry}};
constexpr Message csi_driver_spec{csi_driver_spec_fields};
constexpr Field csi_driver_fields[] = {
    {"metadata", 0, Kind::message, Shape::single, &metadata},
    {"spec", 0, Kind::message, Shape::single, &csi_driver_spec},
};
constexpr Message csi_driver{csi_driver_fields};

// ---- the others ----
constexpr Field bound_object_fields[] = {
    {"kind", 1, Kind::text}, {"apiVersion", 2, Kind::text}, {"name", 3, Kind::text}, {"uid", 4, Kind::text},
};
constexpr Message bound_object{bound_object_fields};
constexpr Field token_spec_fields[] = {
    {"audiences", 1, Kind::text, Shape::list}, {"boundObjectRef", 3, Kind::message, Shape::pointer, &bound_object},
};
constexpr Message token_spec{token_spec_fields};
constexpr Field token_request_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &metadata}, {"spec", 2, Kind::message, Shape::single, &token_spec},
};
constexpr Message token_request{token_request_fields};

constexpr Field slice_spec_fields[] = {{"nodeName", 3, Kind::text, Shape::pointer}};
constexpr Message slice_spec{slice_spec_fields};
constexpr Field slice_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &metadata}, {"spec", 2, Kind::message, Shape::single, &slice_spec},
};
constexpr Message slice{slice_fields};

constexpr Field csr_spec_fields[] = {{"request", 1, Kind::bytes}, {"signerName", 7, Kind::text}};
constexpr Message csr_spec{csr_spec_fields};
constexpr Field csr_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &metadata}, {"spec", 2, Kind::message, Shape::single, &csr_spec},
};
constexpr Message csr{csr_fields};

constexpr Field pod_certificate_spec_fields[] = {
    {"podName", 2, Kind::text}, {"podUID", 3, Kind::text}, {"serviceAccountName", 4, Kind::text},
    {"serviceAccountUID", 5, Kind::text}, {"nodeName", 6, Kind::text}, {"nodeUID", 7, Kind::text},
};
constexpr Message pod_certificate_spec{pod_certificate_spec_fields};
constexpr Field pod_certificate_fields[] = {
    {"metadata", 1, Kind::message, Shape::single, &metadata},
    {"spec", 2, Kind::message, Shape::single, &pod_certificate_spec},
};
constexpr Message pod_certificate{pod_certificate_fields};

constexpr Field any_fields[] = {{"metadata", 1, Kind::message, Shape::single, &metadata}};
constexpr Message any_object{any_fields};
// clang-format on

struct Known {
  std::string_view kind;
  const Message& message;
};

constexpr Known known_kinds[] = {
    {"Pod", pod},
    {"Node", node},
    {"PersistentVolumeClaim", claim},
    {"PersistentVolume", persistent_volume},
    {"CSIDriver", csi_driver},
    {"TokenRequest", token_request},
    {"ResourceSlice", slice},
    {"CertificateSigningRequest", csr},
    {"PodCertificateRequest", pod_certificate},
};

std::string below(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

auto wrong(const std::string& path, std::string_view expected) {
  return fail(path + ": expected " + std::string(expected));
}

Result<Members, std::string> read_object(
    const Members& object, const Message& message, const std::string& path
);

Result<Value, std::string> read_integer(const Value& value, const std::string& path) {
  const Number* const number = std::get_if<Number>(&value.data);
  std::int64_t parsed = 0;
  if (number == nullptr || !number->integer) return wrong(path, "an integer");
  const char* const end = number->text.data() + number->text.size();
  const auto [at, error] = std::from_chars(number->text.data(), end, parsed);
  if (error != std::errc() || at != end) return wrong(path, "an integer of 64 bits");
  return value;
}

Result<Value, std::string> read_quantity(const Value& value, const std::string& path) {
  const Number* const number = std::get_if<Number>(&value.data);
  const std::string* const text = number != nullptr ? &number->text : value.text();
  auto quantity = text == nullptr ? std::nullopt : canonical_quantity(*text);
  if (!quantity) return wrong(path, "a quantity");
  return Value{*std::move(quantity)};
}

// The zero value, which null stands for.
Value zero_of(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return {false};
    case Kind::integer:
      return {Number{"0", true}};
    case Kind::message:
      return {Members()};
    case Kind::quantity:
      return {std::string("0")};
    case Kind::text:
    case Kind::bytes:
    case Kind::time:
      break;
  }
  return {std::string()};
}

Result<Value, std::string> read_one(
    const Value& value, const Field& field, const std::string& path
) {
  if (value.is_null()) return zero_of(field.kind);
  const std::string* const text = value.text();
  switch (field.kind) {
    case Kind::text:
      if (text == nullptr) return wrong(path, "a string");
      return value;
    case Kind::boolean:
      if (!std::holds_alternative<bool>(value.data)) return wrong(path, "true or false");
      return value;
    case Kind::integer:
      return read_integer(value, path);
    case Kind::quantity:
      return read_quantity(value, path);
    case Kind::bytes: {
      auto bytes = text == nullptr ? std::nullopt : from_base64(*text);
      if (!bytes) return wrong(path, "base64");
      return Value{*std::move(bytes)};
    }
    case Kind::time: {
      auto moment = text == nullptr ? std::nullopt : canonical_time(*text);
      if (!moment) return wrong(path, "an RFC 3339 time");
      return Value{*std::move(moment)};
    }
    case Kind::message: {
      if (value.members() == nullptr) return wrong(path, "an object");
      GH_TRY(auto object, read_object(*value.members(), *field.message, path));
      return Value{std::move(object)};
    }
  }
  return wrong(path, "a value of a known type");
}

Result<Value, std::string> read_field(
    const Value& value, const Field& field, const std::string& path
) {
  switch (field.shape) {
    case Shape::single:
    case Shape::pointer:
    case Shape::inlined:
      return read_one(value, field, path);
    case Shape::list:
    case Shape::set_list: {
      if (value.items() == nullptr) return wrong(path, "a list");
      Items items;
      for (const Value& each : *value.items()) {
        GH_TRY(auto item, read_one(each, field, path + "[" + std::to_string(items.size()) + "]"));
        items.push_back(std::move(item));
      }
      return Value{std::move(items)};
    }
    case Shape::map: {
      if (value.members() == nullptr) return wrong(path, "an object");
      Members members;
      for (const auto& [key, each] : *value.members()) {
        GH_TRY(auto member, read_one(each, field, path + "[" + key + "]"));
        members.emplace_hint(members.end(), key, std::move(member));
      }
      return Value{std::move(members)};
    }
  }
  return wrong(path, "a value of a known shape");
}

Result<Members, std::string> read_object(
    const Members& object, const Message& message, const std::string& path
) {
  Members out;
  for (const Field& field : message.fields) {
    if (field.shape == Shape::inlined) {
      GH_TRY(auto inner, read_object(object, *field.message, path));
      out.merge(inner);
      continue;
    }
    const Value* const value = find(object, field.name);
    if (value == nullptr) continue;
    GH_TRY(auto read, read_field(*value, field, below(path, field.name)));
    out.insert_or_assign(std::string(field.name), std::move(read));
  }
  return out;
}

bool is_zero(const Value& value) {
  struct Zero {
    bool operator()(const Null&) const { return true; }

    bool operator()(bool flag) const { return !flag; }

    bool operator()(const Number& number) const { return number.text == "0"; }

    bool operator()(const std::string& text) const { return text.empty(); }

    bool operator()(const Items& items) const { return items.empty(); }

    bool operator()(const Members& members) const { return members.empty(); }
  };

  return std::visit(Zero{}, value.data);
}

void drop_inside(Value& value, const Field& field) {
  if (field.kind != Kind::message) return;
  if (Members* const object = value.members(); object != nullptr && field.shape != Shape::map) {
    drop_zero_values(*object, *field.message);
  }
  if (Items* const items = value.items()) {
    for (Value& item : *items) {
      if (item.members() != nullptr) drop_zero_values(*item.members(), *field.message);
    }
  }
}

void default_volume(Members& volume_object) {
  const bool has_source =
      std::any_of(volume_source.fields.begin(), volume_source.fields.end(), [&](const Field& each) {
        return volume_object.contains(each.name);
      });
  if (!has_source) volume_object.insert_or_assign("emptyDir", Value{Members()});
}

void default_pod_spec(Members& spec) {
  if (text_at(spec, "serviceAccountName").empty() && !text_at(spec, "serviceAccount").empty()) {
    spec.insert_or_assign(
        "serviceAccountName", Value{std::string(text_at(spec, "serviceAccount"))}
    );
  }
  const auto volumes = spec.find("volumes");
  if (volumes == spec.end() || volumes->second.items() == nullptr) return;
  for (Value& each : *volumes->second.items()) {
    if (each.members() != nullptr) default_volume(*each.members());
  }
}

Members& object_in(Members& parent, const char* name) {
  Value& value = parent.try_emplace(name, Value{Members()}).first->second;
  if (value.members() == nullptr) value = Value{Members()};
  return *value.members();
}

}  // namespace

const Message& schema_of(std::string_view kind) {
  for (const Known& known : known_kinds) {
    if (known.kind == kind) return known.message;
  }
  return any_object;
}

const Field* field_named(const Message& message, std::string_view name) {
  for (const Field& field : message.fields) {
    if (field.shape != Shape::inlined) {
      if (field.name == name) return &field;
    } else if (const Field* const inner = field_named(*field.message, name)) {
      return inner;
    }
  }
  return nullptr;
}

Result<Members, std::string> canonical(const Members& object, const Message& message) {
  GH_TRY(auto out, read_object(object, message, ""));
  drop_zero_values(out, message);
  return out;
}

void drop_zero_values(Members& object, const Message& message) {
  for (const Field& field : message.fields) {
    if (field.shape == Shape::inlined) {
      drop_zero_values(object, *field.message);
      continue;
    }
    const auto at = object.find(field.name);
    if (at == object.end()) continue;
    drop_inside(at->second, field);
    if (field.shape != Shape::pointer && is_zero(at->second)) object.erase(at);
  }
}

void fill_defaults(Members& object, std::string_view kind) {
  if (kind == "Pod") {
    if (const auto spec = object.find("spec"); spec != object.end()) {
      if (spec->second.members() != nullptr) default_pod_spec(*spec->second.members());
    }
  } else if (kind == "PersistentVolumeClaim") {
    object_in(object, "spec").try_emplace("volumeMode", Value{std::string("Filesystem")});
    object_in(object, "status").try_emplace("phase", Value{std::string("Pending")});
  }
}

std::string first_difference(const Members& one, const Members& other) {
  auto a = one.begin();
  auto b = other.begin();
  while (a != one.end() || b != other.end()) {
    if (b == other.end() || (a != one.end() && a->first < b->first)) return a->first;
    if (a == one.end() || b->first < a->first) return b->first;
    if (!(a->second == b->second)) {
      const Members* const inner = a->second.members();
      const Members* const other_inner = b->second.members();
      if (inner == nullptr || other_inner == nullptr) return a->first;
      return a->first + "." + first_difference(*inner, *other_inner);
    }
    ++a, ++b;
  }
  return {};
}

}  // namespace gh::authz::admission
