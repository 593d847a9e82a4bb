// SPDX-License-Identifier: Apache-2.0
#include "authz/node/node_authorizer.h"

#include "authz/go_text.h"
#include "authz/selectors.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>

namespace gh::authz::node {
namespace {

constexpr std::string_view user_prefix = "system:node:";
constexpr std::string_view nodes_group = "system:nodes";
constexpr std::string_view lease_namespace = "kube-node-lease";
constexpr std::string_view node_name_field = "spec.nodeName";

// Each way a question ends; reason() has its words.
enum class Answer : std::uint8_t {
  no_opinion,
  allow,
  unknown_node,
  only_read,
  no_subresource_read,
  only_namespaced,
  only_get,
  no_subresource_get,
  only_status_writes,
  no_name,
  unrelated,
  only_tokens,
  only_token_subresource,
  lease_verbs,
  lease_namespace_only,
  own_lease,
  csi_node_verbs,
  csi_node_subresource,
  own_csi_node,
  slice_subresource,
  slice_selector,
  slice_verbs,
  request_subresource,
  request_selector,
  request_verbs,
  all_nodes,
  other_node,
  pod_selector,
};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The static rules (bootstrappolicy.NodeRules) that are reached: every other resource they name is
// judged by itself below.
struct Rule {
  std::string_view api_group;
  std::string_view resource;
  std::span<const std::string_view> verbs;
};

bool static_rules_allow(const Attributes& what) {
  static constexpr std::string_view read[] = {"get", "list", "watch"};
  static constexpr std::string_view create[] = {"create"};
  static constexpr std::string_view get[] = {"get"};
  static constexpr std::string_view write[] = {"create", "patch", "update"};
  static constexpr std::string_view ask[] = {"create", "get", "list", "watch"};
  // clang-format off
  static constexpr Rule rules[] = {
    {"",                          "endpoints",                  get},
    {"",                          "events",                     write},
    {"",                          "services",                   read},
    {"authentication.k8s.io",     "tokenreviews",               create},
    {"authorization.k8s.io",      "localsubjectaccessreviews",  create},
    {"authorization.k8s.io",      "subjectaccessreviews",       create},
    {"certificates.k8s.io",       "certificatesigningrequests", ask},
    {"events.k8s.io",             "events",                     write},
    {"node.k8s.io",               "runtimeclasses",             read},
    {"storage.k8s.io",            "csidrivers",                 read},
  };
  // clang-format on
  if (!what.subresource.empty()) return false;
  return std::any_of(std::begin(rules), std::end(rules), [&](const Rule& rule) {
    return rule.resource == what.resource && rule.api_group == what.api_group &&
           std::find(rule.verbs.begin(), rule.verbs.end(), what.verb) != rule.verbs.end();
  });
}

// node_authorizer.go, a method each; the order of its checks is the order of its reasons.
class Judge {
 public:
  Judge(
      const GraphSnapshot& graph,
      std::string_view node,
      const Attributes& what,
      std::string_view field_selector
  )
      : graph_(graph), node_(node), what_(what), field_selector_(field_selector) {}

  Answer judge() const noexcept {
    if (what_.api_group.empty()) return core();
    if (what_.api_group == "coordination.k8s.io" && what_.resource == "leases") return lease();
    if (what_.api_group == "storage.k8s.io") {
      if (what_.resource == "volumeattachments") return get(Kind::volume_attachment);
      if (what_.resource == "csinodes") return csi_node();
    }
    if (what_.api_group == "resource.k8s.io") {
      if (what_.resource == "resourceclaims") return get(Kind::resource_claim);
      if (what_.resource == "resourceslices") return slice();
    }
    if (what_.api_group == "certificates.k8s.io" && what_.resource == "podcertificaterequests") {
      return graph_.features().pod_certificate_request ? certificate_request() : Answer::no_opinion;
    }
    return by_rules();
  }

 private:
  Answer core() const noexcept {
    if (what_.resource == "secrets") return read(Kind::secret);
    if (what_.resource == "configmaps") return read(Kind::config_map);
    if (what_.resource == "pods") return pod();
    if (what_.resource == "nodes") return node();
    if (what_.resource == "serviceaccounts") return service_account();
    if (what_.resource == "persistentvolumeclaims") {
      return what_.subresource == "status" ? claim_status() : get(Kind::persistent_volume_claim);
    }
    if (what_.resource == "persistentvolumes") return get(Kind::persistent_volume);
    return by_rules();
  }

  Answer by_rules() const noexcept {
    return static_rules_allow(what_) ? Answer::allow : Answer::no_opinion;
  }

  bool verb_is(std::initializer_list<std::string_view> verbs) const noexcept {
    return is_one_of(what_.verb, verbs);
  }

  bool selects_own() const noexcept {
    return field_selector_requires(field_selector_, node_name_field, node_);
  }

  Answer related(Kind kind) const noexcept {
    if (what_.name.empty()) return Answer::no_name;
    return reached(kind);
  }

  Answer reached(Kind kind) const noexcept {
    return graph_.reaches(node_, {kind, what_.namespace_, what_.name}) ? Answer::allow
                                                                       : Answer::unrelated;
  }

  Answer read(Kind kind) const noexcept {
    if (!verb_is({"get", "list", "watch"})) return Answer::only_read;
    if (!what_.subresource.empty()) return Answer::no_subresource_read;
    if (what_.namespace_.empty()) return Answer::only_namespaced;
    return related(kind);
  }

  Answer get(Kind kind) const noexcept {
    if (what_.verb != "get") return Answer::only_get;
    if (!what_.subresource.empty()) return Answer::no_subresource_get;
    return related(kind);
  }

  Answer claim_status() const noexcept {
    if (!verb_is({"update", "patch"})) return Answer::only_status_writes;
    return related(Kind::persistent_volume_claim);
  }

  Answer service_account() const noexcept {
    if (what_.verb == "get" && what_.subresource.empty()) return read(Kind::service_account);
    if (what_.verb != "create" || what_.name.empty()) return Answer::only_tokens;
    if (what_.subresource != "token") return Answer::only_token_subresource;
    return reached(Kind::service_account);
  }

  // Whose lease or CSINode a new one is, admission checks: its name is in the body.
  Answer lease() const noexcept {
    if (!verb_is({"get", "create", "update", "patch", "delete"})) return Answer::lease_verbs;
    if (what_.namespace_ != lease_namespace) return Answer::lease_namespace_only;
    if (what_.verb != "create" && what_.name != node_) return Answer::own_lease;
    return Answer::allow;
  }

  Answer csi_node() const noexcept {
    if (!verb_is({"get", "create", "update", "patch", "delete"})) return Answer::csi_node_verbs;
    if (!what_.subresource.empty()) return Answer::csi_node_subresource;
    if (what_.verb != "create" && what_.name != node_) return Answer::own_csi_node;
    return Answer::allow;
  }

  Answer slice() const noexcept {
    if (!what_.subresource.empty()) return Answer::slice_subresource;
    if (what_.verb == "create") return Answer::allow;  // admission checks spec.nodeName
    if (verb_is({"get", "update", "patch", "delete"})) return related(Kind::resource_slice);
    if (!verb_is({"watch", "list", "deletecollection"})) return Answer::slice_verbs;
    return selects_own() ? Answer::allow : Answer::slice_selector;
  }

  Answer certificate_request() const noexcept {
    if (!what_.subresource.empty()) return Answer::request_subresource;
    if (what_.verb == "create") return Answer::allow;  // admission checks the body
    if (what_.verb == "get") return related(Kind::pod_certificate_request);
    if (!verb_is({"list", "watch"})) return Answer::request_verbs;
    return selects_own() ? Answer::allow : Answer::request_selector;
  }

  Answer node() const noexcept {
    if (what_.subresource == "status") {
      return verb_is({"update", "patch"}) ? Answer::allow : Answer::no_opinion;
    }
    if (!what_.subresource.empty()) return Answer::no_opinion;
    if (verb_is({"create", "update", "patch"})) return Answer::allow;  // admission: its own only
    if (!verb_is({"get", "list", "watch"})) return Answer::no_opinion;
    if (what_.name == node_) return Answer::allow;  // also before the object is there
    return what_.name.empty() ? Answer::all_nodes : Answer::other_node;
  }

  Answer pod() const noexcept {
    if (what_.subresource == "status") {
      return verb_is({"update", "patch"}) ? Answer::allow : Answer::no_opinion;
    }
    if (what_.subresource == "eviction") {
      return what_.verb == "create" ? Answer::allow : Answer::no_opinion;
    }
    if (!what_.subresource.empty()) return Answer::no_opinion;
    if (what_.verb == "get") return related(Kind::pod);
    if (verb_is({"list", "watch"})) {
      if (selects_own()) return Answer::allow;
      return what_.name.empty() ? Answer::pod_selector : reached(Kind::pod);
    }
    return verb_is({"create", "delete"}) ? Answer::allow : Answer::no_opinion;  // mirror pods
  }

  const GraphSnapshot& graph_;
  std::string_view node_;
  const Attributes& what_;
  std::string_view field_selector_;
};

Answer answer(
    const GraphSnapshot& graph,
    const NodeCaller& caller,
    const Attributes& what,
    std::string_view field_selector
) noexcept {
  if (!caller.is_node) return Answer::no_opinion;
  if (caller.node.empty()) return Answer::unknown_node;
  if (!what.resource_request) return Answer::no_opinion;  // no static rule has a path
  return Judge(graph, caller.node, what, field_selector).judge();
}

std::string_view fixed_words(Answer answer) {
  switch (answer) {
    case Answer::no_opinion:
    case Answer::allow:
    case Answer::unknown_node:
    case Answer::unrelated:
    case Answer::request_verbs:
    case Answer::all_nodes:
    case Answer::other_node:
      return "";
    case Answer::only_read:
      return "can only read resources of this type";
    case Answer::no_subresource_read:
      return "cannot read subresource";
    case Answer::only_namespaced:
      return "can only read namespaced object of this type";
    case Answer::only_get:
      return "can only get individual resources of this type";
    case Answer::no_subresource_get:
      return "cannot get subresource";
    case Answer::only_status_writes:
      return "can only get/update/patch this type";
    case Answer::no_name:
      return "No Object name found";
    case Answer::only_tokens:
      return "can only create tokens for individual service accounts";
    case Answer::only_token_subresource:
      return "can only create token subresource of serviceaccount";
    case Answer::lease_verbs:
      return "can only get, create, update, patch, or delete a node lease";
    case Answer::lease_namespace_only:
      return "can only access leases in the \"kube-node-lease\" system namespace";
    case Answer::own_lease:
      return "can only access node lease with the same name as the requesting node";
    case Answer::csi_node_verbs:
      return "can only get, create, update, patch, or delete a CSINode";
    case Answer::csi_node_subresource:
      return "cannot authorize CSINode subresources";
    case Answer::own_csi_node:
      return "can only access CSINode with the same name as the requesting node";
    case Answer::slice_subresource:
      return "cannot authorize ResourceSlice subresources";
    case Answer::slice_selector:
      return "can only list/watch/deletecollection resourceslices with nodeName field selector";
    case Answer::slice_verbs:
      return "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, "
             "update, patch, delete, deletecollection";
    case Answer::request_subresource:
      return "nodes may not access the status subresource of PodCertificateRequests";
    case Answer::request_selector:
      return "can only list/watch podcertificaterequests with nodeName field selector";
    case Answer::pod_selector:
      return "can only list/watch pods with spec.nodeName field selector";
  }
  return "";
}

}  // namespace

NodeCaller node_caller(const identity::Identity& who) noexcept {
  const std::string_view user = who.user;
  if (!user.starts_with(user_prefix)) return {};
  if (std::find(who.groups.begin(), who.groups.end(), nodes_group) == who.groups.end()) return {};
  return {true, user.substr(user_prefix.size())};
}

Decision decide(
    const GraphSnapshot& graph,
    const NodeCaller& caller,
    const Attributes& what,
    std::string_view field_selector
) noexcept {
  const bool allowed = answer(graph, caller, what, field_selector) == Answer::allow;
  return allowed ? Decision::allow : Decision::no_opinion;
}

std::string reason(
    const GraphSnapshot& graph,
    const NodeCaller& caller,
    const Attributes& what,
    std::string_view field_selector
) {
  const Answer why = answer(graph, caller, what, field_selector);
  const std::string node(caller.node);
  switch (why) {
    case Answer::unknown_node:
      return "unknown node for user " + go_quoted(user_prefix);
    case Answer::unrelated:
      return "no relationship found between node '" + node + "' and this object";
    case Answer::request_verbs:
      return "nodes may not " + std::string(what.verb) + " podcertificaterequests";
    case Answer::all_nodes:
      return "node '" + node + "' cannot read all nodes, only its own Node object";
    case Answer::other_node:
      return "node '" + node + "' cannot read '" + std::string(what.name) +
             "', only its own Node object";
    default:
      return std::string(fixed_words(why));
  }
}

}  // namespace gh::authz::node
