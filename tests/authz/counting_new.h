// SPDX-License-Identifier: Apache-2.0
// Linked into a test program, counts every allocation, so that a test can say "none".
#pragma once

#include <cstdint>

namespace gh::test {

std::uint64_t allocations();

}  // namespace gh::test
