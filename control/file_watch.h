// SPDX-License-Identifier: Apache-2.0
// Tells when files or folders may have changed: written, replaced by a rename, or swapped by a
// symbolic link anywhere on the way to them (Kubernetes mounts: file → ..data/file, ..data → a
// dated folder). Wraps inotify. In: paths; events from fd().   Out: take_due(), once a burst of
// events has rested for `rest`, or goes on for `rest_max`. Owner: the control thread. Not here:
// what is read then; a change inotify did not tell is found by the owner's slow look.
#pragma once

#include "base/result.h"
#include "base/units.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace gh::control {

class FileWatch {
 public:
  static Outcome<std::unique_ptr<FileWatch>> make(Duration rest, Duration rest_max);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  int fd() const noexcept { return fd_; }

  void watch(std::vector<std::string> paths
  );  // instead of those before; what does not exist is waited for

  void on_events(Instant now);             // fd() is readable
  Instant next_deadline() const noexcept;  // never(): nothing has happened
  bool take_due(Instant now);  // true: read the files again now. The watches have been renewed

 private:
  struct Interest {
    std::uint32_t mask = 0;
    std::set<std::string> names;  // entries of the folder that matter
    bool all_names = false;
    bool operator==(const Interest&) const = default;
  };

  using Interests = std::map<std::string, Interest>;  // by folder

  explicit FileWatch(int fd, Duration rest, Duration rest_max)
      : fd_(fd), rest_(rest), rest_max_(rest_max) {}

  static Interests interests_of(const std::vector<std::string>& paths);
  static void follow(const std::string& path, Interests& interests, int links);
  void renew();
  bool matters(int descriptor, std::uint32_t mask, const char* name) const;

  int fd_;
  Duration rest_;
  Duration rest_max_;
  std::vector<std::string> paths_;
  Interests interests_;
  std::map<int, Interest> by_descriptor_;
  Instant first_ = Instant::never();  // event of the burst
  Instant last_ = Instant::never();
};

}  // namespace gh::control
