// SPDX-License-Identifier: Apache-2.0
// JSON Web Keys (RFC 7517) as go-jose v2.6 reads them. In: JSON.   Out: keys that verify, with
// their `kid`; or why go-jose would refuse the set. Keys that verify nothing here (symmetric,
// private, Ed25519) are left out. Pure.
#pragma once

#include "base/result.h"
#include "tls/signature.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

struct NamedKey {
  std::string key_id;  // may be empty
  tls::VerifyKey key;
};

// One bad key and the set is refused, as with Kubernetes.
Result<std::vector<NamedKey>, std::string> parse_jwks(std::string_view text);

// Whether this valid() JSON is a public key in good form: what go-jose wants of a `jwk` header.
bool public_jwk(std::string_view raw);

// The SubjectPublicKeyInfo of a certificate in base64 DER (an element of x5c). Null: Go cannot
// parse it.
std::optional<std::string> certificate_key(std::string_view base64_der);

}  // namespace gh::identity
