// SPDX-License-Identifier: Apache-2.0
// The BIO between an engine and OpenSSL: no memory of its own. Private to tls.
#pragma once

#include <openssl/bio.h>

namespace gh::tls {

class OpensslEngine;

// Null: out of memory. Reads by OpensslEngine::take_ciphertext, writes to OpensslEngine::out.
BIO* make_queue_bio(OpensslEngine& engine);

}  // namespace gh::tls
