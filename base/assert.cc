// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace gh {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "gatehouse: %s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace gh
