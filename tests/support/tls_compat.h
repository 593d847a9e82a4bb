// SPDX-License-Identifier: Apache-2.0
// What the tests use of OpenSSL 3 and AWS-LC lacks. Empty with OpenSSL.
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>

#ifdef OPENSSL_IS_AWSLC
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

inline EVP_PKEY* EVP_EC_gen(std::string_view curve) {
  const int nid = curve == "P-256"   ? NID_X9_62_prime256v1
                  : curve == "P-384" ? NID_secp384r1
                                     : NID_secp521r1;
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(nid));
  EVP_PKEY* out = EVP_PKEY_new();
  if (!key || EC_KEY_generate_key(key.get()) != 1 || EVP_PKEY_set1_EC_KEY(out, key.get()) != 1)
    return nullptr;
  return out;
}

inline EVP_PKEY* EVP_RSA_gen(int bits) {
  bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr));
  EVP_PKEY* out = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), bits) != 1 ||
      EVP_PKEY_keygen(context.get(), &out) != 1)
    return nullptr;
  return out;
}

inline EVP_PKEY* EVP_PKEY_Q_keygen(void*, void*, const char*) {  // ED25519, that is
  bssl::UniquePtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr));
  EVP_PKEY* out = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1) return nullptr;
  return EVP_PKEY_keygen(context.get(), &out) == 1 ? out : nullptr;
}

inline int EVP_PKEY_get_base_id(const EVP_PKEY* key) { return EVP_PKEY_id(key); }

// The numbers of a public key by OpenSSL's names for them: n, e of RSA; qx, qy of EC.
#define OSSL_PKEY_PARAM_RSA_N "n"
#define OSSL_PKEY_PARAM_RSA_E "e"
#define OSSL_PKEY_PARAM_EC_PUB_X "qx"
#define OSSL_PKEY_PARAM_EC_PUB_Y "qy"

inline int EVP_PKEY_get_bn_param(const EVP_PKEY* key, std::string_view name, BIGNUM** out) {
  if (const RSA* rsa = EVP_PKEY_get0_RSA(key)) {
    *out = BN_dup(name == "n" ? RSA_get0_n(rsa) : RSA_get0_e(rsa));
    return 1;
  }
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  bssl::UniquePtr<BIGNUM> x(BN_new()), y(BN_new());
  if (EC_POINT_get_affine_coordinates_GFp(
          EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec), x.get(), y.get(), nullptr
      ) != 1)
    return 0;
  *out = (name == "qx" ? x : y).release();
  return 1;
}

namespace gh::test {

inline SSL_SESSION* session_of(std::vector<std::uint8_t> bytes) {
  static SSL_CTX* const context = SSL_CTX_new(TLS_with_buffers_method());
  return SSL_SESSION_from_bytes(bytes.data(), bytes.size(), context);
}

inline std::vector<std::uint8_t> bytes_of(const SSL_SESSION* session) {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_to_bytes(session, &data, &size) != 1) return {};
  std::vector<std::uint8_t> out(data, data + size);
  OPENSSL_free(data);
  return out;
}

}  // namespace gh::test

inline SSL_SESSION* SSL_SESSION_dup(const SSL_SESSION* session) {
  return gh::test::session_of(gh::test::bytes_of(session));
}

inline std::uint32_t SSL_SESSION_get_max_early_data(const SSL_SESSION* session) {
  return static_cast<std::uint32_t>(SSL_SESSION_early_data_capable(session));
}

#endif
