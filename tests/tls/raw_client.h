// SPDX-License-Identifier: Apache-2.0
// A client that speaks OpenSSL directly, for what no Engine would do: old versions and suites,
// renegotiation, key updates.
#pragma once

#include "tests/support/tls_compat.h"
#include "tests/tls/handshake_fixture.h"
#include "tls/openssl/handles.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace gh::tls {

class RawClient {
 public:
  RawClient(const std::string& chain_pem, const std::string& key_pem)
      : context(SSL_CTX_new(TLS_client_method())) {
#ifndef OPENSSL_IS_AWSLC
    SSL_CTX_set_security_level(context.get(), 0);
#endif
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    if (!chain_pem.empty()) use(chain_pem, key_pem);
  }

  // False: this library would not even load it.
  bool use(const std::string& chain_pem, const std::string& key_pem) {
    BioHandle chain(BIO_new_mem_buf(chain_pem.data(), static_cast<int>(chain_pem.size())));
    BioHandle key(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
    KeyHandle private_key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
    X509Handle leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
    if (!leaf || !private_key || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1)
      return false;
    if (SSL_CTX_use_PrivateKey(context.get(), private_key.get()) != 1) return false;
    while (X509* link = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
      SSL_CTX_add0_chain_cert(context.get(), link);
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  }

  void start() {
    ssl.reset(SSL_new(context.get()));
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl.get());
    SSL_set_tlsext_host_name(ssl.get(), "api.test");
  }

  // Moves bytes between us and the server until nobody has more to say.
  void exchange(Side& server, UnixTime now) {
    for (bool moved = true; moved;) {
      moved = false;
      ERR_clear_error();
      if (!SSL_is_init_finished(ssl.get())) {
        SSL_do_handshake(ssl.get());
      } else {
        read();
      }
      std::vector<std::uint8_t> buffer(64 * 1024);
      for (int n = 0;
           (n = BIO_read(SSL_get_wbio(ssl.get()), buffer.data(), static_cast<int>(buffer.size()))) >
           0;) {
        server.take({buffer.data(), static_cast<std::size_t>(n)}, now);
        moved = true;
      }
      while (!server.out.empty()) {
        const auto front = server.out.front();
        BIO_write(SSL_get_rbio(ssl.get()), front.data(), static_cast<int>(front.size()));
        server.out.pop(front.size());
        moved = true;
      }
    }
  }

  void read() {
    char buffer[4096];
    for (int n = 0; (n = SSL_read(ssl.get(), buffer, sizeof buffer)) > 0;)
      received.append(buffer, static_cast<std::size_t>(n));
  }

  bool established() const { return SSL_is_init_finished(ssl.get()) == 1; }

  SslContextHandle context;
  SslHandle ssl;
  std::string received;
};

}  // namespace gh::tls
