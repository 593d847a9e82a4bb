// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace gh::net::dpdk {
namespace {

constexpr std::size_t words_kept = 1024;

// DPDK's log, which any of its threads may write to.
class Words {
 public:
  static Words& all() {
    static Words words;
    return words;
  }

  void open() {
    cookie_io_functions_t io{};
    io.write = [](void*, const char* text, std::size_t size) -> ssize_t {
      all().add({text, size});
      return static_cast<ssize_t>(size);
    };
    stream_ = fopencookie(nullptr, "w", io);
    if (stream_ == nullptr) return;
    std::setvbuf(stream_, nullptr, _IOLBF, 0);
    rte_openlog_stream(stream_);
  }

  std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(text_, {});
  }

 private:
  void add(std::string_view text) {
    const std::lock_guard lock(mutex_);
    text_ += text;
    if (text_.size() > words_kept) text_.erase(0, text_.size() - words_kept);
  }

  std::mutex mutex_;
  std::string text_;
  FILE* stream_ = nullptr;
};

std::uint64_t number_in(const std::filesystem::path& file) {
  std::uint64_t number = 0;
  std::ifstream(file) >> number;
  return number;
}

std::uint64_t free_huge_bytes() {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
    const std::string name = each.path().filename().string();  // hugepages-2048kB
    const std::uint64_t kib = std::strtoull(name.c_str() + std::strlen("hugepages-"), nullptr, 10);
    bytes += number_in(each.path() / "free_hugepages") * kib * 1024;
  }
  return bytes;
}

bool any_of(const std::vector<std::string>& args, std::initializer_list<std::string_view> names) {
  return std::any_of(args.begin(), args.end(), [&](const std::string& arg) {
    const std::string_view name = std::string_view(arg).substr(0, arg.find('='));
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

int first_cpu(const cpu_set_t& set) {
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) return cpu;
  }
  return 0;
}

// Huge pages where there are enough; else ordinary memory, which is enough for virtual devices. A
// NIC that reads memory itself needs pages that stay where they are.
Outcome<void> add_memory(const EalWish& wish, std::vector<std::string>& args) {
  if (any_of(
          wish.user_args,
          {"--no-huge", "--in-memory", "--huge-dir", "-m", "--socket-mem", "--legacy-mem"}
      )) {
    return {};
  }
  const std::uint64_t megabytes = (wish.memory_bytes >> 20) + 64;
  if (free_huge_bytes() >= megabytes << 20) {
    args.emplace_back("--in-memory");
    return {};
  }
  if (wish.pci) {
    const std::string pages = std::to_string(megabytes / 2 + 1);
    return fault(
        "a PCI device needs huge pages, and there are not enough free ones: echo " + pages +
        " > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages (or fewer dpdk-frames)"
    );
  }
  args.emplace_back("--no-huge");
  args.emplace_back("--no-shconf");
  args.emplace_back("-m");
  args.push_back(std::to_string(megabytes));
  return {};
}

}  // namespace

std::string take_eal_words() {
  std::string text = Words::all().take();
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

Outcome<void> start_eal(const EalWish& wish) {
  cpu_set_t before;
  if (sched_getaffinity(0, sizeof before, &before) != 0) CPU_ZERO(&before);
  std::vector<std::string> args = {"gatehouse", "--no-telemetry", "--log-level=error"};
  if (!any_of(wish.user_args, {"-l", "-c", "--lcores"})) {
    args.push_back("--lcores=0@" + std::to_string(first_cpu(before)));
  }
  GH_TRY_VOID(add_memory(wish, args));
  if (!wish.pci) args.emplace_back("--no-pci");
  args.insert(args.end(), wish.devices.begin(), wish.devices.end());
  args.insert(args.end(), wish.user_args.begin(), wish.user_args.end());
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  Words::all().open();
  const int rc = rte_eal_init(static_cast<int>(argv.size()), argv.data());
  const int error = rte_errno;
  // EAL pins the thread that starts it; control is nobody's core.
  if (CPU_COUNT(&before) > 0) sched_setaffinity(0, sizeof before, &before);
  if (rc >= 0) return {};
  std::string text = std::string("DPDK cannot start: ") + rte_strerror(error);
  const std::string words = take_eal_words();
  return fault(words.empty() ? text : text + " (" + words + ")");
}

void stop_eal() { rte_eal_cleanup(); }

}  // namespace gh::net::dpdk
