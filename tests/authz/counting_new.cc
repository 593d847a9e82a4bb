// SPDX-License-Identifier: Apache-2.0
#include "tests/authz/counting_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> count{0};

}  // namespace

namespace gh::test {

std::uint64_t allocations() { return count; }

}  // namespace gh::test

void* operator new(std::size_t bytes) {
  ++count;
  if (void* const at = std::malloc(bytes)) return at;
  throw std::bad_alloc();
}

void operator delete(void* at) noexcept { std::free(at); }

void operator delete(void* at, std::size_t) noexcept { std::free(at); }
