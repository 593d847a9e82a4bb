// SPDX-License-Identifier: Apache-2.0
#include "tests/tokens/token_maker.h"

#include "authz/identity/tokens/base64url.h"
#include "tests/support/tls_compat.h"

#include <openssl/bn.h>
#ifndef OPENSSL_IS_AWSLC
#include <openssl/core_names.h>
#endif
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <vector>

namespace gh::test {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(BIO* bio) const { BIO_free(bio); }

  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }

  void operator()(BIGNUM* number) const { BN_free(number); }
};

template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string number_of(EVP_PKEY* key, const char* name, std::size_t size) {
  BIGNUM* raw = nullptr;
  EVP_PKEY_get_bn_param(key, name, &raw);
  const Owned<BIGNUM> number(raw);
  const std::size_t bytes = static_cast<std::size_t>(BN_num_bytes(number.get()));
  std::string out(size == 0 ? bytes : size, '\0');
  BN_bn2binpad(
      number.get(), reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())
  );
  return out;
}

}  // namespace

struct SignKey::State {
  SignKind kind;
  Owned<EVP_PKEY> key;
};

SignKey::SignKey(SignKind kind) : state_(std::make_unique<State>()) {
  state_->kind = kind;
  switch (kind) {
    case SignKind::rsa2048:
      state_->key.reset(EVP_RSA_gen(2048));
      break;
    case SignKind::p256:
      state_->key.reset(EVP_EC_gen("P-256"));
      break;
    case SignKind::p384:
      state_->key.reset(EVP_EC_gen("P-384"));
      break;
    case SignKind::p521:
      state_->key.reset(EVP_EC_gen("P-521"));
      break;
  }
}

SignKey::~SignKey() = default;
SignKey::SignKey(SignKey&&) noexcept = default;

std::string SignKey::public_pem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), state_->key.get());
  return text_of(bio.get());
}

std::string SignKey::private_pem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(
      bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr
  );
  return text_of(bio.get());
}

tls::VerifyKey SignKey::verify_key() const {
  return tls::read_verify_keys(public_pem(), "")->front();
}

std::string SignKey::jwk(const std::string& key_id) const {
  const auto encoded = [&](const char* name, std::size_t size) {
    return identity::base64url_encode(number_of(state_->key.get(), name, size));
  };
  const std::string kid = "\"kid\":\"" + key_id + "\",";
  if (state_->kind == SignKind::rsa2048) {
    return "{" + kid + R"("kty":"RSA","n":")" + encoded(OSSL_PKEY_PARAM_RSA_N, 0) + R"(","e":")" +
           encoded(OSSL_PKEY_PARAM_RSA_E, 0) + "\"}";
  }
  const bool p256 = state_->kind == SignKind::p256;
  const bool p384 = state_->kind == SignKind::p384;
  const std::size_t size = p256 ? 32 : p384 ? 48 : 66;
  return "{" + kid + R"("kty":"EC","crv":")" +
         (p256   ? "P-256"
          : p384 ? "P-384"
                 : "P-521") +
         R"(","x":")" + encoded(OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
         encoded(OSSL_PKEY_PARAM_EC_PUB_Y, size) + "\"}";
}

std::string_view SignKey::algorithm() const {
  switch (state_->kind) {
    case SignKind::rsa2048:
      return "RS256";
    case SignKind::p256:
      return "ES256";
    case SignKind::p384:
      return "ES384";
    case SignKind::p521:
      return "ES512";
  }
  return "";
}

std::string SignKey::sign(std::string_view input) const {
  const EVP_MD* digest = state_->kind == SignKind::p384   ? EVP_sha384()
                         : state_->kind == SignKind::p521 ? EVP_sha512()
                                                          : EVP_sha256();
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, state_->key.get());
  std::vector<unsigned char> out(1024);
  std::size_t size = out.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  if (EVP_DigestSign(context.get(), out.data(), &size, bytes, input.size()) != 1) std::abort();
  if (state_->kind == SignKind::rsa2048)
    return {out.begin(), out.begin() + static_cast<long>(size)};
  const unsigned char* at = out.data();
  const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  const int half = state_->kind == SignKind::p256 ? 32 : state_->kind == SignKind::p384 ? 48 : 66;
  std::string raw(static_cast<std::size_t>(2 * half), '\0');
  auto* into = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), into, half);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), into + half, half);
  return raw;
}

std::string hmac_signature(std::string_view secret, std::string_view input) {
  unsigned char out[32];
  unsigned size = 0;
  HMAC(
      EVP_sha256(),
      secret.data(),
      static_cast<unsigned short>(secret.size()),  // int or size_t, by library
      reinterpret_cast<const unsigned char*>(input.data()),
      input.size(),
      out,
      &size
  );
  return {reinterpret_cast<const char*>(out), size};
}

std::string make_token(std::string_view header, std::string_view payload, const SignKey& key) {
  const std::string input =
      identity::base64url_encode(header) + "." + identity::base64url_encode(payload);
  return input + "." + identity::base64url_encode(key.sign(input));
}

std::string make_token(std::string_view payload, const SignKey& key) {
  const std::string header =
      R"({"alg":")" + std::string(key.algorithm()) + R"(","kid":")" + key.key_id() + R"("})";
  return make_token(header, payload, key);
}

}  // namespace gh::test
