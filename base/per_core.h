// SPDX-License-Identifier: Apache-2.0
// One cache-aligned slot a core, so that neighbours never share a line.
#pragma once

#include "base/assert.h"
#include "base/core.h"

#include <cstddef>
#include <vector>

namespace gh {

inline constexpr std::size_t cache_line = 64;

template <class T>
class PerCore {
 public:
  explicit PerCore(std::size_t cores) : slots_(cores) {}

  T& on(const Core& core) noexcept { return slot(core.id().value); }

  // Control's walk over all cores; T says what may be read from there (Counter does).
  T& slot(std::size_t index) noexcept {
    GH_ASSERT(index < slots_.size());
    return slots_[index].value;
  }

  std::size_t size() const noexcept { return slots_.size(); }

 private:
  struct alignas(cache_line) Slot {
    T value{};
  };

  std::vector<Slot> slots_;
};

}  // namespace gh
