// SPDX-License-Identifier: Apache-2.0
// AWS-LC. Contexts are made by TLS_with_buffers_method, so that the library parses no X509: a
// presented chain arrives as bytes, as received, and only we read it (the library reads the
// client's public key, and that its key usage allows signatures).
#include "base/limits.h"
#include "tls/openssl/async_awslc.h"
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/library.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/obj.h>
#include <openssl/pool.h>
#include <openssl/rsa.h>

#include <cstring>

namespace gh::tls {

// ---- contexts ----

SSL_CTX* new_context(bool, bool) { return SSL_CTX_new(TLS_with_buffers_method()); }

void set_library_options(SSL_CTX* context) {
  SSL_CTX_set_early_data_enabled(context, 0);  // requests could be replayed
  // The engine keeps what it needs of the client's chain, so that a session, and with it a ticket,
  // carries a hash only.
  SSL_CTX_set_retain_only_sha256_of_client_certs(context, 1);
}

namespace {

bool use_chain(
    SSL_CTX* context,
    X509* leaf,
    STACK_OF(X509) * chain,
    EVP_PKEY* key,
    const SSL_PRIVATE_KEY_METHOD* method
) {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> owned;
  std::vector<CRYPTO_BUFFER*> buffers;
  const auto add = [&](X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) return false;
    owned.emplace_back(CRYPTO_BUFFER_new(der, static_cast<std::size_t>(size), nullptr));
    OPENSSL_free(der);
    buffers.push_back(owned.back().get());
    return buffers.back() != nullptr;
  };
  // As OpenSSL's security level 2.
  const bssl::UniquePtr<EVP_PKEY> own(X509_get_pubkey(leaf));
  if (own && EVP_PKEY_id(own.get()) == EVP_PKEY_RSA && EVP_PKEY_bits(own.get()) < 2048)
    return false;
  if (!add(leaf)) return false;
  for (std::size_t i = 0; i < sk_X509_num(chain); ++i) {
    if (!add(sk_X509_value(chain, i))) return false;
  }
  return SSL_CTX_set_chain_and_key(context, buffers.data(), buffers.size(), key, method) == 1;
}

}  // namespace

bool use_certificate(SSL_CTX* context, X509* leaf, STACK_OF(X509) * chain, EVP_PKEY* key) {
  return use_chain(context, leaf, chain, key, nullptr);
}

bool use_certificate(
    SSL_CTX* context,
    X509* leaf,
    STACK_OF(X509) * chain,
    const std::shared_ptr<const PrivateKey>& key
) {
  return add_private_key(context, key) &&
         use_chain(context, leaf, chain, nullptr, private_key_method());
}

bool can_be_wrapped(const EVP_PKEY*) { return true; }

namespace {

// What tells the peer what we know (RFC 8446 §6.2); the alerts OpenSSL sends.
std::uint8_t alert_of(TlsError error) {
  switch (error) {
    case TlsError::expired:
      return SSL_AD_CERTIFICATE_EXPIRED;
    case TlsError::unknown_authority:
    case TlsError::chain_too_long:
      return SSL_AD_UNKNOWN_CA;
    case TlsError::revoked:
      return SSL_AD_CERTIFICATE_REVOKED;
    case TlsError::bad_usage:
      return SSL_AD_UNSUPPORTED_CERTIFICATE;
    default:
      return SSL_AD_BAD_CERTIFICATE;
  }
}

ssl_verify_result_t on_verify(SSL* ssl, std::uint8_t* alert) {
  const STACK_OF(CRYPTO_BUFFER)* presented = SSL_get0_peer_certificates(ssl);
  std::vector<ByteView> chain;
  for (std::size_t i = 0; presented != nullptr && i < sk_CRYPTO_BUFFER_num(presented); ++i) {
    const CRYPTO_BUFFER* one = sk_CRYPTO_BUFFER_value(presented, i);
    chain.emplace_back(CRYPTO_BUFFER_data(one), CRYPTO_BUFFER_len(one));
  }
  const TlsError refused = OpensslEngine::of(ssl).on_peer_chain(chain, {});
  ERR_clear_error();
  if (refused == TlsError::none) return ssl_verify_ok;
  *alert = alert_of(refused);
  return ssl_verify_invalid;
}

}  // namespace

void set_client_verification(SSL_CTX* context, ClientCertMode mode) {
  const bool required = mode == ClientCertMode::require;
  SSL_CTX_set_custom_verify(
      context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), on_verify
  );
}

void set_server_verification(SSL_CTX* context) {
  SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, on_verify);
}

void install_certificate_callbacks(SSL_CTX*) {}

// ---- one connection ----

// What only a handshake needs is freed after it.
void prepare_connection(SSL* ssl) { SSL_set_shed_handshake_config(ssl, 1); }

void send_no_ticket(SSL*) {}  // ticket_state() is empty then, and opens to nothing

// It would wait for the first write; an empty one is what sends it.
void send_ticket_now(SSL* ssl) { SSL_write(ssl, "", 0); }

void drop_handshake(SSL*) {}  // prepare_connection asked for it

bool at_certificate_message(const SSL* ssl) {
  const char* state = SSL_state_string_long(ssl);
  const auto ends_with = [state](std::string_view end) {
    return std::string_view(state).ends_with(end);
  };
  return ends_with("read_client_certificate") || ends_with("read_server_certificate");
}

// ---- keys ----

int kind_of(const EVP_PKEY* key) { return EVP_PKEY_id(key); }

// The library reads named curves only, or turns what it reads into one.
bool is_go_curve(EVP_PKEY* key) {
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  if (ec == nullptr || EC_KEY_get_conv_form(ec) != POINT_CONVERSION_UNCOMPRESSED) return false;
  switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))) {
    case NID_secp224r1:
    case NID_X9_62_prime256v1:
    case NID_secp384r1:
    case NID_secp521r1:
      return true;
    default:
      return false;
  }
}

bool read_p256_number(const EVP_PKEY* key, std::span<std::uint8_t, 32> number) {
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  if (ec == nullptr || EC_KEY_get0_private_key(ec) == nullptr ||
      EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) != NID_X9_62_prime256v1)
    return false;
  return BN_bn2bin_padded(number.data(), number.size(), EC_KEY_get0_private_key(ec)) == 1;
}

bool rsa_numbers(EVP_PKEY* key, BIGNUM*& modulus, BIGNUM*& exponent) {
  const RSA* rsa = EVP_PKEY_get0_RSA(key);
  if (rsa == nullptr) return false;
  modulus = BN_dup(RSA_get0_n(rsa));
  exponent = BN_dup(RSA_get0_e(rsa));
  return modulus != nullptr && exponent != nullptr;
}

KeyHandle make_rsa_key(const BIGNUM* modulus, const BIGNUM* exponent) {
  bssl::UniquePtr<RSA> rsa(RSA_new_public_key(modulus, exponent));
  KeyHandle key(EVP_PKEY_new());
  if (!rsa || !key || EVP_PKEY_set1_RSA(key.get(), rsa.get()) != 1) return {};
  return key;
}

KeyHandle make_ec_key(int curve_nid, std::span<const std::uint8_t> point) {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve_nid));
  KeyHandle key(EVP_PKEY_new());
  if (!ec || !key) return {};
  const EC_GROUP* group = EC_KEY_get0_group(ec.get());
  bssl::UniquePtr<EC_POINT> at(EC_POINT_new(group));
  if (!at || EC_POINT_oct2point(group, at.get(), point.data(), point.size(), nullptr) != 1 ||
      EC_KEY_set_public_key(ec.get(), at.get()) != 1 ||
      EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1)
    return {};
  return key;
}

}  // namespace gh::tls
