// SPDX-License-Identifier: Apache-2.0
// The common name a certificate signing request asks for. In: the PEM bytes of
// CertificateSigningRequest.spec.request.   Out: the name, or why it cannot be told, in Go's words
// where they are known. Stricter than Go where it guesses: one PEM block and nothing else; one
// common name, as a UTF8, Printable or IA5 string. Pure.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace gh::authz::admission {

Result<std::string, std::string> csr_common_name(std::string_view pem);

}  // namespace gh::authz::admission
