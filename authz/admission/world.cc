// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/world.h"

#include "authz/admission/schema.h"
#include "base/limits.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gh::authz::admission {
namespace {

struct ResourceKind {
  std::string_view resource;
  std::string_view kind;
};

constexpr std::array<ResourceKind, 7> kinds = {{
    {"pods", "Pod"},
    {"nodes", "Node"},
    {"persistentvolumeclaims", "PersistentVolumeClaim"},
    {"persistentvolumes", "PersistentVolume"},
    {"serviceaccounts", "ServiceAccount"},
    {"csidrivers", "CSIDriver"},
    {"resourceslices", "ResourceSlice"},
}};

std::string_view kind_of(std::string_view resource) {
  for (const auto& each : kinds) {
    if (each.resource == resource) return each.kind;
  }
  return {};
}

// Wider than any object's name (RFC 1123), narrower than what a path would need escaped.
bool is_object_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 253 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

KnownObject failed(std::string why) {
  KnownObject object;
  object.state = KnownObject::State::failed;
  object.why = std::move(why);
  return object;
}

bool is_that_object(const Lookup& what, const KnownObject& object) {
  const Members* const metadata = object_at(object.canonical, "metadata");
  return metadata != nullptr && text_at(*metadata, "name") == what.name &&
         text_at(*metadata, "namespace") == what.namespace_;
}

}  // namespace

std::string Lookup::path() const {
  std::string path = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  if (!namespace_.empty()) path += "/namespaces/" + namespace_;
  return path + "/" + resource + "/" + name;
}

void World::add(const Lookup& what, std::string_view json) {
  auto raw = parse_json(json);
  if (!raw || raw->members() == nullptr)
    return put(what, failed("the API server's answer is not JSON"));
  const std::string_view kind = kind_of(what.resource);
  auto canonical_object = canonical(*raw->members(), schema_of(kind));
  if (!canonical_object) return put(what, failed(canonical_object.error()));
  KnownObject object;
  object.state = KnownObject::State::present;
  object.raw = std::move(*raw);
  object.canonical = std::move(*canonical_object);
  fill_defaults(object.canonical, kind);
  if (!is_that_object(what, object))
    return put(what, failed("the API server answered another object"));
  put(what, std::move(object));
}

void World::add_absent(const Lookup& what) { put(what, {}); }

void World::add_failed(const Lookup& what, std::string why) { put(what, failed(std::move(why))); }

void World::put(const Lookup& what, KnownObject object) {
  for (Entry& entry : entries_) {
    if (entry.what == what) {
      entry.object = std::move(object);
      return;
    }
  }
  if (entries_.size() < limits::admission_lookups_max) {
    entries_.push_back({what, std::move(object)});
  }
}

const KnownObject* World::find(const Lookup& what) const {
  static const KnownObject absent;
  if (!is_object_name(what.name) || !is_object_name(what.version)) return &absent;
  if (!what.namespace_.empty() && !is_object_name(what.namespace_)) return &absent;
  for (const Entry& entry : entries_) {
    if (entry.what == what) return &entry.object;
  }
  return nullptr;
}

}  // namespace gh::authz::admission
