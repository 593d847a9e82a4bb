// SPDX-License-Identifier: Apache-2.0
// A folder of its own for a test, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace gh::control {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gatehouse-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }

  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string at(std::string_view name) const { return (path_ / name).string(); }

  const std::filesystem::path& path() const { return path_; }

  std::string write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

  // As careful writers do: a new file, renamed over the old one.
  std::string replace(std::string_view name, std::string_view text) const {
    const std::string fresh = write(std::string(".") + std::string(name) + ".new", text);
    std::filesystem::rename(fresh, path_ / name);
    return at(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace gh::control
