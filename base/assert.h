// SPDX-License-Identifier: Apache-2.0
// GH_ASSERT: a bug of ours, on in release. A crash is safe, a wrong allow is not. Never on peer
// input.
#pragma once

namespace gh {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace gh

#define GH_ASSERT(expression)                         \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? void(0)                                      \
       : ::gh::assertion_failed(#expression, __FILE__, __LINE__))
