// SPDX-License-Identifier: Apache-2.0
#include "control/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>

namespace gh::control {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t self_mask = IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR;
constexpr std::uint32_t entry_mask =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB;
constexpr int links_max = 40;    // as the kernel's
constexpr int renewals_max = 5;  // when links move while we follow them
constexpr int depth_max = 16;    // of folders below one that is watched

}  // namespace

Outcome<std::unique_ptr<FileWatch>> FileWatch::make(Duration rest, Duration rest_max) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return fault(std::string("inotify: ") + std::strerror(errno));
  return std::unique_ptr<FileWatch>(new FileWatch(fd, rest, rest_max));
}

FileWatch::~FileWatch() { close(fd_); }

void FileWatch::watch(std::vector<std::string> paths) {
  paths_ = std::move(paths);
  renew();
}

// Every folder on the way that a change could happen in: those of links and of the last part by
// name, the others for their own removal.
void FileWatch::follow(const std::string& path, Interests& interests, int links) {
  std::error_code error;
  fs::path at = "/";
  const fs::path all = fs::absolute(path, error);
  for (auto part = all.begin(); part != all.end(); ++part) {
    if (*part == "/" || part->empty() || *part == ".") continue;
    if (*part == "..") {
      at = at.parent_path();
      continue;
    }
    Interest& folder = interests[at.string()];
    folder.mask |= self_mask;
    const fs::path next = at / *part;
    const auto status = fs::symlink_status(next, error);
    const bool last = std::next(part) == all.end();
    if (last || !fs::is_directory(status)) {
      folder.mask |= entry_mask;
      folder.names.insert(part->string());
    }
    if (fs::is_symlink(status)) {
      fs::path target = fs::read_symlink(next, error);
      if (error || links >= links_max) return;
      if (target.is_relative()) target = at / target;
      for (auto rest = std::next(part); rest != all.end(); ++rest) target /= *rest;
      return follow(target.string(), interests, links + 1);
    }
    if (!fs::exists(status)) return;
    at = next;
  }
  if (!fs::is_directory(at, error)) return;
  const auto add = [&](const fs::path& folder) {
    interests[folder.string()].mask |= self_mask | entry_mask;
    interests[folder.string()].all_names = true;
  };
  add(at);
  fs::recursive_directory_iterator entry(at, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_symlink(ignored)) {
      if (links < links_max) follow(entry->path().string(), interests, links + 1);
    } else if (entry->is_directory(ignored)) {
      add(entry->path());
      if (entry.depth() >= depth_max) entry.disable_recursion_pending();
    }
  }
}

FileWatch::Interests FileWatch::interests_of(const std::vector<std::string>& paths) {
  Interests interests;
  for (const std::string& path : paths) follow(path, interests, 0);
  return interests;
}

// Until two looks agree: a link that moved between the look and its watch would else go unseen.
void FileWatch::renew() {
  for (int i = 0; i < renewals_max; ++i) {
    Interests fresh = interests_of(paths_);
    if (i > 0 && fresh == interests_) return;
    interests_ = std::move(fresh);
    std::map<int, Interest> kept;
    for (const auto& [folder, interest] : interests_) {
      const int descriptor = inotify_add_watch(fd_, folder.c_str(), interest.mask);
      if (descriptor < 0) continue;       // gone, or not ours to read: the slow look finds it
      Interest& both = kept[descriptor];  // two names of one folder
      both.mask |= interest.mask;
      both.all_names = both.all_names || interest.all_names;
      both.names.insert(interest.names.begin(), interest.names.end());
    }
    for (const auto& [descriptor, interest] : by_descriptor_) {
      if (!kept.contains(descriptor)) inotify_rm_watch(fd_, descriptor);
    }
    by_descriptor_ = std::move(kept);
  }
}

bool FileWatch::matters(int descriptor, std::uint32_t mask, const char* name) const {
  if ((mask & IN_Q_OVERFLOW) != 0) return true;
  const auto found = by_descriptor_.find(descriptor);
  if (found == by_descriptor_.end()) return false;
  if ((mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT)) != 0) return true;
  if ((mask & entry_mask) == 0) return false;
  return found->second.all_names || found->second.names.contains(name);
}

void FileWatch::on_events(Instant now) {
  alignas(inotify_event) char buffer[16384];
  while (true) {
    const ssize_t n = read(fd_, buffer, sizeof buffer);
    if (n <= 0) return;
    for (ssize_t at = 0; at < n;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = event.len > 0 ? buffer + at + sizeof event : "";
      at += static_cast<ssize_t>(sizeof event + event.len);
      if (!matters(event.wd, event.mask, name)) continue;
      if (first_ == Instant::never()) first_ = now;
      last_ = now;
    }
  }
}

Instant FileWatch::next_deadline() const noexcept {
  if (first_ == Instant::never()) return first_;
  return std::min(last_ + rest_, first_ + rest_max_);
}

bool FileWatch::take_due(Instant now) {
  if (now < next_deadline()) return false;
  first_ = last_ = Instant::never();
  renew();
  return true;
}

}  // namespace gh::control
