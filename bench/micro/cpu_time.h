// SPDX-License-Identifier: Apache-2.0
// CPU time of this thread, in seconds.
#pragma once

#include <time.h>

namespace gh {

inline double cpu_seconds() {
  timespec ts{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) * 1e-9;
}

}  // namespace gh
