// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/policy_files.h"

#include "base/limits.h"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace gh::authz::rbac {
namespace {

bool is_policy_file(const std::filesystem::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Outcome<std::vector<std::filesystem::path>> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    const bool hidden = at->path().filename().native().starts_with('.');
    std::error_code ignored;
    if (at->is_directory(ignored)) {
      if (hidden) at.disable_recursion_pending();
    } else if (!hidden && is_policy_file(at->path())) {
      files.push_back(at->path());
    }
  }
  if (error) return fault("cannot be read: " + error.message(), folder.string());
  if (files.empty()) return fault("has no *.yaml, *.yml or *.json file", folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Outcome<std::string> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error) return fault("cannot be read: " + error.message(), path.string());
  if (!std::filesystem::is_regular_file(status)) return fault("is not a file", path.string());
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char piece[65536];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limits::policy_file_bytes_max) break;  // add() says so
  }
  if (in.bad() || !in.eof()) {
    if (text.size() <= limits::policy_file_bytes_max) return fault("cannot be read", path.string());
  }
  return text;
}

Outcome<std::vector<std::filesystem::path>> files_at(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return files_below(path);
  return std::vector<std::filesystem::path>{path};
}

}  // namespace gh::authz::rbac
