// SPDX-License-Identifier: Apache-2.0
// A handshake that may stop in the middle for an operation of crypto_op.h. Private to tls.
// OpenSSL (async_openssl.cc): SSL_do_handshake runs on a stack of its own (an ASYNC_JOB, as
// SSL_MODE_ASYNC would start it, but with a wait context of ours through which a provider's key
// finds this object). AWS-LC (async_awslc.cc): SSL_PRIVATE_KEY_METHOD.
// Legal order: run() until true; while it returned false, run() again after the waiter was told, or
// abandon(). The waiter only notes it: it resumes nothing from inside the call.
#pragma once

#include "tls/crypto_queue.h"
#include "tls/engine.h"
#include "tls/openssl/handles.h"

#include <memory>

namespace gh::tls {

class AsyncHandshake {
 public:
  static std::unique_ptr<AsyncHandshake> make(const AsyncCrypto& crypto);
  virtual ~AsyncHandshake() = default;

  // SSL_do_handshake, begun or gone on with. False: it waits. `result`: what it returned.
  virtual bool run(SSL* ssl, int& result) = 0;
  // While it waits: what it waits for has come.
  virtual bool may_go_on() noexcept = 0;

  // A handshake that is given up while it waits. `keep`: what the library's callbacks refer to.
  static void abandon(
      std::unique_ptr<AsyncHandshake> handshake, SslHandle ssl, std::shared_ptr<const void> keep
  );
};

}  // namespace gh::tls
