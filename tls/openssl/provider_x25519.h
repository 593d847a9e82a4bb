// SPDX-License-Identifier: Apache-2.0
// X25519 (RFC 7748) of provider.h: keys and their exchange as operations of crypto_op.h. Private to
// tls, OpenSSL only.
#pragma once

#include <openssl/crypto.h>

#ifndef OPENSSL_IS_AWSLC
#include <openssl/core_dispatch.h>

namespace gh::tls {

extern const OSSL_DISPATCH x25519_keys[];
extern const OSSL_DISPATCH x25519_exchange[];

template <class F>
constexpr OSSL_DISPATCH dispatch_entry(int id, F* function) {
  return {id, reinterpret_cast<void (*)(void)>(function)};
}

}  // namespace gh::tls

#endif
