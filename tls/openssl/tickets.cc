// SPDX-License-Identifier: Apache-2.0
// Seals and opens session tickets with a TicketKeys ring, and has the engine judge what is in them.
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/library.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <vector>

namespace gh::tls {
namespace {

// Fetched once: by name it costs a search of the providers for each ticket.
const EVP_CIPHER* cipher_algorithm() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return fetched != nullptr ? fetched : EVP_aes_256_cbc();
}

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
  bool renew = false;
  const TicketKeys::Key* key =
      seal != 0 ? &keys.current() : keys.find({name, TicketKeys::Key{}.name.size()}, renew);
  if (key == nullptr) return 0;
  if (seal != 0) {
    std::copy(key->name.begin(), key->name.end(), name);
    if (RAND_bytes(iv, 16) != 1) return -1;
  }
  const EVP_CIPHER* algorithm = cipher_algorithm();
  const int initialised =
      seal != 0 ? EVP_EncryptInit_ex2(cipher, algorithm, key->cipher.data(), iv, nullptr)
                : EVP_DecryptInit_ex2(cipher, algorithm, key->cipher.data(), iv, nullptr);
  if (initialised != 1 || !set_mac_key(mac, *key)) return -1;
  return renew ? 2 : 1;
}

// The length of a DER element's head; 0: not one that is whole in `bytes`.
std::size_t head_of(ByteView bytes, std::size_t& body) {
  if (bytes.size() < 2) return 0;
  std::size_t head = 2;
  body = bytes[1];
  if (body >= 0x80) {
    const std::size_t digits = body & 0x7f;
    if (digits == 0 || digits > 3 || bytes.size() < 2 + digits) return 0;
    body = 0;
    for (std::size_t i = 0; i < digits; ++i) body = body << 8 | bytes[head++];
  }
  return bytes.size() - head < body ? 0 : head;
}

// A session's encoding (a SEQUENCE) without its peer, [3] EXPLICIT. Empty: not what it is known to
// be.
std::vector<std::uint8_t> without_peer(ByteView session) {
  constexpr std::uint8_t sequence = 0x30, peer = 0xa3;
  std::size_t body = 0;
  const std::size_t head = head_of(session, body);
  if (head == 0 || session[0] != sequence || head + body != session.size()) return {};
  std::vector<std::uint8_t> out = {sequence, 0x83, 0, 0, 0};  // 3 bytes of length: up to 16 MiB
  out.reserve(session.size() + 5);
  bool found = false;
  for (ByteView rest = session.subspan(head); !rest.empty();) {
    const std::size_t own_head = head_of(rest, body);
    if (own_head == 0) return {};
    const ByteView element = rest.first(own_head + body);
    rest = rest.subspan(element.size());
    if (element[0] == peer) {
      found = true;
    } else {
      out.insert(out.end(), element.begin(), element.end());
    }
  }
  const std::size_t size = out.size() - 5;
  for (std::size_t i = 0; i < 3; ++i) out[2 + i] = static_cast<std::uint8_t>(size >> (16 - 8 * i));
  return found ? out : std::vector<std::uint8_t>{};
}

// A ticket keeps the client's certificate as bytes, so the library's copy in the session would only
// be encoded, sealed, and parsed again at the resumption (d2i_X509: 92 µs in OpenSSL 3.0). There is
// no call to take it out; the session is read back from its own encoding without that field. When
// the encoding is not what is known, the session stays as it is, which is right too.
void drop_peer(SSL_SESSION* session) {
  if (SSL_SESSION_get0_peer(session) == nullptr) return;
  unsigned char* encoded = nullptr;
  const int size = i2d_SSL_SESSION(session, &encoded);
  if (size <= 0) return;
  const auto bare = without_peer({encoded, static_cast<std::size_t>(size)});
  OPENSSL_cleanse(encoded, static_cast<std::size_t>(size));
  OPENSSL_free(encoded);
  if (bare.empty()) return;
  const unsigned char* at = bare.data();
  SSL_SESSION* same = session;
  if (d2i_SSL_SESSION(&same, &at, static_cast<long>(bare.size())) == nullptr) ERR_clear_error();
}

int on_ticket_wanted(SSL* ssl, void*) {
  SSL_SESSION* session = SSL_get_session(ssl);
  if (session == nullptr) return 0;
  const auto state = OpensslEngine::of(ssl).ticket_state();
  if (SSL_SESSION_set1_ticket_appdata(session, state.data(), state.size()) != 1) return 0;
  if (!state.empty()) drop_peer(session);
  return 1;
}

SSL_TICKET_RETURN
on_ticket_opened(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t, SSL_TICKET_STATUS status, void*) {
  constexpr SSL_TICKET_RETURN full_handshake = SSL_TICKET_RETURN_IGNORE_RENEW;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return full_handshake;
  void* state = nullptr;
  std::size_t size = 0;
  bool ageing = false;
  if (SSL_SESSION_get0_ticket_appdata(session, &state, &size) != 1 ||
      !OpensslEngine::of(ssl).on_ticket_opened(
          {static_cast<const std::uint8_t*>(state), size}, &ageing
      ))
    return full_handshake;
  // TLS 1.3 tickets are for one use (RFC 8446 §C.4), so each resumption gives the next one.
  const bool renew = status == SSL_TICKET_SUCCESS_RENEW || ageing ||
                     SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

}  // namespace

void install_ticket_callbacks(SSL_CTX* context, const ServerState& state) {
  if (state.ticket_keys == nullptr) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_timeout(
      context,
      static_cast<long>(std::min(state.tickets.lifetime, state.tickets.lineage_max).count())
  );
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket_key);
  SSL_CTX_set_session_ticket_cb(context, on_ticket_wanted, on_ticket_opened, nullptr);
}

}  // namespace gh::tls
