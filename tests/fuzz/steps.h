// SPDX-License-Identifier: Apache-2.0
// A fuzzer's input read as the steps of a program: at its end every byte is 0 and every piece
// empty.
#pragma once

#include "base/byte_view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace gh::test {

inline void require(bool holds) {
  if (!holds) std::abort();
}

class Steps {
 public:
  Steps(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool more() const { return !rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t b = rest_.front();
    rest_ = rest_.subspan(1);
    return b;
  }

  ByteView bytes(std::size_t n) {
    const ByteView taken = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  ByteView rest_;
};

}  // namespace gh::test
