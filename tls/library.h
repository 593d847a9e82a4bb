// SPDX-License-Identifier: Apache-2.0
// Which TLS library is inside, and the key exchanges it knows. Pure.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

// "AWS-LC 5.12.0", "OpenSSL 3.0.17 1 Jul 2025": of the library that runs, not of its headers.
std::string library_version();

// A key exchange by any of its names: that of TLS ("x25519", "secp256r1", "X25519MLKEM768"), of
// NIST ("P-256"), of Go ("CurveP256"), its number ("29", "4588"). Letter case does not matter.
// Fault: unknown, or not in this library; the text names those that are.
Outcome<std::string> group_named(std::string_view name);

// Ours, in order of preference; hybrid with ML-KEM first where the library has it.
const std::string& default_groups();  // as SSL_CTX_set1_groups_list takes them

}  // namespace gh::tls
