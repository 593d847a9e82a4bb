// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/node_restriction.h"

#include "authz/admission/csr.h"
#include "authz/admission/schema.h"
#include "authz/go_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gh::authz::admission {
namespace {

constexpr std::string_view mirror_annotation = "kubernetes.io/config.mirror";

const Members& part(const Members& object, std::string_view key) {
  static const Members none;
  const Members* const found = object_at(object, key);
  return found == nullptr ? none : *found;
}

const Members& metadata_of(const Members& object) { return part(object, "metadata"); }

const Members& spec_of(const Members& object) { return part(object, "spec"); }

// A member, or null for what has its zero value: canonical members compare with ==.
const Value& member(const Members& object, std::string_view key) {
  static const Value none;
  const Value* const found = find(object, key);
  return found == nullptr ? none : *found;
}

std::string quoted_path(std::string_view space, std::string_view name) {
  return go_quoted(std::string(space) + "/" + std::string(name));
}

std::string_view name_of(Operation operation) {
  switch (operation) {
    case Operation::create:
      return "CREATE";
    case Operation::update:
      return "UPDATE";
    case Operation::remove:
      return "DELETE";
  }
  return {};
}

// The Go package of an API group's internal types.
std::string_view package_of(std::string_view group) {
  return group.empty() ? "core" : group.substr(0, group.find('.'));
}

Outcome unexpected_type(const Question& question, const Object* object) {
  if (object == nullptr) return forbidden(question, "unexpected type <nil>");
  std::string type = "*";
  type.append(package_of(object->api_group)).append(".").append(object->kind);
  return forbidden(question, "unexpected type " + type);
}

bool is_a(const Object* object, std::string_view group, std::string_view kind) {
  return object != nullptr && object->api_group == group && object->kind == kind;
}

// One node's question: the plugin's functions, in its order.
class Plugin {
 public:
  Plugin(const Question& question, std::string_view node) : q_(question), node_(node) {}

  Outcome admit() const;

 private:
  // A looked-up object that is there; null with the outcome that ends the question.
  const KnownObject* fetched(const Lookup& lookup, Outcome& ends) const {
    const KnownObject* const object = q_.world.find(lookup);
    if (object == nullptr) ends = needs(lookup);
    return object;
  }

  Lookup pod_lookup(std::string_view name) const {
    return {"", "v1", "pods", std::string(q_.what.namespace_), std::string(name)};
  }

  static Lookup node_lookup(std::string_view name) {
    return {"", "v1", "nodes", "", std::string(name)};
  }

  Outcome refuse(std::string_view why) const { return forbidden(q_, why); }

  std::string quoted_node() const { return "node " + go_quoted(node_); }

  std::string_view name() const { return q_.what.name; }

  Outcome admit_pod() const;
  Outcome admit_pod_create() const;
  Outcome admit_mirror_owner(const Members& pod) const;
  Outcome admit_pod_status() const;
  Outcome admit_pod_eviction() const;
  Outcome admit_bound_pod(std::string_view pod_name, std::string_view otherwise) const;
  Outcome admit_node() const;
  Outcome admit_node_create() const;
  Outcome admit_node_update() const;
  Outcome admit_claim_status() const;
  Outcome admit_service_account() const;
  Outcome admit_audience(const Members& token_spec, const Members& pod) const;
  Outcome admit_pod_certificate() const;
  Outcome admit_certificate_node(const Members& spec) const;
  Outcome admit_certificate_pod(const Members& spec) const;
  Outcome admit_certificate_account(const Members& spec, const Members& pod) const;
  Outcome admit_lease() const;
  Outcome admit_csi_node() const;
  Outcome admit_resource_slice() const;
  Outcome admit_csr() const;

  const Question& q_;
  std::string_view node_;
};

Outcome Plugin::admit() const {
  const std::string_view group = q_.what.api_group;
  const std::string_view resource = q_.what.resource;
  const std::string_view sub = q_.what.subresource;
  if (group.empty() && resource == "pods") return admit_pod();
  if (group.empty() && resource == "nodes") return admit_node();
  if (group.empty() && resource == "persistentvolumeclaims") {
    return sub == "status" ? admit_claim_status() : refuse("may only update PVC status");
  }
  if (group.empty() && resource == "serviceaccounts") return admit_service_account();
  if (group == "certificates.k8s.io" && resource == "podcertificaterequests") {
    return admit_pod_certificate();
  }
  if (group == "coordination.k8s.io" && resource == "leases") return admit_lease();
  if (group == "storage.k8s.io" && resource == "csinodes") return admit_csi_node();
  if (group == "resource.k8s.io" && resource == "resourceslices") return admit_resource_slice();
  if (group == "certificates.k8s.io" && resource == "certificatesigningrequests") {
    return admit_csr();
  }
  return admitted();
}

// ---- pods ----

Outcome Plugin::admit_pod() const {
  const std::string_view sub = q_.what.subresource;
  if (sub == "status") return admit_pod_status();
  if (sub == "eviction") return admit_pod_eviction();
  if (!sub.empty()) {
    return refuse(
        "unexpected pod subresource " + go_quoted(sub) +
        ", only 'status' and 'eviction' are allowed"
    );
  }
  switch (q_.operation) {
    case Operation::create:
      return admit_pod_create();
    case Operation::remove:
      return admit_bound_pod(
          name(), quoted_node() + " can only delete pods with spec.nodeName set to itself"
      );
    case Operation::update:
      break;
  }
  return refuse(
      "unexpected operation " + go_quoted(name_of(q_.operation)) + ", " + quoted_node() +
      " can only create and delete mirror pods"
  );
}

// A pod of that name, bound to the node.
Outcome Plugin::admit_bound_pod(std::string_view pod_name, std::string_view otherwise) const {
  Outcome ends;
  const KnownObject* const pod = fetched(pod_lookup(pod_name), ends);
  if (pod == nullptr) return ends;
  if (pod->state == KnownObject::State::failed) return refuse(pod->why);
  if (!pod->present()) return not_found("", "pod", pod_name);
  if (text_at(spec_of(pod->canonical), "nodeName") != node_) return refuse(otherwise);
  return admitted();
}

Outcome Plugin::admit_pod_create() const {
  if (!is_a(q_.object, "", "Pod")) return unexpected_type(q_, q_.object);
  const Members& pod = q_.object->fields;
  if (!part(metadata_of(pod), "annotations").contains(mirror_annotation)) {
    return refuse(
        "pod does not have " + go_quoted(mirror_annotation) + " annotation, " + quoted_node() +
        " can only create mirror pods"
    );
  }
  if (text_at(spec_of(pod), "nodeName") != node_) {
    return refuse(quoted_node() + " can only create pods with spec.nodeName set to itself");
  }
  if (Outcome owner = admit_mirror_owner(pod); !owner.admitted()) return owner;
  const Reference reference = api_object_reference(pod);
  if (!reference.error.empty()) {
    return refuse("error checking mirror pod for API references: " + reference.error);
  }
  if (!reference.what.empty()) {
    return refuse(quoted_node() + " can not create pods that reference " + reference.what);
  }
  return admitted();
}

Outcome Plugin::admit_mirror_owner(const Members& pod) const {
  const Items& owners = items_at(metadata_of(pod), "ownerReferences");
  const std::string can_only = quoted_node() + " can only create pods with ";
  if (owners.size() > 1) return refuse(can_only + "a single owner reference set to itself");
  const Members* const owner = owners.empty() ? nullptr : owners.front().members();
  if (owner == nullptr || text_at(*owner, "apiVersion") != "v1" ||
      text_at(*owner, "kind") != "Node" || text_at(*owner, "name") != node_) {
    return refuse(can_only + "an owner reference set to itself");
  }
  if (!flag_at(*owner, "controller")) {
    return refuse(can_only + "a controller owner reference set to itself");
  }
  if (flag_at(*owner, "blockOwnerDeletion")) {
    return refuse(quoted_node() + " must not set blockOwnerDeletion on an owner reference");
  }
  Outcome ends;
  const KnownObject* const own = fetched(node_lookup(node_), ends);
  if (own == nullptr) return ends;
  const std::string name(node_);
  if (own->state == KnownObject::State::failed) {
    return refuse("error looking up node " + name + " to verify uid: " + own->why);
  }
  if (!own->present()) return not_found("", "node", node_);
  const std::string given(text_at(*owner, "uid"));
  const std::string uid(text_at(metadata_of(own->canonical), "uid"));
  if (given != uid) {
    return refuse("node " + name + " UID mismatch: expected " + given + " got " + uid);
  }
  return admitted();
}

Outcome Plugin::admit_pod_status() const {
  if (q_.operation != Operation::update) {
    return refuse("unexpected operation " + go_quoted(name_of(q_.operation)));
  }
  if (!is_a(q_.old, "", "Pod")) return unexpected_type(q_, q_.old);
  const Members& old = q_.old->fields;
  if (text_at(spec_of(old), "nodeName") != node_) {
    return refuse(
        quoted_node() + " can only update pod status for pods with spec.nodeName set to itself"
    );
  }
  if (!is_a(q_.object, "", "Pod")) return unexpected_type(q_, q_.object);
  const Members& pod = q_.object->fields;
  if (member(metadata_of(old), "labels") != member(metadata_of(pod), "labels")) {
    return refuse(quoted_node() + " cannot update labels through pod status");
  }
  const Members& status = part(pod, "status");
  const Members& old_status = part(old, "status");
  if (member(old_status, "resourceClaimStatuses") != member(status, "resourceClaimStatuses")) {
    return refuse(quoted_node() + " cannot update resource claim statues");
  }
  if (member(old_status, "extendedResourceClaimStatus") !=
      member(status, "extendedResourceClaimStatus")) {
    return refuse(quoted_node() + " cannot update extended resource claim status");
  }
  return admitted();
}

Outcome Plugin::admit_pod_eviction() const {
  if (q_.operation != Operation::create) {
    return refuse("unexpected operation " + std::string(name_of(q_.operation)));
  }
  if (!is_a(q_.object, "policy", "Eviction")) return unexpected_type(q_, q_.object);
  std::string_view pod_name = name();
  if (pod_name.empty()) pod_name = text_at(metadata_of(q_.object->fields), "name");
  if (pod_name.empty()) return refuse("could not determine pod from request data");
  return admit_bound_pod(
      pod_name,
      "node " + std::string(node_) + " can only evict pods with spec.nodeName set to itself"
  );
}

// ---- nodes ----

constexpr std::array<std::string_view, 11> kubelet_labels = {
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch"
};

// `domain` itself or below it.
bool is_in(std::string_view space, std::string_view domain) {
  if (!space.ends_with(domain)) return false;
  space.remove_suffix(domain.size());
  return space.empty() || space.ends_with('.');
}

bool is_kubelet_label(std::string_view key, std::string_view space) {
  return std::find(kubelet_labels.begin(), kubelet_labels.end(), key) != kubelet_labels.end() ||
         is_in(space, "kubelet.kubernetes.io") || is_in(space, "node.kubernetes.io");
}

// The forbidden ones among the labels that differ, in order, "a, b".
std::string forbidden_changes(const Members& labels, const Members& old) {
  std::string out;
  const auto note = [&](const std::string& key) {
    if (is_forbidden_label(key)) out += (out.empty() ? "" : ", ") + key;
  };
  auto a = labels.begin();
  auto b = old.begin();
  while (a != labels.end() || b != old.end()) {
    if (b == old.end() || (a != labels.end() && a->first < b->first)) {
      note(a++->first);
    } else if (a == labels.end() || b->first < a->first) {
      note(b++->first);
    } else {
      if (a->second != b->second) note(a->first);
      ++a, ++b;
    }
  }
  return out;
}

Outcome Plugin::admit_node() const {
  if (name() != node_) {
    return refuse(quoted_node() + " is not allowed to modify node " + go_quoted(name()));
  }
  switch (q_.operation) {
    case Operation::create:
      return admit_node_create();
    case Operation::update:
      return admit_node_update();
    case Operation::remove:
      break;
  }
  return admitted();
}

Outcome Plugin::admit_node_create() const {
  if (!is_a(q_.object, "", "Node")) return unexpected_type(q_, q_.object);
  const Members& own = q_.object->fields;
  if (spec_of(own).contains("configSource")) {
    return refuse(quoted_node() + " is not allowed to create pods with a non-nil configSource");
  }
  const std::string labels = forbidden_changes(part(metadata_of(own), "labels"), {});
  if (!labels.empty()) {
    return refuse(quoted_node() + " is not allowed to set the following labels: " + labels);
  }
  return admitted();
}

Outcome Plugin::admit_node_update() const {
  if (!is_a(q_.object, "", "Node")) return unexpected_type(q_, q_.object);
  if (!is_a(q_.old, "", "Node")) return unexpected_type(q_, q_.object);
  const Members& spec = spec_of(q_.object->fields);
  const Members& old_spec = spec_of(q_.old->fields);
  // A configSource that goes is fine: old kubelets drop it.
  const Value& config = member(spec, "configSource");
  if (!config.is_null() && config != member(old_spec, "configSource")) {
    return refuse(
        quoted_node() + " is not allowed to update configSource to a new non-nil configSource"
    );
  }
  if (member(spec, "taints") != member(old_spec, "taints")) {
    return refuse(quoted_node() + " is not allowed to modify taints");
  }
  const Members& metadata = metadata_of(q_.object->fields);
  const Members& old_metadata = metadata_of(q_.old->fields);
  if (member(metadata, "ownerReferences") != member(old_metadata, "ownerReferences")) {
    return refuse(quoted_node() + " is not allowed to modify ownerReferences");
  }
  const std::string labels =
      forbidden_changes(part(metadata, "labels"), part(old_metadata, "labels"));
  if (!labels.empty()) return refuse("is not allowed to modify labels: " + labels);
  return admitted();
}

// ---- claims ----

Outcome Plugin::admit_claim_status() const {
  if (q_.operation != Operation::update) {
    return refuse("unexpected operation " + go_quoted(name_of(q_.operation)));
  }
  if (!is_a(q_.old, "", "PersistentVolumeClaim")) return unexpected_type(q_, q_.old);
  if (!is_a(q_.object, "", "PersistentVolumeClaim")) return unexpected_type(q_, q_.object);
  Members old = q_.old->fields;
  Members claim = q_.object->fields;
  for (Members* const each : {&old, &claim}) {
    const auto metadata = each->find("metadata");
    if (metadata == each->end() || metadata->second.members() == nullptr) continue;
    metadata->second.members()->erase("resourceVersion");
    if (metadata->second.members()->empty()) each->erase(metadata);
  }
  const std::string difference = first_difference(old, claim);
  if (difference.empty()) return admitted();
  // Kubernetes shows the whole difference here, in a form that its authors do not keep stable.
  return refuse(
      quoted_node() +
      " is not allowed to update fields other than status.quantity and status.conditions: " +
      difference
  );
}

// ---- tokens ----

Outcome Plugin::admit_service_account() const {
  if (q_.operation != Operation::create || q_.what.subresource != "token") return admitted();
  if (!is_a(q_.object, "authentication.k8s.io", "TokenRequest")) {
    return unexpected_type(q_, q_.object);
  }
  const Members& spec = spec_of(q_.object->fields);
  const Members* const bound = object_at(spec, "boundObjectRef");
  if (bound == nullptr || text_at(*bound, "apiVersion") != "v1" ||
      text_at(*bound, "kind") != "Pod" || text_at(*bound, "name").empty()) {
    return refuse("node requested token not bound to a pod");
  }
  const std::string uid(text_at(*bound, "uid"));
  if (uid.empty()) return refuse("node requested token with a pod binding without a uid");
  const std::string_view pod_name = text_at(*bound, "name");
  Outcome ends;
  const KnownObject* const pod = fetched(pod_lookup(pod_name), ends);
  if (pod == nullptr) return ends;
  if (pod->state == KnownObject::State::failed) return refuse(pod->why);
  if (!pod->present()) return not_found("", "pod", pod_name);
  if (uid != text_at(metadata_of(pod->canonical), "uid")) {
    return refuse(
        "the UID in the bound object reference (" + uid +
        ") does not match the UID in record. The object might have been deleted and then recreated"
    );
  }
  if (text_at(spec_of(pod->canonical), "nodeName") != node_) {
    return refuse("node requested token bound to a pod scheduled on a different node");
  }
  return admit_audience(spec, pod->canonical);
}

Outcome Plugin::admit_audience(const Members& token_spec, const Members& pod) const {
  const Items& audiences = items_at(token_spec, "audiences");
  if (audiences.size() > 1) return refuse("node may only request 0 or 1 audiences");
  const std::string* const text = audiences.empty() ? nullptr : audiences.front().text();
  const std::string audience = text == nullptr ? std::string() : *text;
  Audience found = pod_references_audience(pod, audience, q_.world);
  if (found.found) return admitted();
  if (found.too_many) return refuse("the pod's volumes refer to too many objects");
  if (!found.needs.empty()) return {Outcome::Verdict::needs, {}, std::move(found.needs)};
  if (!found.error.empty()) {
    return refuse("error validating audience " + go_quoted(audience) + ": " + found.error);
  }
  Attributes ask;
  ask.resource_request = true;
  ask.verb = "request-serviceaccounts-token-audience";
  ask.api_version = "v1";
  ask.namespace_ = q_.what.namespace_;
  ask.resource = audience;
  ask.name = name();
  if (q_.allows && q_.allows(ask)) return admitted();
  return refuse(
      "audience " + go_quoted(audience) + " not found in pod spec volume, " + q_.who.user +
      " is not authorized to request tokens for this audience"
  );
}

// ---- pod certificates ----

Outcome Plugin::admit_pod_certificate() const {
  if (!q_.features.pod_certificate_request) {
    return refuse("PodCertificateRequest feature gate is disabled");
  }
  if (q_.operation != Operation::create) {
    return refuse("unexpected operation " + std::string(name_of(q_.operation)));
  }
  if (!q_.what.subresource.empty()) {
    return refuse("unexpected subresource " + std::string(q_.what.subresource));
  }
  if (!is_a(q_.object, "certificates.k8s.io", "PodCertificateRequest")) {
    return unexpected_type(q_, q_.object);
  }
  return admit_certificate_node(spec_of(q_.object->fields));
}

Outcome Plugin::admit_certificate_node(const Members& spec) const {
  const std::string_view given = text_at(spec, "nodeName");
  if (given != node_) {
    return refuse(
        "PodCertificateRequest.Spec.NodeName=" + go_quoted(given) +
        ", which is not the requesting node " + go_quoted(node_)
    );
  }
  Outcome ends;
  const KnownObject* const own = fetched(node_lookup(node_), ends);
  if (own == nullptr) return ends;
  const std::string looking =
      "while retrieving node " + go_quoted(node_) + " named in the PodCertificateRequest: ";
  if (own->state == KnownObject::State::failed) return refuse(looking + own->why);
  if (!own->present()) return unexplained(looking + "node " + go_quoted(node_) + " not found");
  const std::string_view uid = text_at(metadata_of(own->canonical), "uid");
  if (uid != text_at(spec, "nodeUID")) {
    return unexplained(
        "PodCertificateRequest for pod " +
        quoted_path(q_.what.namespace_, text_at(spec, "podName")) + " names node UID " +
        go_quoted(text_at(spec, "nodeUID")) + ", inconsistent with the running node (" +
        go_quoted(uid) + ")"
    );
  }
  return admit_certificate_pod(spec);
}

Outcome Plugin::admit_certificate_pod(const Members& spec) const {
  const std::string_view pod_name = text_at(spec, "podName");
  const std::string quoted_pod = quoted_path(q_.what.namespace_, pod_name);
  Outcome ends;
  const KnownObject* const pod = fetched(pod_lookup(pod_name), ends);
  if (pod == nullptr) return ends;
  const std::string looking =
      "while retrieving pod " + quoted_pod + " named in the PodCertificateRequest: ";
  if (pod->state == KnownObject::State::failed) return refuse(looking + pod->why);
  if (!pod->present()) return unexplained(looking + "pod " + go_quoted(pod_name) + " not found");
  const std::string_view uid = text_at(metadata_of(pod->canonical), "uid");
  if (uid != text_at(spec, "podUID")) {
    return unexplained(
        "PodCertificateRequest for pod " + quoted_pod + " contains pod UID (" +
        go_quoted(text_at(spec, "podUID")) + ") which differs from running pod " + go_quoted(uid)
    );
  }
  if (text_at(spec_of(pod->canonical), "nodeName") != node_) {
    return refuse(
        "pod " + quoted_pod + " is not running on node " + go_quoted(node_) +
        " named in the PodCertificateRequest"
    );
  }
  if (part(metadata_of(pod->canonical), "annotations").contains(mirror_annotation)) {
    return refuse("pod " + quoted_pod + " is a mirror pod");
  }
  return admit_certificate_account(spec, pod->canonical);
}

Outcome Plugin::admit_certificate_account(const Members& spec, const Members& pod) const {
  const std::string quoted_pod = quoted_path(q_.what.namespace_, text_at(spec, "podName"));
  const std::string_view given = text_at(spec, "serviceAccountName");
  const std::string_view running = text_at(spec_of(pod), "serviceAccountName");
  if (given != running) {
    return refuse(
        "PodCertificateRequest for pod " + quoted_pod + " contains serviceAccountName (" +
        go_quoted(given) + ") that differs from running pod (" + go_quoted(running) + ")"
    );
  }
  Outcome ends;
  const KnownObject* const account = fetched(
      {"", "v1", "serviceaccounts", std::string(q_.what.namespace_), std::string(given)}, ends
  );
  if (account == nullptr) return ends;
  const std::string looking = "while retrieving service account " +
                              quoted_path(q_.what.namespace_, given) +
                              " named in the PodCertificateRequest: ";
  if (account->state == KnownObject::State::failed) return refuse(looking + account->why);
  if (!account->present()) {
    return unexplained(looking + "serviceaccount " + go_quoted(given) + " not found");
  }
  const std::string_view uid = text_at(metadata_of(account->canonical), "uid");
  if (uid != text_at(spec, "serviceAccountUID")) {
    return unexplained(
        "PodCertificateRequest for pod " + quoted_pod + " names service account UID " +
        go_quoted(text_at(spec, "serviceAccountUID")) +
        ", which differs from the running service account (" + go_quoted(uid) + ")"
    );
  }
  return admitted();
}

// ---- leases, CSI nodes, resource slices, signing requests ----

Outcome Plugin::admit_lease() const {
  if (q_.what.namespace_ != "kube-node-lease") {
    return refuse("can only access leases in the \"kube-node-lease\" system namespace");
  }
  std::string_view lease = name();
  if (q_.operation == Operation::create) {
    if (!is_a(q_.object, "coordination.k8s.io", "Lease")) return unexpected_type(q_, q_.object);
    lease = text_at(metadata_of(q_.object->fields), "name");
  }
  if (lease != node_) {
    return refuse("can only access node lease with the same name as the requesting node");
  }
  return admitted();
}

Outcome Plugin::admit_csi_node() const {
  std::string_view csi_node = name();
  if (q_.operation == Operation::create) {
    if (q_.object == nullptr) return refuse("unable to access the object name");
    csi_node = text_at(metadata_of(q_.object->fields), "name");
  }
  if (csi_node != node_) {
    return refuse("can only access CSINode with the same name as the requesting node");
  }
  return admitted();
}

Outcome Plugin::admit_resource_slice() const {
  if (q_.operation == Operation::update) return admitted();
  const bool create = q_.operation == Operation::create;
  const Object* const slice = create ? q_.object : q_.old;
  if (!is_a(slice, "resource.k8s.io", "ResourceSlice")) return unexpected_type(q_, slice);
  const Value& given = member(spec_of(slice->fields), "nodeName");
  if (given.text() == nullptr || *given.text() != node_) {
    return refuse(
        std::string("can only ") + (create ? "create" : "delete") +
        " ResourceSlice with the same NodeName as the requesting node"
    );
  }
  return admitted();
}

Outcome Plugin::admit_csr() const {
  if (q_.operation != Operation::create) return admitted();
  if (!is_a(q_.object, "certificates.k8s.io", "CertificateSigningRequest")) {
    return unexpected_type(q_, q_.object);
  }
  const Members& spec = spec_of(q_.object->fields);
  const std::string_view signer = text_at(spec, "signerName");
  if (signer != "kubernetes.io/kubelet-serving" &&
      signer != "kubernetes.io/kube-apiserver-client-kubelet") {
    return admitted();
  }
  const auto common_name = csr_common_name(text_at(spec, "request"));
  if (!common_name) return refuse("unable to parse csr: " + common_name.error());
  const std::string expected = "system:node:" + std::string(node_);
  if (*common_name != expected) return refuse("can only create a node CSR with CN=" + expected);
  return admitted();
}

}  // namespace

std::optional<std::string_view> node_name(const identity::Identity& who) noexcept {
  constexpr std::string_view prefix = "system:node:";
  if (!std::string_view(who.user).starts_with(prefix)) return std::nullopt;
  if (std::find(who.groups.begin(), who.groups.end(), "system:nodes") == who.groups.end()) {
    return std::nullopt;
  }
  return std::string_view(who.user).substr(prefix.size());
}

bool is_forbidden_label(std::string_view key) noexcept {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view space = key.substr(0, slash);
  if (is_in(space, "node-restriction.kubernetes.io")) return true;
  return (is_in(space, "kubernetes.io") || is_in(space, "k8s.io")) && !is_kubelet_label(key, space);
}

Outcome judge(const Question& question) {
  const auto node = node_name(question.who);
  if (!node) return admitted();
  if (node->empty()) {
    return forbidden(
        question, "could not determine node from user " + go_quoted(question.who.user)
    );
  }
  return Plugin(question, *node).admit();
}

Outcome forbidden(const Question& question, std::string_view why) {
  std::string_view name = question.what.name;
  if (name.empty() && question.object != nullptr) {
    const Members& metadata = metadata_of(question.object->fields);
    name = text_at(metadata, "name");
    if (name.empty()) name = text_at(metadata, "generateName");
  }
  if (name.empty()) name = "Unknown";
  const Attributes& what = question.what;
  std::string message(what.resource);
  if (!what.api_group.empty()) message.append(".").append(what.api_group);
  message.append(" ").append(go_quoted(name)).append(" is forbidden: ").append(why);
  Outcome outcome = refused(403, "Forbidden", std::move(message));
  outcome.refusal.details = {
      std::string(name), std::string(what.api_group), std::string(what.resource)
  };
  return outcome;
}

namespace {

Outcome about_object(
    int code,
    std::string_view reason,
    std::string message,
    std::string_view group,
    std::string_view resource,
    std::string_view name
) {
  Outcome outcome = refused(code, reason, std::move(message));
  outcome.refusal.details = {std::string(name), std::string(group), std::string(resource)};
  return outcome;
}

std::string qualified(std::string_view group, std::string_view resource, std::string_view name) {
  std::string text(resource);
  if (!group.empty()) text.append(".").append(group);
  return text + " " + go_quoted(name);
}

}  // namespace

Outcome not_found(std::string_view group, std::string_view resource, std::string_view name) {
  return about_object(
      404, "NotFound", qualified(group, resource, name) + " not found", group, resource, name
  );
}

Outcome conflict(std::string_view group, std::string_view resource, std::string_view name) {
  return about_object(
      409,
      "Conflict",
      "Operation cannot be fulfilled on " + qualified(group, resource, name) +
          ": the object has been modified; please apply your changes to the latest version and "
          "try again",
      group,
      resource,
      name
  );
}

Outcome unexplained(std::string message) { return refused(500, "", std::move(message)); }

}  // namespace gh::authz::admission
