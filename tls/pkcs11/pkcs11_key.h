// SPDX-License-Identifier: Apache-2.0
// A private key in a PKCS#11 token: an HSM, a smart card, SoftHSM. It never leaves it.
// In: its URI, and the certificate's public key.   Out: a PrivateKey that blocks, tried once: what
// it signs the public key verifies. Any thread; as many sessions as threads sign at once.
#pragma once

#include "base/result.h"
#include "tls/private_key.h"

#include <memory>
#include <string>

namespace gh::tls {

// The same key that is in use is the same object.
Outcome<std::shared_ptr<const PrivateKey>> open_pkcs11_key(
    const std::string& uri, ByteView public_key_info
);

}  // namespace gh::tls
