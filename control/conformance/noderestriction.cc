// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/admit.h"
#include "authz/admission/schema.h"
#include "authz/rbac/compiler.h"
#include "authz/rbac/policy_yaml.h"
#include "base/limits.h"
#include "control/conformance/vectors.h"

#include <algorithm>
#include <optional>

namespace gh::conformance {
namespace {

namespace admission = authz::admission;
using admission::Lookup;
using admission::Outcome;

// What the plugin's listers hold, and the policy for audiences.
class Cluster {
 public:
  bool load(simdjson::dom::array world, std::ostream& out) {
    authz::rbac::PolicyLoader loader(authz::rbac::Validation::authorizer);
    for (Json object : world) {
      const std::string kind = text_at(object, "kind");
      if (kind.starts_with("ClusterRole")) {
        const auto added = loader.add(simdjson::minify(object), "world");
        if (!added) out << added.error().to_string() << "\n";
        if (!added) return false;
      } else {
        objects_.push_back({kind, object["metadata"], simdjson::minify(object)});
      }
    }
    auto table = authz::rbac::compile(loader.take_without_aggregation());
    if (table) table_ = std::move(*table);
    return table.has_value();
  }

  // Answers one lookup as an API server would.
  void fetch(const Lookup& lookup, admission::World& world) const {
    const auto found = std::find_if(objects_.begin(), objects_.end(), [&](const Object& object) {
      return plural_of(object.kind) == lookup.resource &&
             text_at(object.metadata, "name") == lookup.name &&
             text_at(object.metadata, "namespace") == lookup.namespace_;
    });
    if (found == objects_.end()) return world.add_absent(lookup);
    world.add(lookup, found->json);
  }

  bool allows(const identity::Identity& who, const authz::Attributes& what) const {
    return table_.decide(table_.resolve(who), what).decision == authz::Decision::allow;
  }

 private:
  struct Object {
    std::string kind;
    Json metadata;
    std::string json;
  };

  static std::string plural_of(const std::string& kind) {
    std::string plural = kind + "s";
    std::transform(plural.begin(), plural.end(), plural.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    return plural;
  }

  std::vector<Object> objects_;
  authz::rbac::DecisionTable table_;
};

struct Case {
  explicit Case(Json each)
      : group(text_at(each, "apiGroup")),
        version(text_at(each, "apiVersion")),
        space(text_at(each, "namespace")),
        resource(text_at(each, "resource")),
        subresource(text_at(each, "subresource")),
        name(text_at(each, "name")),
        operation(text_at(each, "operation")) {
    who.user = text_at(each, "user");
    who.groups = texts_at(each, "groups");
    what = {true, verb(), "", group, version, space, resource, subresource, name};
    Json gates;
    if (each["features"].get(gates) == simdjson::SUCCESS) {
      features.pod_certificate_request = bool_at(gates, "PodCertificateRequest");
    }
  }

  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  std::string_view verb() const {
    return operation == "CREATE" ? "create" : operation == "UPDATE" ? "update" : "delete";
  }

  std::string group, version, space, resource, subresource, name, operation;
  identity::Identity who;
  authz::Attributes what;
  admission::Features features;
};

std::optional<admission::Operation> operation_of(std::string_view word) {
  if (word == "CREATE") return admission::Operation::create;
  if (word == "UPDATE") return admission::Operation::update;
  if (word == "DELETE") return admission::Operation::remove;
  return std::nullopt;  // CONNECT: the plugin is not asked
}

using Body = Result<std::optional<admission::Object>, Outcome>;

Body object_at(Json each, std::string_view key, const Case& one) {
  Json object;
  if (each[key].get(object) != simdjson::SUCCESS) return std::optional<admission::Object>();
  auto read = admission::read_object_body(one.what, "application/json", simdjson::minify(object));
  if (!read) return fail(std::move(read).error());
  return std::optional<admission::Object>(std::move(*read));
}

Outcome judged(const Case& one, const Cluster& cluster, const Body& object, const Body& old) {
  const auto operation = operation_of(one.operation);
  if (!operation) return admission::admitted();
  if (!object) return object.error();
  if (!old) return old.error();
  const admission::Allows allows = [&](const authz::Attributes& what) {
    return cluster.allows(one.who, what);
  };
  admission::World world;
  Outcome outcome;
  for (std::size_t round = 0; round < limits::admission_rounds_max; ++round) {
    outcome = admission::judge(
        {one.who,
         one.what,
         *operation,
         *object ? &**object : nullptr,
         *old ? &**old : nullptr,
         world,
         allows,
         one.features}
    );
    if (outcome.verdict != Outcome::Verdict::needs) return outcome;
    for (const Lookup& lookup : outcome.needs) cluster.fetch(lookup, world);
  }
  return admission::too_many_rounds();
}

// What follows these words is a Go diff in Kubernetes, which the vectors leave out.
std::string without_difference(std::string message) {
  constexpr std::string_view before = "status.quantity and status.conditions: ";
  const std::size_t at = message.find(before);
  if (at == std::string::npos) return message;
  return message.substr(0, at + before.size()) + "...";
}

void compare(Json each, const Outcome& outcome, std::string_view form, Findings& findings) {
  const std::string prefix(form);
  const bool admitted = bool_at(each, "admitted");
  const auto word = [](bool yes) { return yes ? "admitted" : "refused"; };
  findings.expect(prefix + " verdict", word(admitted), word(outcome.admitted()));
  if (admitted || outcome.admitted()) return;
  findings.expect_number(prefix + " code", number_at(each, "code"), outcome.refusal.code);
  findings.expect(prefix + " reason", text_at(each, "reason"), outcome.refusal.reason);
  findings.expect(
      prefix + " message", text_at(each, "message"), without_difference(outcome.refusal.message)
  );
}

void judge_case(Json each, const Cluster& cluster, Findings& findings) {
  const Case one(each);
  const Body old = object_at(each, "oldObject", one);
  compare(each, judged(one, cluster, object_at(each, "object", one), old), "JSON", findings);
  const std::string base64 = text_at(each, "objectProtobuf");
  if (base64.empty()) return;
  auto read = admission::read_object_body(
      one.what, "application/vnd.kubernetes.protobuf", from_base64(base64)
  );
  const Body object = read ? Body(std::optional<admission::Object>(std::move(*read)))
                           : Body(fail(std::move(read).error()));
  compare(each, judged(one, cluster, object, old), "protobuf", findings);
}

// ---- patches: k8s-noderestriction-patch/1 ----

// Differences that are meant: a strategic merge patch whose effect is in doubt is refused; so is
// one for another version of the object, as the API server does after admission; and what the API
// server cannot apply (patchError) it refuses by itself.
bool is_meant(Json each, const Outcome& outcome) {
  const bool conflict = outcome.refusal.code == 409 &&
                        text_at(each, "patch").find("resourceVersion") != std::string::npos;
  return conflict || !text_at(each, "patchError").empty() ||
         outcome.refusal.message.find("a node may not patch ") != std::string::npos;
}

void judge_patch(Json each, Findings& findings) {
  const std::string space = text_at(each, "namespace");
  const std::string resource = text_at(each, "resource");
  const std::string subresource = text_at(each, "subresource");
  const std::string name = text_at(each, "name");
  const std::string type = "application/" + text_at(each, "contentType") + "-patch+json";
  const std::string patch = text_at(each, "patch");
  const identity::Identity who{"system:node:n1", "", {"system:nodes"}, {}};
  const authz::Attributes what{true, "patch", "", "", "v1", space, resource, subresource, name};
  Json old;
  if (each["oldObject"].get(old) != simdjson::SUCCESS) {
    return findings.differ("oldObject", "one", "none");
  }
  admission::World world;
  world.add({"", "v1", resource, space, name}, simdjson::minify(old));
  const Outcome outcome = admission::admit({who, what, "", type, patch}, world, {});
  if (!is_meant(each, outcome)) compare(each, outcome, "patch", findings);
}

}  // namespace

Tally judge_noderestriction(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(
          parser, file, {"k8s-noderestriction/1", "k8s-noderestriction-patch/1"}, root, tally, out
      ) == nullptr) {
    return tally;
  }
  if (text_at(root, "format") == "k8s-noderestriction-patch/1") {
    judge_each(root["cases"], tally, out, judge_patch);
    return tally;
  }
  Cluster cluster;
  simdjson::dom::array world;
  if (root["world"].get_array().get(world) != simdjson::SUCCESS || !cluster.load(world, out)) {
    out << file << ": no world that can be used\n";
    ++tally.failed;
    tally.unusable = true;
    return tally;
  }
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    judge_case(each, cluster, findings);
  });
  return tally;
}

}  // namespace gh::conformance
