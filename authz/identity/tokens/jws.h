// SPDX-License-Identifier: Apache-2.0
// A signed token in compact form (RFC 7515 §7.1) as go-jose v2.6 reads it. Nothing in it is to be
// believed before a key has verified it. In: the token.   Out: its parts, decoded; null when
// go-jose would not parse it. Keys that a header brings along (jwk, jku, x5c) are checked for
// form, as go-jose does, and never used.
#pragma once

#include "tls/signature.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gh::identity {

struct Jws {
  std::string algorithm_name;
  tls::JwsAlgorithm algorithm = tls::JwsAlgorithm::unknown;
  std::string key_id;
  bool critical_known = true;  // `crit` names nothing but b64
  std::string payload;
  std::string signature;
  std::string signing_input;

  bool verified_by(const tls::VerifyKey& key) const noexcept;
};

std::optional<Jws> parse_jws(std::string_view token);

// The payload of a token in three parts, as authenticators look at `iss` before anything else:
// nullopt when there are not three parts, it begins with '{', or the payload is no base64url of
// JSON.
std::optional<std::string> untrusted_payload(std::string_view token);

// `iss` as encoding/json reads it into a struct field. Null: the payload is no object, or `iss` no
// string.
std::optional<std::string> untrusted_issuer(std::string_view payload);

}  // namespace gh::identity
