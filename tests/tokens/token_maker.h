// SPDX-License-Identifier: Apache-2.0
// Signed tokens for tests: keys made in memory, headers and payloads as raw text so that tests may
// write what no library would.
#pragma once

#include "tls/signature.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gh::test {

enum class SignKind : std::uint8_t { rsa2048, p256, p384, p521 };

class SignKey {
 public:
  explicit SignKey(SignKind kind);
  ~SignKey();
  SignKey(SignKey&&) noexcept;

  std::string public_pem() const;
  std::string private_pem() const;
  tls::VerifyKey verify_key() const;

  std::string key_id() const { return verify_key().key_id(); }

  std::string jwk(const std::string& key_id) const;  // a JSON Web Key

  // A JWS signature by the algorithm of this kind of key (RS256, ES256, ES384, ES512).
  std::string sign(std::string_view input) const;
  std::string_view algorithm() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hmac_signature(std::string_view secret, std::string_view input);  // HS256

// header.payload.signature
std::string make_token(std::string_view header, std::string_view payload, const SignKey& key);
// The same with a header of algorithm and key id.
std::string make_token(std::string_view payload, const SignKey& key);

}  // namespace gh::test
