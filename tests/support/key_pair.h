// SPDX-License-Identifier: Apache-2.0
// A throw-away certificate (test_pki.h) as a context takes it.
#pragma once

#include "tests/support/test_pki.h"
#include "tls/context.h"

namespace gh::test {

inline tls::KeyPair pair_of(const Issued& issued) {
  return {issued.chain_pem(), issued.key_pem(), "chain.pem", "key.pem", {}};
}

}  // namespace gh::test
