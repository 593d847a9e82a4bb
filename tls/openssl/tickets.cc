// SPDX-License-Identifier: Apache-2.0
// Seals and opens session tickets with a TicketKeys ring, and has the engine judge what is in them.
#include "base/limits.h"
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/state.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>

namespace gh::tls {
namespace {

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  auto* bytes = const_cast<std::uint8_t*>(key.mac.data());  // OSSL_PARAM has no const
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

// 1: done; 2: done, and a new ticket should be issued; 0: not one of our keys (full handshake);
// negative: failure.
int on_ticket_key(
    SSL* ssl,
    unsigned char* name,
    unsigned char* iv,
    EVP_CIPHER_CTX* cipher,
    EVP_MAC_CTX* mac,
    int seal
) {
  const TicketKeys& keys = *OpensslEngine::of(ssl).ticket_keys();
  bool is_current = true;
  const TicketKeys::Key* key =
      seal != 0 ? &keys.current() : keys.find({name, TicketKeys::Key{}.name.size()}, is_current);
  if (key == nullptr) return 0;
  if (seal != 0) {
    std::copy(key->name.begin(), key->name.end(), name);
    if (RAND_bytes(iv, 16) != 1) return -1;
  }
  const int initialised =
      seal != 0 ? EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv)
                : EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv);
  if (initialised != 1 || !set_mac_key(mac, *key)) return -1;
  return is_current ? 1 : 2;
}

int on_ticket_wanted(SSL* ssl, void*) { return OpensslEngine::of(ssl).on_ticket_wanted() ? 1 : 0; }

SSL_TICKET_RETURN
on_ticket_opened(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t, SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return OpensslEngine::of(ssl).on_ticket_opened(session, status == SSL_TICKET_SUCCESS_RENEW);
}

}  // namespace

void install_ticket_callbacks(SSL_CTX* context, const ServerState& state) {
  if (state.ticket_keys == nullptr) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_timeout(context, static_cast<long>(limits::ticket_lifetime.count()));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, on_ticket_wanted, on_ticket_opened, nullptr);
}

}  // namespace gh::tls
