// SPDX-License-Identifier: Apache-2.0
// A public key of a certificate, and the check of a signature with it. Private to tls: OpenSSL
// types. In: a SubjectPublicKeyInfo, or the key OpenSSL has read already.   Out: whether a
// signature is good.
#pragma once

#include "base/byte_view.h"
#include "tls/certificate.h"
#include "tls/openssl/handles.h"

#include <openssl/evp.h>

#include <memory>

namespace gh::tls {

// Null: OpenSSL cannot read it (a point that is not on its curve, a kind it does not know).
KeyHandle read_public_key(ByteView public_key_info);

// Whether `signature` over `signed_bytes` is that of `parent`, whose key is `key` (null: no). By
// the rules of Go's checkSignature: minimum sizes, SHA-2 only, no DSA.
bool signature_valid(
    SignatureAlgorithm algorithm,
    ByteView signed_bytes,
    ByteView signature,
    const Certificate& parent,
    EVP_PKEY* key
);

}  // namespace gh::tls
