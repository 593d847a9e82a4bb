// SPDX-License-Identifier: Apache-2.0
// What a provider's operation knows of the handshake it is part of. Private to tls, OpenSSL only.
#pragma once

#include "tls/crypto_op.h"

namespace gh::tls {

// Does the operation: when part of a handshake that may stop, by its queue, and this returns after
// it; else at once. True: it is good.
bool perform(CryptoOp& op) noexcept;

}  // namespace gh::tls
