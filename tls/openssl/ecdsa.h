// SPDX-License-Identifier: Apache-2.0
// The two forms of an ECDSA signature. Private to tls.
#pragma once

#include "base/byte_view.h"

#include <cstddef>

namespace gh::tls {

inline constexpr std::size_t ecdsa_der_bytes_max = 141;  // with P-521

// r and s side by side, as tokens and JWS have them → the SEQUENCE of them that TLS and X.509
// carry. Its size; 0: no room, or no memory.
std::size_t encode_ecdsa(ByteView r_and_s, MutableBytes out);

}  // namespace gh::tls
