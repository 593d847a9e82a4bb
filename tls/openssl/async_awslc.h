// SPDX-License-Identifier: Apache-2.0
// Private keys of contexts whose operations go through crypto_op.h. Private to tls, AWS-LC only.
#pragma once

#include "tls/openssl/handles.h"
#include "tls/private_key.h"

#include <memory>

#ifdef OPENSSL_IS_AWSLC

namespace gh::tls {

const SSL_PRIVATE_KEY_METHOD* private_key_method();

// One of each kind of key. False: out of memory.
bool add_private_key(SSL_CTX* context, const std::shared_ptr<const PrivateKey>& key);

}  // namespace gh::tls

#endif
