// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <time.h>

namespace gh {

Instant monotonic_now() noexcept {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return {std::int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec};
}

UnixTime wall_now() noexcept {
  timespec ts{};
  clock_gettime(CLOCK_REALTIME, &ts);
  return {ts.tv_sec};
}

}  // namespace gh
