// SPDX-License-Identifier: Apache-2.0
// One rule of --certificate-mapping as text: a JSON object with `uri`, `dns` or
// `organizationalUnit` (a pattern), `user` and `groups`. Pure.
#pragma once

#include "authz/identity/certificate_mapping.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace gh::control {

// Also compiled once, so what comes out can be used.
Result<identity::CertificateRule, std::string> parse_certificate_rule(std::string_view json);
std::string show_certificate_rule(const identity::CertificateRule& rule);

}  // namespace gh::control
