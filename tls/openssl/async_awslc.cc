// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/async_awslc.h"

#include "tls/openssl/async_handshake.h"
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/public_key.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace gh::tls {
namespace {

// ---- keys of a context ----

struct ContextKeys {
  struct Entry {
    int kind;  // EVP_PKEY_EC…
    std::shared_ptr<const PrivateKey> key;
  };

  std::vector<Entry> entries;
};

void free_keys(void*, void* keys, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<ContextKeys*>(keys);
}

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_keys);
  return index;
}

const std::shared_ptr<const PrivateKey>* key_for(SSL* ssl, std::uint16_t scheme) {
  const auto* keys =
      static_cast<const ContextKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  if (keys == nullptr) return nullptr;
  const int kind = SSL_get_signature_algorithm_key_type(scheme);
  for (const auto& entry : keys->entries) {
    if (entry.kind == kind) return &entry.key;
  }
  return nullptr;
}

// ---- one handshake ----

class MethodHandshake final : public AsyncHandshake {
 public:
  explicit MethodHandshake(const AsyncCrypto& crypto)
      : queue_(*crypto.queue), waiter_(*crypto.waiter) {}

  ~MethodHandshake() override { queue_.cancel(op_); }

  bool run(SSL* ssl, int& result) override {
    result = SSL_do_handshake(ssl);
    return result == 1 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_PRIVATE_KEY_OPERATION;
  }

  bool may_go_on() noexcept override { return op_.state == CryptoOp::State::done; }

  CryptoOp& op() { return op_; }

  // The library keeps neither what is signed nor a place for the signature.
  bool submit(const CryptoOp& what) {
    message_.assign(what.input.begin(), what.input.end());
    op_ = what;
    op_.input = message_;
    op_.output = signature_;
    return queue_.submit(op_, waiter_);
  }

 private:
  CryptoQueue& queue_;
  CryptoWaiter& waiter_;
  CryptoOp op_;
  std::vector<std::uint8_t> message_;
  std::array<std::uint8_t, signature_bytes_max> signature_;
};

ssl_private_key_result_t begin_signature(
    SSL* ssl,
    std::uint8_t* out,
    std::size_t* size,
    std::size_t room,
    std::uint16_t scheme,
    const std::uint8_t* message,
    std::size_t message_size
) {
  const auto* key = key_for(ssl, scheme);
  if (key == nullptr) return ssl_private_key_failure;
  CryptoOp op = signature_op(SignatureScheme{scheme}, *key, {message, message_size}, {out, room});
  auto* handshake = static_cast<MethodHandshake*>(OpensslEngine::of(ssl).async());
  if (handshake != nullptr) {
    if (handshake->submit(op)) return ssl_private_key_retry;
    if (handshake->op().state == CryptoOp::State::done) return ssl_private_key_failure;
  }
  op.alone(op);
  *size = op.output_size;
  return op.good ? ssl_private_key_success : ssl_private_key_failure;
}

ssl_private_key_result_t end_signature(
    SSL* ssl, std::uint8_t* out, std::size_t* size, std::size_t room
) {
  auto* handshake = static_cast<MethodHandshake*>(OpensslEngine::of(ssl).async());
  if (handshake == nullptr) return ssl_private_key_failure;
  const CryptoOp& op = handshake->op();
  if (op.state != CryptoOp::State::done) return ssl_private_key_retry;
  if (!op.good || op.output_size > room) return ssl_private_key_failure;
  std::copy_n(op.output.begin(), op.output_size, out);
  *size = op.output_size;
  return ssl_private_key_success;
}

// Key exchange by RSA decryption: no suite of ours has it.
ssl_private_key_result_t refuse_to_decrypt(
    SSL*, std::uint8_t*, std::size_t*, std::size_t, const std::uint8_t*, std::size_t
) {
  return ssl_private_key_failure;
}

}  // namespace

const SSL_PRIVATE_KEY_METHOD* private_key_method() {
  static constexpr SSL_PRIVATE_KEY_METHOD method{begin_signature, refuse_to_decrypt, end_signature};
  return &method;
}

bool add_private_key(SSL_CTX* context, const std::shared_ptr<const PrivateKey>& key) {
  const KeyHandle real = read_public_key(key->public_key_info());
  if (!real) return false;
  auto* keys = static_cast<ContextKeys*>(SSL_CTX_get_ex_data(context, keys_index()));
  if (keys == nullptr) {
    auto made = std::make_unique<ContextKeys>();
    if (SSL_CTX_set_ex_data(context, keys_index(), made.get()) != 1) return false;
    keys = made.release();
  }
  keys->entries.push_back({EVP_PKEY_id(real.get()), key});
  return true;
}

std::unique_ptr<AsyncHandshake> AsyncHandshake::make(const AsyncCrypto& crypto) {
  return std::make_unique<MethodHandshake>(crypto);
}

// No stack of its own stands still: all can be freed at once.
void AsyncHandshake::
    abandon(std::unique_ptr<AsyncHandshake> handshake, SslHandle ssl, std::shared_ptr<const void>) {
  handshake.reset();
  ssl.reset();
}

}  // namespace gh::tls
