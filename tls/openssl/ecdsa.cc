// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/ecdsa.h"

#include "tls/openssl/handles.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

namespace gh::tls {

std::size_t encode_ecdsa(ByteView r_and_s, MutableBytes out) {
  const auto half = static_cast<int>(r_and_s.size() / 2);
  const std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(r_and_s.data(), half, nullptr);
  BIGNUM* s = BN_bin2bn(r_and_s.data() + half, half, nullptr);
  if (!signature || r == nullptr || s == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return 0;
  }
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (size <= 0 || static_cast<std::size_t>(size) > out.size()) return 0;
  unsigned char* at = out.data();
  return static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), &at));
}

}  // namespace gh::tls
