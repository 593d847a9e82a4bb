// SPDX-License-Identifier: Apache-2.0
// Without crypto_mb (GH_CRYPTO_MB is off).
#include "tls/crypto_batch.h"

namespace gh::tls {

std::unique_ptr<CryptoBatch> make_multibuffer_batch() { return nullptr; }

std::string multibuffer_missing() {
  return "this gatehouse was built without crypto_mb (-DGH_CRYPTO_MB=ON)";
}

}  // namespace gh::tls
