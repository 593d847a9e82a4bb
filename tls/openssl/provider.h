// SPDX-License-Identifier: Apache-2.0
// gatehouse's own OSSL_PROVIDER: keys whose operations go through crypto_op.h. Private to tls,
// OpenSSL only. It lives in a library context of its own, so that nothing else meets it.
// Algorithms: EC and RSA keys that wrap a PrivateKey; ECDSA and RSA signatures with them; and, for
// contexts that batch, ECDSA's verification and X25519.
#pragma once

#include "tls/openssl/handles.h"
#include "tls/private_key.h"

#include <memory>

#ifndef OPENSSL_IS_AWSLC

namespace gh::tls {

// Null: out of memory. Never freed.
OSSL_LIB_CTX* provider_library();

// What a context asks for whose every operation is gathered: ours where we have one for that, and
// never our keys for what the library does itself.
inline constexpr const char* batched_properties = "?gh.batched=yes,?gh.wrapped!=yes";

// Null: not a kind of key that is wrapped (Ed25519), or out of memory.
KeyHandle wrap_key(std::shared_ptr<const PrivateKey> key);

}  // namespace gh::tls

#endif
