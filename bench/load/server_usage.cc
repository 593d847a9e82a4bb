// SPDX-License-Identifier: Apache-2.0
#include "bench/load/server_usage.h"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace gh::load {
namespace {

double exact_cpu_ns(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return -1;
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

}  // namespace

Outcome<ServerUsage> read_usage(const std::vector<pid_t>& pids) {
  ServerUsage out;
  const double tick_ns = 1e9 / static_cast<double>(sysconf(_SC_CLK_TCK));
  for (const pid_t pid : pids) {
    const std::string folder = "/proc/" + std::to_string(pid);
    std::string line, word;
    std::ifstream stat(folder + "/stat");
    if (!std::getline(stat, line) || line.rfind(')') == std::string::npos)
      return fault("there is no process " + std::to_string(pid), "--server-pid");
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    for (int i = 3; i < 14; ++i) fields >> word;  // proc(5): utime and stime are 14 and 15
    double user = 0, system = 0;
    fields >> user >> system;
    out.user_ns += user * tick_ns;
    out.system_ns += system * tick_ns;
    const double exact = exact_cpu_ns(pid);
    out.cpu_ns += exact >= 0 ? exact : (user + system) * tick_ns;
    std::ifstream status(folder + "/status");
    while (std::getline(status, line)) {
      if (line.starts_with("RssAnon:")) out.memory_bytes += std::stod(line.substr(8)) * 1024;
    }
  }
  return out;
}

}  // namespace gh::load
