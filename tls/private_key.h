// SPDX-License-Identifier: Apache-2.0
// A private key by what it can do. Implementations: a key in memory (openssl/local_key.h), a key in
// a token that speaks PKCS#11 (pkcs11/pkcs11_key.h).
// Owner: contexts share it; sign() may be called by any thread, several at once.
#pragma once

#include "base/byte_view.h"

#include <cstddef>
#include <cstdint>

namespace gh::tls {

inline constexpr std::size_t signature_bytes_max = 1024;  // RSA-8192; all others are shorter

// TLS's numbers (RFC 8446 §4.2.3) of the signatures a key outside the library is asked for.
enum class SignatureScheme : std::uint16_t {
  rsa_pkcs1_sha256 = 0x0401,
  rsa_pkcs1_sha384 = 0x0501,
  rsa_pkcs1_sha512 = 0x0601,
  ecdsa_sha256 = 0x0403,
  ecdsa_sha384 = 0x0503,
  ecdsa_sha512 = 0x0603,
  rsa_pss_sha256 = 0x0804,
  rsa_pss_sha384 = 0x0805,
  rsa_pss_sha512 = 0x0806,
  ed25519 = 0x0807,
};

enum class SignatureFamily : std::uint8_t { rsa_pkcs1, rsa_pss, ecdsa, ed25519 };

constexpr SignatureFamily family_of(SignatureScheme scheme) noexcept {
  switch (scheme) {
    case SignatureScheme::rsa_pkcs1_sha256:
    case SignatureScheme::rsa_pkcs1_sha384:
    case SignatureScheme::rsa_pkcs1_sha512:
      return SignatureFamily::rsa_pkcs1;
    case SignatureScheme::rsa_pss_sha256:
    case SignatureScheme::rsa_pss_sha384:
    case SignatureScheme::rsa_pss_sha512:
      return SignatureFamily::rsa_pss;
    case SignatureScheme::ecdsa_sha256:
    case SignatureScheme::ecdsa_sha384:
    case SignatureScheme::ecdsa_sha512:
      return SignatureFamily::ecdsa;
    case SignatureScheme::ed25519:
      break;
  }
  return SignatureFamily::ed25519;
}

// Of the SHA-2 the message is hashed with; 0: the scheme takes it whole.
constexpr std::size_t hash_bytes_of(SignatureScheme scheme) noexcept {
  switch (scheme) {
    case SignatureScheme::rsa_pkcs1_sha256:
    case SignatureScheme::rsa_pss_sha256:
    case SignatureScheme::ecdsa_sha256:
      return 32;
    case SignatureScheme::rsa_pkcs1_sha384:
    case SignatureScheme::rsa_pss_sha384:
    case SignatureScheme::ecdsa_sha384:
      return 48;
    case SignatureScheme::rsa_pkcs1_sha512:
    case SignatureScheme::rsa_pss_sha512:
    case SignatureScheme::ecdsa_sha512:
      return 64;
    case SignatureScheme::ed25519:
      break;
  }
  return 0;
}

class PrivateKey {
 public:
  virtual ~PrivateKey() = default;

  // The signature over `message` as TLS carries it; its size. 0: it failed.
  virtual std::size_t sign(SignatureScheme scheme, ByteView message, MutableBytes signature)
      const noexcept = 0;

  // The SubjectPublicKeyInfo, by which it is matched with its certificate.
  virtual ByteView public_key_info() const noexcept = 0;

  // sign() may take long (another process, a device): never on a core with connections.
  virtual bool blocks() const noexcept { return false; }

  // The number of a P-256 key, 32 bytes big endian, for batches; empty: not to be had.
  virtual ByteView p256_number() const noexcept { return {}; }
};

}  // namespace gh::tls
