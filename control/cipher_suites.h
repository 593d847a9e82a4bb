// SPDX-License-Identifier: Apache-2.0
// Cipher suites of TLS 1.2 by the names Go and --tls-cipher-suites use, and OpenSSL's names for
// them.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

// Nothing for one we offer; else what was expected. TLS 1.3's names are taken and change nothing,
// as with kube-apiserver.
Result<void, std::string> check_cipher_suite(std::string_view go_name);

// OpenSSL's list, in the order given; empty when no name is of TLS 1.2.
std::string openssl_cipher_list(const std::vector<std::string>& go_names);

}  // namespace gh::control
