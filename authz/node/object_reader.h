// SPDX-License-Identifier: Apache-2.0
// Kubernetes YAML or JSON → the objects the Node authorizer's graph is made of. Control only; never
// on the path. In: texts with the name they are to be called by in errors.   Out: objects, or the
// first Fault with file:line. Nothing of a set with a fault is used. Taken: Pod, PersistentVolume,
// VolumeAttachment, ResourceSlice, PodCertificateRequest, alone, in multi-document files, in List
// and XxxList. Other kinds are counted and skipped; of those taken only the fields the graph needs
// are looked at. Wraps what rbac/policy_tree makes of a text.
#pragma once

#include "authz/node/objects.h"
#include "base/result.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::node {

class ObjectLoader {
 public:
  // `name` stands in errors: "pods.yaml:12". A text that starts with '{' is read as JSON if it is
  // JSON.
  Outcome<void> add(std::string_view text, const std::string& name);
  // A file, or what rbac::files_at() finds in a folder.
  Outcome<void> add_path(const std::filesystem::path& path);

  // The objects so far, each name once. The loader is empty afterwards.
  std::vector<Object> take();

  std::size_t files() const { return files_; }

  std::size_t ignored() const { return ignored_; }  // objects of other kinds

 private:
  friend class ObjectReader;
  std::vector<Object> objects_;
  std::map<std::string, std::string, std::less<>> seen_;  // "Pod ns/name" → file:line
  std::size_t files_ = 0;
  std::size_t bytes_ = 0;
  std::size_t ignored_ = 0;
};

// One object as JSON, such as a watch event carries. Null: a kind the graph does not know.
Outcome<std::optional<Object>> read_object(std::string_view json);

}  // namespace gh::authz::node
