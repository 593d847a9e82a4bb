// SPDX-License-Identifier: Apache-2.0
// OpenSSL 3.0 and later.
#include "tls/openssl/engine_impl.h"
#include "tls/openssl/errors.h"
#include "tls/openssl/library.h"
#include "tls/openssl/provider.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include <algorithm>

namespace gh::tls {

// ---- contexts ----

SSL_CTX* new_context(bool server, bool batched) {
  return SSL_CTX_new_ex(
      batched ? provider_library() : nullptr,
      batched ? batched_properties : nullptr,
      server ? TLS_server_method() : TLS_client_method()
  );
}

void set_library_options(SSL_CTX* context) {
  // Without NO_AUTO_CHAIN OpenSSL verifies our own certificate on each handshake (773 → 593 µs
  // in 3.0).
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
  // The Certificate message is read by us too.
  SSL_CTX_set_options(context, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_max_early_data(context, 0);  // requests could be replayed
  SSL_CTX_set_recv_max_early_data(context, 0);
}

bool use_certificate(SSL_CTX* context, X509* leaf, STACK_OF(X509) * chain, EVP_PKEY* key) {
  return SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1) == 1;
}

bool use_certificate(
    SSL_CTX* context,
    X509* leaf,
    STACK_OF(X509) * chain,
    const std::shared_ptr<const PrivateKey>& key
) {
  const KeyHandle wrapped = wrap_key(key);
  return wrapped && use_certificate(context, leaf, chain, wrapped.get());
}

bool can_be_wrapped(const EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
}

void set_client_verification(SSL_CTX* context, ClientCertMode mode) {
  const bool required = mode == ClientCertMode::require;
  SSL_CTX_set_verify(
      context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr
  );
}

void set_server_verification(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

// ---- one connection ----

void prepare_connection(SSL*) {}

void send_no_ticket(SSL* ssl) { SSL_set_num_tickets(ssl, 0); }

void send_ticket_now(SSL*) {}

// The session keeps the client's chain parsed (5 KiB a certificate) and what the ticket said. The
// engine has its own, in bytes that connections of a client share.
void drop_handshake(SSL* ssl) {
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);  // without the leaf, and the session's own
  while (sk_X509_num(chain) > 0) X509_free(sk_X509_pop(chain));
  if (SSL_SESSION* session = SSL_get_session(ssl); session != nullptr)
    SSL_SESSION_set1_ticket_appdata(session, nullptr, 0);
}

bool at_certificate_message(const SSL* ssl) {
  const auto state = SSL_get_state(ssl);
  return state == TLS_ST_SR_CERT || state == TLS_ST_CR_CERT;
}

namespace {

// The X509_V_ERR_ whose alert (RFC 8446 §6.2) tells the peer what we know.
int verify_code_of(TlsError error) {
  switch (error) {
    case TlsError::expired:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case TlsError::not_yet_valid:
      return X509_V_ERR_CERT_NOT_YET_VALID;
    case TlsError::unknown_authority:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case TlsError::revoked:
      return X509_V_ERR_CERT_REVOKED;
    case TlsError::bad_usage:
      return X509_V_ERR_INVALID_PURPOSE;
    case TlsError::chain_too_long:
      return X509_V_ERR_CERT_CHAIN_TOO_LONG;
    case TlsError::name_mismatch:
      return X509_V_ERR_HOSTNAME_MISMATCH;
    default:
      return X509_V_ERR_CERT_REJECTED;
  }
}

int on_verify(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
  );
  STACK_OF(X509)* parsed = X509_STORE_CTX_get0_untrusted(store);
  std::vector<EVP_PKEY*> keys;
  for (int i = 0; i < sk_X509_num(parsed); ++i)
    keys.push_back(X509_get0_pubkey(sk_X509_value(parsed, i)));
  ERR_clear_error();  // a key the library cannot read is ours to judge
  const TlsError refused = OpensslEngine::of(ssl).on_peer_chain_parsed(keys);
  X509_STORE_CTX_set_error(store, refused == TlsError::none ? X509_V_OK : verify_code_of(refused));
  return refused == TlsError::none ? 1 : 0;
}

void on_message(int sent, int, int type, const void* data, std::size_t size, SSL* ssl, void*) {
  constexpr std::size_t header = 4;  // type, length
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  if (sent == 0 && type == SSL3_RT_HANDSHAKE && size > header && bytes[0] == SSL3_MT_CERTIFICATE) {
    OpensslEngine::of(ssl).on_certificate_message({bytes + header, size - header});
  }
}

}  // namespace

void install_certificate_callbacks(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(context, on_verify, nullptr);
  SSL_CTX_set_msg_callback(context, on_message);
}

// ---- keys ----

namespace {

struct ParamFree {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }

  void operator()(OSSL_PARAM* params) const { OSSL_PARAM_free(params); }
};

using Builder = std::unique_ptr<OSSL_PARAM_BLD, ParamFree>;

bool text_param_is(EVP_PKEY* key, const char* name, std::initializer_list<std::string_view> words) {
  char text[64] = {};
  std::size_t size = 0;
  if (EVP_PKEY_get_utf8_string_param(key, name, text, sizeof text, &size) != 1) return false;
  return std::find(words.begin(), words.end(), std::string_view(text, size)) != words.end();
}

KeyHandle make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const std::unique_ptr<OSSL_PARAM, ParamFree> params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return {};
  return KeyHandle(key);
}

}  // namespace

int kind_of(const EVP_PKEY* key) { return EVP_PKEY_get_base_id(key); }

bool is_go_curve(EVP_PKEY* key) {
  return text_param_is(
             key,
             OSSL_PKEY_PARAM_GROUP_NAME,
             {"prime256v1",
              "P-256",
              "secp224r1",
              "P-224",
              "secp384r1",
              "P-384",
              "secp521r1",
              "P-521"}
         ) &&
         text_param_is(key, OSSL_PKEY_PARAM_EC_ENCODING, {"named_curve"}) &&
         text_param_is(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, {"uncompressed"});
}

bool read_p256_number(const EVP_PKEY* key, std::span<std::uint8_t, 32> number) {
  char group[32] = {};
  if (EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) != 1 ||
      std::string_view(group) != "prime256v1")
    return false;
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &value) != 1) return false;
  const int size = BN_bn2binpad(value, number.data(), static_cast<int>(number.size()));
  BN_clear_free(value);
  return size == static_cast<int>(number.size());
}

bool rsa_numbers(EVP_PKEY* key, BIGNUM*& modulus, BIGNUM*& exponent) {
  return EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
         EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1;
}

KeyHandle make_rsa_key(const BIGNUM* modulus, const BIGNUM* exponent) {
  const Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
    return {};
  return make_key("RSA", builder.get());
}

KeyHandle make_ec_key(int curve_nid, std::span<const std::uint8_t> point) {
  const Builder builder(OSSL_PARAM_BLD_new());
  const char* name = OBJ_nid2sn(curve_nid);
  if (!builder || name == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, name, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(
          builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()
      ) != 1)
    return {};
  return make_key("EC", builder.get());
}

}  // namespace gh::tls
