// SPDX-License-Identifier: Apache-2.0
#include "tls/keyed_hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace gh::tls {
namespace {

struct MacFree {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }

  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

}  // namespace

struct KeyedHash::State {
  std::array<std::uint8_t, 32> key;
  std::unique_ptr<EVP_MAC_CTX, MacFree> context;

  ~State() { OPENSSL_cleanse(key.data(), key.size()); }
};

KeyedHash::KeyedHash(std::unique_ptr<State> state) : state_(std::move(state)) {}

KeyedHash::~KeyedHash() = default;

Outcome<std::unique_ptr<KeyedHash>> KeyedHash::make() {
  auto state = std::make_unique<State>();
  if (RAND_bytes(state->key.data(), static_cast<int>(state->key.size())) != 1)
    return fault("no random bytes to be had");
  const std::unique_ptr<EVP_MAC, MacFree> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  if (mac) state->context.reset(EVP_MAC_CTX_new(mac.get()));
  if (!state->context) return fault("the TLS library has no HMAC");
  return std::unique_ptr<KeyedHash>(new KeyedHash(std::move(state)));
}

bool KeyedHash::digest(ByteView secret, Digest& out) noexcept {
  char name[] = "SHA256";
  const OSSL_PARAM settings[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()
  };
  EVP_MAC_CTX* const context = state_->context.get();
  std::size_t size = 0;
  return EVP_MAC_init(context, state_->key.data(), state_->key.size(), settings) == 1 &&
         EVP_MAC_update(context, secret.data(), secret.size()) == 1 &&
         EVP_MAC_final(context, out.data(), &size, out.size()) == 1 && size == out.size();
}

}  // namespace gh::tls
