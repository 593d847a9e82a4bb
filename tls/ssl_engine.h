// SPDX-License-Identifier: Apache-2.0
// An ENGINE of the user's (OpenSSL 3.x), such as qatengine: a device for the library's operations,
// which pauses handshakes by itself (openssl/async_handshake.h).
// Control only, once, before contexts are made (whose settings then say engine_pauses).
#pragma once

#include "base/result.h"

#include <string>

namespace gh::tls {

// Loads it and makes it the default for all that it can do.
Outcome<void> use_ssl_engine(const std::string& name);

}  // namespace gh::tls
