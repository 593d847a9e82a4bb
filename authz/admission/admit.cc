// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/admit.h"

#include "authz/admission/patch.h"
#include "authz/admission/protobuf.h"
#include "authz/admission/schema.h"
#include "authz/selectors.h"
#include "base/limits.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

namespace gh::authz::admission {
namespace {

constexpr std::string_view type_json = "application/json";
constexpr std::string_view type_protobuf = "application/vnd.kubernetes.protobuf";

// ---- which requests ----

// What the plugin looks at; `update_body` and `patch_body`: what an update or a patch of it says
// counts, not its name alone.
struct Target {
  std::string_view group;
  std::string_view resource;
  std::string_view kind;
  bool update_body;
  bool patch_body;
};

constexpr std::array<Target, 9> targets = {{
    {"", "pods", "Pod", true, true},
    {"", "nodes", "Node", true, true},
    {"", "persistentvolumeclaims", "PersistentVolumeClaim", true, true},
    {"", "serviceaccounts", "ServiceAccount", false, false},
    {"certificates.k8s.io", "podcertificaterequests", "PodCertificateRequest", false, false},
    {"coordination.k8s.io", "leases", "Lease", false, false},
    {"storage.k8s.io", "csinodes", "CSINode", false, false},
    {"resource.k8s.io", "resourceslices", "ResourceSlice", false, true},
    {"certificates.k8s.io", "certificatesigningrequests", "CertificateSigningRequest", false, true},
}};

const Target* target_of(const Attributes& what) noexcept {
  for (const Target& target : targets) {
    if (target.resource == what.resource && target.group == what.api_group) return &target;
  }
  return nullptr;
}

// CONNECT in admission's words, whatever the method: the plugin is not asked.
bool is_connect(const Attributes& what) noexcept {
  const std::string_view sub = what.subresource;
  if (what.resource == "nodes") return sub == "proxy";
  return what.resource == "pods" &&
         (sub == "exec" || sub == "attach" || sub == "portforward" || sub == "proxy");
}

std::optional<Operation> operation_of(std::string_view verb) noexcept {
  if (verb == "create") return Operation::create;
  if (verb == "update" || verb == "patch") return Operation::update;
  if (verb == "delete" || verb == "deletecollection") return Operation::remove;
  return std::nullopt;
}

// Where the old object counts: nodes, and the status of pods and claims.
bool is_judged_against_old(const Attributes& what) noexcept {
  return what.resource == "nodes" ||
         (what.subresource == "status" &&
          (what.resource == "pods" || what.resource == "persistentvolumeclaims"));
}

bool reads_body(const Target& target, const Attributes& what, Operation operation) noexcept {
  switch (operation) {
    case Operation::create:
      return target.resource != "serviceaccounts" || what.subresource == "token";
    case Operation::remove:
      return false;
    case Operation::update:
      break;
  }
  if (what.verb == "patch" ? !target.patch_body : !target.update_body) return false;
  return target.resource == "resourceslices" || target.resource == "certificatesigningrequests" ||
         is_judged_against_old(what);
}

// ---- bodies ----

// The message of a kind a body may be of, by where it is sent.
struct Expected {
  std::string_view group;
  std::string_view kind;
};

Expected expected_at(const Attributes& what) {
  if (what.resource == "pods" && what.subresource == "eviction") return {"policy", "Eviction"};
  if (what.resource == "serviceaccounts" && what.subresource == "token") {
    return {"authentication.k8s.io", "TokenRequest"};
  }
  const Target* const target = target_of(what);
  return target == nullptr ? Expected{} : Expected{target->group, target->kind};
}

Outcome bad_body(const std::string& why) {
  return refused(400, "BadRequest", "the body of the request cannot be read: " + why);
}

Outcome bad_patch(const std::string& why) { return refused(422, "Invalid", why); }

Outcome unknown_format(std::string_view accepted) {
  return refused(
      415,
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: " +
          std::string(accepted)
  );
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// `key` is `name` in other letters, as Go's encoding/json takes keys: without regard to case, where
// the Kelvin sign is a k and the long s an s.
bool is_name_in_other_letters(std::string_view key, std::string_view name) {
  if (key == name) return false;
  std::string folded;
  for (std::size_t at = 0; at < key.size(); ++at) {
    if (key.substr(at).starts_with("\xe2\x84\xaa")) {
      folded += 'k';
      at += 2;
    } else if (key.substr(at).starts_with("\xc5\xbf")) {
      folded += 's';
      at += 1;
    } else {
      folded += lower(key[at]);
    }
  }
  return std::equal(folded.begin(), folded.end(), name.begin(), name.end(), [](char a, char b) {
    return a == lower(b);
  });
}

// Kind and version are looked for by a reader that takes keys in any case; everything else is not.
// So a body that says them in other letters has two meanings.
bool has_two_types(const Members& body) {
  return std::any_of(body.begin(), body.end(), [](const auto& member) {
    return is_name_in_other_letters(member.first, "kind") ||
           is_name_in_other_letters(member.first, "apiVersion");
  });
}

std::string group_of(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return std::string(slash == std::string_view::npos ? "" : api_version.substr(0, slash));
}

Object typed(std::string_view api_version, std::string_view kind, const Expected& expected) {
  Object object;
  object.kind = kind.empty() ? expected.kind : kind;
  object.api_group = api_version.empty() ? std::string(expected.group) : group_of(api_version);
  return object;
}

// An object is of the version in the URL, or the API server refuses it; its internal version above
// all would be read by other names.
std::optional<Outcome> wrong_version(
    const Attributes& what, const Expected& expected, std::string_view api_version
) {
  const Target* const target = target_of(what);
  const bool own =
      target != nullptr && target->group == expected.group && target->kind == expected.kind;
  std::string url(what.api_group);
  url.append(url.empty() ? "" : "/").append(what.api_version);
  const std::string_view version = api_version.substr(api_version.find('/') + 1);
  const bool wrong =
      own ? group_of(api_version) == expected.group && api_version != url : version == "__internal";
  if (api_version.empty() || !wrong) return std::nullopt;
  return refused(
      400,
      "BadRequest",
      "the API version in the data (" + std::string(api_version) +
          ") does not match the expected API version (" + url + ")"
  );
}

Result<Object, Outcome> finished(Object object, Result<Members, std::string> fields) {
  if (!fields) return fail(bad_body(fields.error()));
  object.fields = std::move(*fields);
  fill_defaults(object.fields, object.kind);
  return object;
}

Result<Object, Outcome> read_json_object(
    const Attributes& what, std::string_view body, const Expected& expected
) {
  const auto value = parse_json(body);
  if (!value) return fail(bad_body(value.error()));
  const Members* const members = value->members();
  if (members == nullptr) return fail(bad_body("expected an object"));
  for (const char* const key : {"kind", "apiVersion"}) {
    const Value* const type = find(*members, key);
    if (type != nullptr && type->text() == nullptr) {
      return fail(bad_body(std::string(key) + ": expected a string"));
    }
  }
  if (has_two_types(*members)) return fail(bad_body("kind or apiVersion in other letters"));
  const std::string_view version = text_at(*members, "apiVersion");
  if (auto wrong = wrong_version(what, expected, version)) return fail(*std::move(wrong));
  Object object = typed(version, text_at(*members, "kind"), expected);
  const Message& schema = schema_of(object.kind);
  return finished(std::move(object), canonical(*members, schema));
}

Result<Object, Outcome> read_protobuf_object(
    const Attributes& what, std::string_view body, const Expected& expected
) {
  const auto envelope = open_envelope(body);
  if (!envelope) return fail(bad_body(envelope.error()));
  if (auto wrong = wrong_version(what, expected, envelope->api_version)) {
    return fail(*std::move(wrong));
  }
  Object object = typed(envelope->api_version, envelope->kind, expected);
  const Message& schema = schema_of(object.kind);
  return finished(std::move(object), read_protobuf(envelope->raw, schema));
}

// mime.ParseMediaType's type: what stands before the parameters, in any case.
std::string media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.front() == ' ' || type.front() == '\t')) type.remove_prefix(1);
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  std::string out(type);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// ---- one request ----

class Admission {
 public:
  Admission(
      const Request& request,
      const Target& target,
      Operation operation,
      const World& world,
      const Allows& allows,
      Features features
  )
      : request_(request),
        what_(request.what),
        target_(target),
        operation_(operation),
        world_(world),
        allows_(allows),
        features_(features) {}

  Outcome answer() {
    switch (operation_) {
      case Operation::create:
        return answer_create();
      case Operation::remove:
        return answer_remove();
      case Operation::update:
        break;
    }
    if (!reads_body(target_, what_, operation_)) return judged(nullptr, nullptr);
    if (what_.verb == "patch") return answer_patch();
    return answer_update();
  }

 private:
  Question question(const Object* object, const Object* old) const {
    return {request_.who, what_, operation_, object, old, world_, allows_, features_};
  }

  Outcome judged(const Object* object, const Object* old) const {
    return judge(question(object, old));
  }

  Lookup own_lookup() const {
    return {
        std::string(what_.api_group),
        std::string(what_.api_version),
        std::string(what_.resource),
        std::string(what_.namespace_),
        std::string(what_.name)
    };
  }

  // The object the request is about, as the API server has it; null with the outcome that ends the
  // request.
  const KnownObject* old_object(Outcome& ends) const {
    const Lookup lookup = own_lookup();
    const KnownObject* const old = world_.find(lookup);
    if (old == nullptr) {
      ends = needs(lookup);
    } else if (old->state == KnownObject::State::failed) {
      ends = refused(500, "InternalError", "Internal error occurred: " + old->why);
    } else if (!old->present()) {
      ends = not_found(what_.api_group, what_.resource, what_.name);
    } else {
      return old;
    }
    return nullptr;
  }

  Object with_type(Members fields) const {
    return {std::string(target_.group), std::string(target_.kind), std::move(fields)};
  }

  // The server names the object before the plugin sees it.
  Outcome answer_create() {
    if (!reads_body(target_, what_, operation_)) return judged(nullptr, nullptr);
    auto object = read_object_body(what_, request_.content_type, request_.body);
    if (!object) return std::move(object).error();
    Attributes named = what_;
    const Members* const metadata = object_at(object->fields, "metadata");
    if (named.name.empty() && metadata != nullptr) named.name = text_at(*metadata, "name");
    return judge({request_.who, named, operation_, &*object, nullptr, world_, allows_, features_});
  }

  Outcome answer_remove() const {
    if (node_name(request_.who)->empty()) return judged(nullptr, nullptr);
    const bool slices = target_.resource == "resourceslices" && what_.subresource.empty();
    if (what_.verb == "deletecollection") {
      return slices ? answer_remove_slices() : judged(nullptr, nullptr);
    }
    // The server looks for these before it asks the plugin.
    if (!slices && !(target_.resource == "pods" && what_.subresource.empty())) {
      return judged(nullptr, nullptr);
    }
    Outcome ends;
    const KnownObject* const old = old_object(ends);
    if (old == nullptr) return ends;
    const Object object = with_type(old->canonical);
    return judged(nullptr, &object);
  }

  // Each of them would be judged; a selector for the own node stands for all.
  Outcome answer_remove_slices() const {
    const std::string_view node = *node_name(request_.who);
    const bool selected = field_selector_requires(request_.field_selector, "spec.nodeName", node);
    Object slice = with_type({});
    if (selected) {
      Members spec{{"nodeName", Value{std::string(node)}}};
      slice.fields.insert_or_assign("spec", Value{std::move(spec)});
    }
    return judged(nullptr, &slice);
  }

  // Another node's Node is refused by its name: nothing is fetched for that.
  std::optional<Outcome> refused_by_name() const {
    const auto node = node_name(request_.who);
    if (!node->empty() && (target_.resource != "nodes" || what_.name == *node)) return std::nullopt;
    return judged(nullptr, nullptr);
  }

  Outcome answer_update() {
    if (auto ends = refused_by_name()) return *std::move(ends);
    auto object = read_object_body(what_, request_.content_type, request_.body);
    if (!object) return std::move(object).error();
    Outcome ends;
    const KnownObject* const old = old_object(ends);
    if (old == nullptr) return ends;
    const Object old_typed = with_type(old->canonical);
    Outcome outcome = judged(&*object, &old_typed);
    if (!outcome.admitted()) return outcome;
    const auto pinned = check_version(object->fields, *old, outcome);
    if (pinned) outcome.body = pinned_update(*pinned);
    return outcome;
  }

  static std::string_view version_of(const Members& object) {
    const Members* const metadata = object_at(object, "metadata");
    return metadata == nullptr ? std::string_view() : text_at(*metadata, "resourceVersion");
  }

  // What was judged is a change of the version at hand. An update that names another version is a
  // conflict; one that names none is pinned to this: gives the version to write into it.
  std::optional<std::string> check_version(
      const Members& fields, const KnownObject& old, Outcome& outcome
  ) const {
    const std::string_view judged_version = version_of(old.canonical);
    const std::string_view given = version_of(fields);
    if (given == judged_version) return std::nullopt;
    if (given.empty() || given == "0") return std::string(judged_version);
    outcome = conflict(what_.api_group, what_.resource, what_.name);
    return std::nullopt;
  }

  std::string pinned_update(std::string_view version) const {
    if (media_type(request_.content_type) == type_protobuf) {
      const auto envelope = open_envelope(request_.body);
      return envelope ? with_resource_version(*envelope, version) : std::string();
    }
    auto value = parse_json(request_.body);
    if (!value || value->members() == nullptr) return {};
    set_version(*value->members(), version);
    return to_json(*value);
  }

  static void set_version(Members& object, std::string_view version) {
    Value& metadata = object.try_emplace("metadata", Value{Members()}).first->second;
    if (metadata.members() == nullptr) metadata = Value{Members()};
    metadata.members()->insert_or_assign("resourceVersion", Value{std::string(version)});
  }

  // ---- patches ----

  Outcome answer_patch() {
    // The patch handler's own reading: up to ';', letter for letter.
    const std::string_view type = request_.content_type.substr(0, request_.content_type.find(';'));
    const bool apply = type == "application/apply-patch+yaml";
    const bool json = type == "application/json-patch+json";
    const bool merge = type == "application/merge-patch+json";
    const bool strategic = type == "application/strategic-merge-patch+json";
    if (!apply && !json && !merge && !strategic) {
      return unknown_format(
          "application/json-patch+json, application/merge-patch+json, "
          "application/strategic-merge-patch+json, application/apply-patch+yaml"
      );
    }
    if (!is_judged_against_old(what_) && !apply) return judged(nullptr, nullptr);
    if (auto ends = refused_by_name()) return *std::move(ends);
    auto patch = parse_json(request_.body);
    if (!patch) return bad_body(patch.error());
    if (apply) return answer_apply(*patch);
    Outcome ends;
    const KnownObject* const old = old_object(ends);
    if (old == nullptr) return ends;
    const Message& schema = schema_of(target_.kind);
    Value object = old->raw;
    if (json) {
      if (auto done = apply_json_patch(object, *patch); !done) return bad_patch(done.error());
    } else if (patch->members() == nullptr) {
      return bad_body("a patch is an object");
    } else if (merge) {
      if (auto done = apply_merge_patch(object, *patch); !done) return bad_patch(done.error());
    } else if (auto done = apply_strategic_patch(*object.members(), *patch->members(), schema);
               !done) {
      return forbidden(
          question(nullptr, nullptr), "a node may not patch " + done.error() + " in this way"
      );
    }
    return judge_patched(std::move(object), *old, *patch, json);
  }

  Outcome judge_patched(Value object, const KnownObject& old, Value& patch, bool json) const {
    if (object.members() == nullptr) return bad_patch("the patch leaves no object");
    if (!is_of_same_type(*object.members(), *old.raw.members())) {
      return forbidden(question(nullptr, nullptr), "a node may not patch apiVersion or kind");
    }
    auto read = finished(with_type({}), canonical(*object.members(), schema_of(target_.kind)));
    if (!read) return std::move(read).error();
    const Object old_typed = with_type(old.canonical);
    Outcome outcome = judged(&*read, &old_typed);
    if (!outcome.admitted()) return outcome;
    check_version(read->fields, old, outcome);
    if (!outcome.admitted()) return outcome;
    pin_patch(patch, version_of(old.canonical), json, outcome);
    return outcome;
  }

  // The API server reads a patched object that has lost its version as its own internal type, whose
  // fields have other names: all that was judged would count for nothing.
  static bool is_of_same_type(const Members& object, const Members& old) {
    const std::string_view version = text_at(object, "apiVersion");
    const std::string_view kind = text_at(object, "kind");
    return !version.empty() && version == text_at(old, "apiVersion") && !kind.empty() &&
           kind == text_at(old, "kind") && !has_two_types(object);
  }

  // A patch that speaks of what is protected, but changes nothing there, was right for this version
  // of the object only. What a kubelet sends does not, and stays as it is.
  void pin_patch(Value& patch, std::string_view version, bool json, Outcome& outcome) const {
    if (version.empty()) return;
    if (json) {
      Members operation{
          {"op", Value{std::string("add")}},
          {"path", Value{std::string("/metadata/resourceVersion")}},
          {"value", Value{std::string(version)}}
      };
      patch.items()->push_back(Value{std::move(operation)});
    } else if (version_of(*patch.members()).empty() && mentions_protected(*patch.members())) {
      set_version(*patch.members(), version);
    } else {
      return;
    }
    outcome.body = to_json(patch);
  }

  // Whether a merge of either kind touches what is judged.
  bool mentions_protected(const Members& patch) const {
    return target_.resource == "persistentvolumeclaims"
               ? mentions_claim(patch)
               : mentions_metadata(patch) || mentions_rest(patch);
  }

  bool mentions_metadata(const Members& patch) const {
    const auto metadata = patch.find("metadata");
    if (metadata == patch.end()) return false;
    const Members* const members = metadata->second.members();
    if (members == nullptr || members->contains("ownerReferences")) return true;
    const auto labels = members->find("labels");
    if (labels == members->end()) return false;
    const Members* const keys = labels->second.members();
    return keys == nullptr || target_.resource != "nodes" ||
           std::any_of(keys->begin(), keys->end(), [](const auto& label) {
             return is_forbidden_label(label.first);
           });
  }

  bool mentions_rest(const Members& patch) const {
    const bool nodes = target_.resource == "nodes";
    const auto at = patch.find(nodes ? "spec" : "status");
    if (at == patch.end()) return false;
    const Members* const members = at->second.members();
    if (members == nullptr) return true;
    return nodes ? members->contains("taints") || members->contains("configSource")
                 : members->contains("resourceClaimStatuses") ||
                       members->contains("extendedResourceClaimStatus");
  }

  // Of a claim everything is protected but a few fields of its status, which the schema leaves out.
  static bool mentions_claim(const Members& patch) {
    const auto status = patch.find("status");
    const Members* const members = status == patch.end() ? nullptr : status->second.members();
    if (members == nullptr || patch.size() > 1) return true;
    const Field& field = *field_named(schema_of("PersistentVolumeClaim"), "status");
    return std::any_of(members->begin(), members->end(), [&](const auto& member) {
      return field_named(*field.message, member.first) != nullptr;
    });
  }

  // ---- server-side apply ----

  // What it does depends on who owned which field before. No kubelet applies; so what a node
  // applies must leave alone all that is protected, or is refused. It creates what is not there.
  Outcome answer_apply(const Value& patch) const {
    const Members* const members = patch.members();
    if (members == nullptr) return bad_body("a patch is an object");
    if (holds_merge_key(patch)) return bad_body("YAML merges (<<) are not read");
    if (has_two_types(*members)) return bad_body("kind or apiVersion in other letters");
    auto object = finished(with_type({}), canonical(*members, schema_of(target_.kind)));
    if (!object) return std::move(object).error();
    if (target_.resource == "nodes") return answer_apply_node(*object, *members);
    if (is_judged_against_old(what_)) {
      return forbidden(
          question(nullptr, nullptr), "a node may not apply the status of this object"
      );
    }
    return judge(
        {request_.who, what_, Operation::create, &*object, nullptr, world_, allows_, features_}
    );
  }

  Outcome answer_apply_node(const Object& object, const Members& patch) const {
    const Question as_create{
        request_.who, what_, Operation::create, &object, nullptr, world_, allows_, features_
    };
    Outcome outcome = judge(as_create);
    if (!outcome.admitted()) return outcome;
    if (mentions_metadata(patch) || mentions_rest(patch)) {
      return forbidden(as_create, "a node may not apply taints, ownerReferences or a configSource");
    }
    Outcome ends;
    const KnownObject* const old = old_object(ends);
    if (old == nullptr) {
      return ends.verdict == Outcome::Verdict::refused && ends.refusal.code == 404 ? outcome : ends;
    }
    if (owns_protected(*old->raw.members())) {
      return forbidden(as_create, "a node may not apply over protected fields that were applied");
    }
    return outcome;
  }

  static bool holds_merge_key(const Value& value) {
    if (const Members* const members = value.members()) {
      return std::any_of(members->begin(), members->end(), [](const auto& member) {
        return member.first == "<<" || holds_merge_key(member.second);
      });
    }
    const Items* const items = value.items();
    return items != nullptr && std::any_of(items->begin(), items->end(), holds_merge_key);
  }

  // Whether anything protected was ever applied by somebody: applying again without it could remove
  // it.
  static bool owns_protected(const Members& node) {
    const Members* const metadata = object_at(node, "metadata");
    if (metadata == nullptr) return true;
    const Items& entries = items_at(*metadata, "managedFields");
    return std::any_of(entries.begin(), entries.end(), [](const Value& entry) {
      if (entry.members() == nullptr) return true;
      return text_at(*entry.members(), "operation") == "Apply" &&
             owns_protected_fields(*entry.members());
    });
  }

  static bool owns_protected_fields(const Members& entry) {
    const Members* const fields = object_at(entry, "fieldsV1");
    if (fields == nullptr) return false;
    if (const Members* const spec = object_at(*fields, "f:spec")) {
      if (spec->contains("f:taints") || spec->contains("f:configSource")) return true;
    }
    const Members* const metadata = object_at(*fields, "f:metadata");
    if (metadata == nullptr) return false;
    if (metadata->contains("f:ownerReferences")) return true;
    const Members* const labels = object_at(*metadata, "f:labels");
    return labels != nullptr && std::any_of(labels->begin(), labels->end(), [](const auto& label) {
             return label.first.starts_with("f:") &&
                    is_forbidden_label(std::string_view(label.first).substr(2));
           });
  }

  const Request& request_;
  const Attributes& what_;
  const Target& target_;
  Operation operation_;
  const World& world_;
  const Allows& allows_;
  Features features_;
};

}  // namespace

Applies applies(const identity::Identity& who, const Attributes& what) noexcept {
  if (!what.resource_request || !node_name(who)) return Applies::no;
  const auto operation = operation_of(what.verb);
  const Target* const target = operation ? target_of(what) : nullptr;
  if (target == nullptr || is_connect(what)) return Applies::no;
  return reads_body(*target, what, *operation) ? Applies::with_body : Applies::without_body;
}

Outcome admit(const Request& request, const World& world, const Allows& allows, Features features) {
  if (applies(request.who, request.what) == Applies::no) return admitted();
  if (request.body.size() > limits::admission_body_bytes_max) return body_too_large();
  const Target& target = *target_of(request.what);
  const Operation operation = *operation_of(request.what.verb);
  return Admission(request, target, operation, world, allows, features).answer();
}

Outcome body_too_large() {
  return refused(
      413,
      "RequestEntityTooLarge",
      "Request entity too large: limit is " + std::to_string(limits::admission_body_bytes_max)
  );
}

Outcome too_many_rounds() {
  return refused(
      500,
      "InternalError",
      "Internal error occurred: the objects this request refers to keep changing"
  );
}

Result<Object, Outcome> read_object_body(
    const Attributes& what, std::string_view content_type, std::string_view body
) {
  const std::string type = content_type.empty() ? std::string(type_json) : media_type(content_type);
  const Expected expected = expected_at(what);
  if (type == type_json) return read_json_object(what, body, expected);
  if (type == type_protobuf) return read_protobuf_object(what, body, expected);
  return fail(unknown_format(std::string(type_json) + ", " + std::string(type_protobuf)));
}

}  // namespace gh::authz::admission
