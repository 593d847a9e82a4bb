// SPDX-License-Identifier: Apache-2.0
// What a local server has used so far: CPU time and memory of its processes, by pid.
// In: /proc, the kernel's CPU clocks of processes.   Out: one reading; two make a difference.
#pragma once

#include "base/result.h"

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace gh::load {

struct ServerUsage {
  double cpu_ns = 0;                  // of all threads, to the nanosecond
  double user_ns = 0, system_ns = 0;  // in ticks of the kernel (10 ms)
  double memory_bytes = 0;            // resident, without file mappings
};

// Summed over the processes. Fault: one of them is not there.
Outcome<ServerUsage> read_usage(const std::vector<pid_t>& pids);

}  // namespace gh::load
