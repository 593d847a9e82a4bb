// SPDX-License-Identifier: Apache-2.0
// Certificate policies along a path (RFC 5280 §6.1 as updated by RFC 9618): any policy will do for
// us, so this refuses only where an authority requires an explicit policy and none survives, or
// maps from or to anyPolicy. In: a path, the peer's certificate first, the trust anchor last. Out:
// whether it is valid.
#pragma once

#include "tls/certificate.h"

#include <span>

namespace gh::tls {

bool policies_valid(std::span<const Certificate* const> path);

}  // namespace gh::tls
