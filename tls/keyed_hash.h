// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256 under a random key of this object's own: a name for a secret, by which it is found
// again without being kept. Owner: one core.
#pragma once

#include "base/byte_view.h"
#include "base/result.h"

#include <array>
#include <cstdint>
#include <memory>

namespace gh::tls {

class KeyedHash {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  static Outcome<std::unique_ptr<KeyedHash>> make();  // Fault: no randomness
  ~KeyedHash();
  KeyedHash(const KeyedHash&) = delete;
  KeyedHash& operator=(const KeyedHash&) = delete;

  // False: the library failed; the digest is not to be used.
  bool digest(ByteView secret, Digest& out) noexcept;

 private:
  struct State;
  explicit KeyedHash(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gh::tls
