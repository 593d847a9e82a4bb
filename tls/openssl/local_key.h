// SPDX-License-Identifier: Apache-2.0
// A private key in this process's memory, used through the TLS library. Private to tls.
#pragma once

#include "tls/openssl/handles.h"
#include "tls/private_key.h"

#include <array>
#include <memory>
#include <vector>

namespace gh::tls {

const EVP_MD* hash_of(SignatureScheme scheme);  // null: none

class LocalKey final : public PrivateKey {
 public:
  explicit LocalKey(KeyHandle key);
  ~LocalKey() override;

  std::size_t sign(SignatureScheme scheme, ByteView message, MutableBytes signature)
      const noexcept override;

  ByteView public_key_info() const noexcept override { return public_key_info_; }

  ByteView p256_number() const noexcept override {
    return is_p256_ ? ByteView(number_) : ByteView{};
  }

 private:
  KeyHandle key_;
  std::vector<std::uint8_t> public_key_info_;
  std::array<std::uint8_t, 32> number_{};
  bool is_p256_ = false;
};

}  // namespace gh::tls
