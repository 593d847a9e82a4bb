// SPDX-License-Identifier: Apache-2.0
#include "control/policy_source.h"

#include "authz/rbac/aggregation.h"
#include "authz/rbac/bootstrap_policy.h"
#include "authz/rbac/policy_yaml.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace gh::control {
namespace {

namespace fs = std::filesystem;

constexpr int reads_max = 3;                  // of a set that changes under the reader
constexpr std::size_t entries_max = 100'000;  // files of a set that a fingerprint looks at

class Hash {  // FNV-1a: equal or not is all that is asked
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }

  void add(std::uint64_t number) {
    add(std::string_view(reinterpret_cast<const char*>(&number), sizeof number));
  }

  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 14695981039346656037u;
};

void add_status(Hash& hash, const std::string& path) {
  struct stat status{};
  hash.add(path);
  if (::stat(path.c_str(), &status) != 0) return hash.add(std::uint64_t{0});
  hash.add(static_cast<std::uint64_t>(status.st_dev));
  hash.add(static_cast<std::uint64_t>(status.st_ino));
  hash.add(static_cast<std::uint64_t>(status.st_size));
  hash.add(static_cast<std::uint64_t>(status.st_mode));
  for (const timespec& at : {status.st_mtim, status.st_ctim}) {
    hash.add(static_cast<std::uint64_t>(at.tv_sec));
    hash.add(static_cast<std::uint64_t>(at.tv_nsec));
  }
}

Result<PolicySet, std::vector<Fault>> read_once(
    const std::vector<std::string>& paths, bool bootstrap
) {
  authz::rbac::PolicyLoader loader;
  std::vector<Fault> faults;
  for (const std::string& path : paths) {
    auto added = loader.add_path(path);
    if (!added) faults.push_back(std::move(added).error());
  }
  if (!faults.empty()) return fail(std::move(faults));
  PolicySet set;
  set.files = loader.files();
  set.warnings = loader.warnings();
  set.policy = loader.take_without_aggregation();
  if (bootstrap) authz::rbac::put_beneath(authz::rbac::bootstrap_policy(), set.policy);
  authz::rbac::aggregate(set.policy);
  return set;
}

std::string count(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

}  // namespace

Result<PolicySet, std::vector<Fault>> read_policy(
    const std::vector<std::string>& paths, bool bootstrap
) {
  for (int i = 0;; ++i) {
    const std::uint64_t before = fingerprint(paths);
    auto set = read_once(paths, bootstrap);
    if (fingerprint(paths) == before) return set;
    if (i + 1 >= reads_max) {
      return fail(std::vector<Fault>{
          {"changes while it is read; it is read again when it rests", paths.front()}
      });
    }
  }
}

std::string describe_policy(const PolicySet& set) {
  const auto& policy = set.policy;
  return count(set.files, "file") + ", " + count(policy.cluster_roles.size(), "ClusterRole") +
         ", " + count(policy.roles.size(), "Role") + ", " +
         count(policy.cluster_role_bindings.size(), "ClusterRoleBinding") + ", " +
         count(policy.role_bindings.size(), "RoleBinding");
}

std::uint64_t fingerprint(const std::vector<std::string>& paths) {
  Hash hash;
  for (const std::string& path : paths) {
    std::vector<std::string> below;
    std::error_code error;
    fs::recursive_directory_iterator entry(
        path, fs::directory_options::follow_directory_symlink, error
    );
    for (; !error && entry != fs::recursive_directory_iterator() && below.size() < entries_max;
         entry.increment(error)) {
      below.push_back(entry->path().string());
    }
    std::sort(below.begin(), below.end());
    add_status(hash, path);
    for (const std::string& file : below) add_status(hash, file);
  }
  return hash.value();
}

}  // namespace gh::control
