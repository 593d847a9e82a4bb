// SPDX-License-Identifier: Apache-2.0
// How operations of one kind are done together.
// In: up to crypto_batch_max operations of the same kind.   Out: good and output of each; one that
// fails fails alone. Owner: one core.
#pragma once

#include "tls/crypto_op.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace gh::tls {

inline constexpr std::size_t crypto_batch_max = 8;  // lanes of AVX-512

class CryptoBatch {
 public:
  virtual ~CryptoBatch() = default;
  virtual void run(std::span<CryptoOp* const> ops) noexcept = 0;
};

// One after the other, each by its alone().
std::unique_ptr<CryptoBatch> make_single_batch();

// Eight at once with Intel's crypto_mb. Null where multibuffer_missing() says why.
std::unique_ptr<CryptoBatch> make_multibuffer_batch();

// The better of the two that there is.
std::unique_ptr<CryptoBatch> make_crypto_batch();

// What keeps crypto_mb from running here, a sentence; empty: nothing.
std::string multibuffer_missing();

}  // namespace gh::tls
