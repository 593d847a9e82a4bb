// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/public_key.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::tls {

KeyHandle read_public_key(ByteView public_key_info) {
  const unsigned char* at = public_key_info.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key_info.size())));
  if (!key) ERR_clear_error();
  return key;
}

namespace {

struct Scheme {
  KeyAlgorithm key;
  const EVP_MD* (*digest)();
  bool pss;
};

Scheme scheme_of(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::unknown:
    case SignatureAlgorithm::insecure:
    case SignatureAlgorithm::dsa_sha256:
      return {KeyAlgorithm::unknown, nullptr, false};  // Go verifies no DSA either
    case SignatureAlgorithm::sha256_rsa:
      return {KeyAlgorithm::rsa, EVP_sha256, false};
    case SignatureAlgorithm::sha384_rsa:
      return {KeyAlgorithm::rsa, EVP_sha384, false};
    case SignatureAlgorithm::sha512_rsa:
      return {KeyAlgorithm::rsa, EVP_sha512, false};
    case SignatureAlgorithm::sha256_rsa_pss:
      return {KeyAlgorithm::rsa, EVP_sha256, true};
    case SignatureAlgorithm::sha384_rsa_pss:
      return {KeyAlgorithm::rsa, EVP_sha384, true};
    case SignatureAlgorithm::sha512_rsa_pss:
      return {KeyAlgorithm::rsa, EVP_sha512, true};
    case SignatureAlgorithm::ecdsa_sha256:
      return {KeyAlgorithm::ecdsa, EVP_sha256, false};
    case SignatureAlgorithm::ecdsa_sha384:
      return {KeyAlgorithm::ecdsa, EVP_sha384, false};
    case SignatureAlgorithm::ecdsa_sha512:
      return {KeyAlgorithm::ecdsa, EVP_sha512, false};
    case SignatureAlgorithm::ed25519:
      return {KeyAlgorithm::ed25519, nullptr, false};
  }
  return {KeyAlgorithm::unknown, nullptr, false};
}

bool verify_ed25519(EVP_PKEY* key, ByteView signed_bytes, ByteView signature) {
  std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(
             context.get(),
             signature.data(),
             signature.size(),
             signed_bytes.data(),
             signed_bytes.size()
         ) == 1;
}

// The digest is taken apart from the check, so that the digest is a plain function of bytes and the
// check one of a digest: what a batch needs later.
bool verify_digest(EVP_PKEY* key, const Scheme& scheme, ByteView signed_bytes, ByteView signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned digest_bytes = 0;
  const EVP_MD* md = scheme.digest();
  if (EVP_Digest(
          signed_bytes.data(), signed_bytes.size(), digest.data(), &digest_bytes, md, nullptr
      ) != 1)
    return false;
  KeyContextHandle context(EVP_PKEY_CTX_new(key, nullptr));
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) return false;
  if (scheme.key == KeyAlgorithm::rsa) {
    if (EVP_PKEY_CTX_set_rsa_padding(
            context.get(), scheme.pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING
        ) != 1)
      return false;
    if (EVP_PKEY_CTX_set_signature_md(context.get(), md) != 1) return false;
    if (scheme.pss && EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1)
      return false;
  }
  return EVP_PKEY_verify(
             context.get(), signature.data(), signature.size(), digest.data(), digest_bytes
         ) == 1;
}

}  // namespace

bool signature_valid(
    SignatureAlgorithm algorithm,
    ByteView signed_bytes,
    ByteView signature,
    const Certificate& parent,
    EVP_PKEY* key
) {
  const Scheme scheme = scheme_of(algorithm);
  if (key == nullptr || scheme.key == KeyAlgorithm::unknown || scheme.key != parent.key_algorithm)
    return false;
  if (scheme.key == KeyAlgorithm::rsa && !parent.rsa_usable) return false;
  const bool good = scheme.key == KeyAlgorithm::ed25519
                        ? verify_ed25519(key, signed_bytes, signature)
                        : verify_digest(key, scheme, signed_bytes, signature);
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace gh::tls
