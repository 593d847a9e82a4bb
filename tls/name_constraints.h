// SPDX-License-Identifier: Apache-2.0
// Name constraints along a path (RFC 5280 §4.2.1.10): every alternative name of every certificate
// below a constrained authority must be permitted and not excluded by it. Directory names are not
// supported, as in Go: an extension that has them is unhandled, and when critical the certificate
// is refused before this is asked. In: a path, the peer's certificate first.   Out: true, or false
// and a sentence.
#pragma once

#include "tls/certificate.h"

#include <span>
#include <string>

namespace gh::tls {

bool names_permitted(std::span<const Certificate* const> path, std::string* why);

}  // namespace gh::tls
