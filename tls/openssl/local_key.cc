// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/local_key.h"

#include "tls/openssl/library.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <utility>

namespace gh::tls {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

constexpr int salt_as_long_as_the_hash = -1;  // RFC 8446 §4.2.3

std::vector<std::uint8_t> info_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::vector<std::uint8_t> out;
  if (size > 0) out.assign(der, der + size);
  OPENSSL_free(der);
  return out;
}

}  // namespace

const EVP_MD* hash_of(SignatureScheme scheme) {
  switch (hash_bytes_of(scheme)) {
    case 32:
      return EVP_sha256();
    case 48:
      return EVP_sha384();
    case 64:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

LocalKey::LocalKey(KeyHandle key)
    : key_(std::move(key)),
      public_key_info_(info_of(key_.get())),
      is_p256_(read_p256_number(key_.get(), number_)) {}

LocalKey::~LocalKey() { OPENSSL_cleanse(number_.data(), number_.size()); }

std::size_t LocalKey::sign(SignatureScheme scheme, ByteView message, MutableBytes signature)
    const noexcept {
  ERR_clear_error();
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  const bool pss = family_of(scheme) == SignatureFamily::rsa_pss;
  std::size_t size = signature.size();
  if (!context ||
      EVP_DigestSignInit(context.get(), &settings, hash_of(scheme), nullptr, key_.get()) != 1 ||
      (pss && (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) != 1 ||
               EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, salt_as_long_as_the_hash) != 1)) ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
    return 0;
  return size;
}

}  // namespace gh::tls
