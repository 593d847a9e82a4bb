// SPDX-License-Identifier: Apache-2.0
// What differs between the TLS libraries gatehouse can be built with. Private to tls.
// library_openssl.cc and tickets.cc: OpenSSL 3.0 and later; library_awslc.cc and tickets_awslc.cc:
// AWS-LC. All else in tls speaks what both understand (compat.h has names that one of them lacks).
#pragma once

#include "tls/openssl/handles.h"
#include "tls/openssl/state.h"
#include "tls/private_key.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

// ---- contexts ----

// `batched`: every operation that can be goes through crypto_op.h, not only those of our key.
SSL_CTX* new_context(bool server, bool batched);
void set_library_options(SSL_CTX* context);
// Needs set_library_options. False: not usable for TLS, and why is in the library's error queue.
bool use_certificate(SSL_CTX* context, X509* leaf, STACK_OF(X509) * chain, EVP_PKEY* key);
// The same with a key whose operations go through crypto_op.h. All of a context, or none.
bool use_certificate(
    SSL_CTX* context,
    X509* leaf,
    STACK_OF(X509) * chain,
    const std::shared_ptr<const PrivateKey>& key
);
bool can_be_wrapped(const EVP_PKEY* key);
void set_client_verification(SSL_CTX* context, ClientCertMode mode);  // a server's context
void set_server_verification(SSL_CTX* context);                       // a client's context

void install_certificate_callbacks(SSL_CTX* context);
void install_ticket_callbacks(SSL_CTX* context, const ServerState& state);

// ---- one connection ----

void prepare_connection(SSL* ssl);
void send_no_ticket(SSL* ssl);
void send_ticket_now(SSL* ssl);  // the handshake has ended
void drop_handshake(SSL* ssl);   // what a server's connection needs no more is freed
// Whether the message that was being read is the peer's Certificate.
bool at_certificate_message(const SSL* ssl);

// ---- keys ----

int kind_of(const EVP_PKEY* key);  // EVP_PKEY_RSA, EVP_PKEY_EC…
// An EC key on a NIST curve, as far as the library still knows a named one with an uncompressed
// point.
bool is_go_curve(EVP_PKEY* key);
// The private number of a P-256 key, big endian; false: it is not one.
bool read_p256_number(const EVP_PKEY* key, std::span<std::uint8_t, 32> number);
bool rsa_numbers(EVP_PKEY* key, BIGNUM*& modulus, BIGNUM*& exponent);  // copies
KeyHandle make_rsa_key(const BIGNUM* modulus, const BIGNUM* exponent);
KeyHandle make_ec_key(int curve_nid, std::span<const std::uint8_t> point);

}  // namespace gh::tls
