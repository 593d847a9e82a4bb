// SPDX-License-Identifier: Apache-2.0
// Keys that verify JSON Web Signatures (RFC 7518 §3), and the digests that secrets are found by.
// In: keys as PEM, SubjectPublicKeyInfo or numbers, read once.   Out: whether a signature is good,
// by the rules of go-jose and Go's crypto. Owner: a snapshot; immutable, so any core may verify.
// Not here: what is signed and by whom (authz/identity/tokens). No HMAC algorithm and no "none":
// a key of this type cannot be used with either.
#pragma once

#include "base/byte_view.h"
#include "base/result.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

enum class JwsAlgorithm : std::uint8_t {
  unknown,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512
};

JwsAlgorithm jws_algorithm(std::string_view name) noexcept;  // exact; anything else: unknown

enum class Curve : std::uint8_t { p256, p384, p521 };

class VerifyKey {
 public:
  // Null: not an RSA key, nor an EC key of a named NIST curve with an uncompressed point.
  static std::optional<VerifyKey> from_public_key_info(ByteView der);
  // Big-endian numbers of a JWK. An RSA key that Go would not verify with is one that verifies
  // nothing.
  static std::optional<VerifyKey> from_rsa(ByteView modulus, ByteView exponent);
  static std::optional<VerifyKey> from_point(Curve curve, ByteView x, ByteView y);

  // An algorithm of the other kind of key: false. The curve need not be that of the algorithm's
  // name, as with go-jose.
  bool verify(JwsAlgorithm algorithm, ByteView signed_bytes, ByteView signature) const noexcept;

  // base64url of SHA-256 of the SubjectPublicKeyInfo: the `kid` Kubernetes gives its own keys.
  const std::string& key_id() const noexcept;
  ByteView public_key_info() const noexcept;
  bool usable() const noexcept;  // false: verifies nothing (RSA below 1024 bits, odd numbers)

 private:
  struct State;

  explicit VerifyKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  static std::optional<VerifyKey> adopt(void* key);
  std::shared_ptr<const State> state_;
};

// The public keys of a PEM text as Kubernetes' keyutil.ParsePublicKeysPEM finds them: public keys,
// certificates, RSA private keys (PKCS#1, PKCS#8), EC private keys (SEC 1). Other blocks are passed
// over. Fault: none found, or a damaged block.
Outcome<std::vector<VerifyKey>> read_verify_keys(std::string_view pem, const std::string& where);

using Digest256 = std::array<std::uint8_t, 32>;

bool random_bytes(MutableBytes out) noexcept;
bool hmac_sha256(const Digest256& key, ByteView bytes, Digest256& out) noexcept;
bool equal_in_constant_time(ByteView a, ByteView b) noexcept;  // the lengths are no secret

}  // namespace gh::tls
