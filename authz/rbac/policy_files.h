// SPDX-License-Identifier: Apache-2.0
// Which files a path of Kubernetes objects stands for, and their bytes. Control only.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace gh::authz::rbac {

// The file itself, or every *.yaml, *.yml and *.json directly in a folder and below it, in path
// order; hidden files and folders are skipped. A folder without any is a fault.
Outcome<std::vector<std::filesystem::path>> files_at(const std::filesystem::path& path);

// Reading ends a little behind policy_file_bytes_max: whoever takes the text refuses it.
Outcome<std::string> read_file(const std::filesystem::path& path);

}  // namespace gh::authz::rbac
