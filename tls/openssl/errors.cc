// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/errors.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>

namespace gh::tls {
namespace {

TlsError of_ssl_reason(int reason) {
  switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsError::no_certificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return TlsError::certificate_other;
    case SSL_R_NO_SHARED_CIPHER:
#ifdef OPENSSL_IS_AWSLC
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
      return TlsError::no_shared_cipher;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_NO_SUPPORTED_VERSIONS_ENABLED:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return TlsError::no_shared_version;
    case SSL_R_KEY_USAGE_BIT_INCORRECT:
      return TlsError::bad_usage;
    case SSL_R_CANNOT_PARSE_LEAF_CERT:
    case SSL_R_UNCOMPRESSED_CERT_TOO_LARGE:
#else
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_GROUPS:
      return TlsError::no_shared_cipher;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return TlsError::no_shared_version;
    case SSL_R_WRONG_SIGNATURE_SIZE:
      return TlsError::bad_signature;
    case SSL_R_UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS:
#endif
    case SSL_R_CERT_LENGTH_MISMATCH:
    case SSL_R_UNKNOWN_CERTIFICATE_TYPE:
      return TlsError::unparsable_certificate;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return TlsError::no_shared_alpn;
    case SSL_R_BAD_SIGNATURE:
    case SSL_R_WRONG_SIGNATURE_TYPE:
      return TlsError::bad_signature;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return TlsError::not_tls;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return TlsError::closed_early;
    case ERR_R_MALLOC_FAILURE:
    case ERR_R_INTERNAL_ERROR:
      return TlsError::internal;
    default:
      return TlsError::protocol;
  }
}

// Raised where the private key is asked (provider.cc, async_awslc.cc).
bool is_our_key(decltype(ERR_peek_error()) error) {
#ifdef OPENSSL_IS_AWSLC
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_PRIVATE_KEY_OPERATION_FAILED;
#else
  return ERR_GET_LIB(error) == ERR_LIB_USER;
#endif
}

}  // namespace

void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

LibraryError take_library_error() {
  LibraryError out;
  const auto first = ERR_peek_error();
  const auto last = ERR_peek_last_error();
  ERR_clear_error();
  if (last == 0) return out;
  std::array<char, 256> text{};
  ERR_error_string_n(last, text.data(), text.size());
  out.text = text.data();
  const int reason = ERR_GET_REASON(last);
  if (ERR_GET_LIB(last) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
      reason < SSL_AD_REASON_OFFSET + 256) {
    out.error = TlsError::peer_alert;
    out.alert = reason - SSL_AD_REASON_OFFSET;
  } else if (is_our_key(first)) {
    out.error = TlsError::internal;
    out.text = "the private key did not sign";
  } else if (ERR_GET_LIB(first) == ERR_LIB_ASN1 || ERR_GET_LIB(first) == ERR_LIB_X509) {
    out.error = TlsError::unparsable_certificate;  // nothing else in a handshake is ASN.1 but a
                                                   // session we sealed ourselves
  } else if (ERR_GET_LIB(last) == ERR_LIB_SSL) {
    out.error = of_ssl_reason(reason);
    out.too_large = reason == SSL_R_EXCESSIVE_MESSAGE_SIZE;
  }
  return out;
}

std::string_view sentence_of(TlsError error) {
  switch (error) {
    case TlsError::none:
      return "no error";
    case TlsError::timeout:
      return "the handshake took too long";
    case TlsError::closed_early:
      return "the peer went away in the middle of the handshake";
    case TlsError::not_tls:
      return "the peer does not speak TLS";
    case TlsError::no_certificate:
      return "the client presented no certificate";
    case TlsError::unparsable_certificate:
      return "the peer's certificate cannot be parsed";
    case TlsError::unknown_authority:
      return "the peer's certificate is not signed by an authority that is trusted";
    case TlsError::expired:
      return "the peer's certificate, or one it depends on, has expired";
    case TlsError::not_yet_valid:
      return "the peer's certificate, or one it depends on, is not valid yet";
    case TlsError::bad_usage:
      return "the peer's certificate is not for this use (extended key usage)";
    case TlsError::revoked:
      return "the peer's certificate has been revoked";
    case TlsError::bad_signature:
      return "the peer does not hold the key of its certificate";
    case TlsError::chain_too_long:
      return "the peer's certificate chain is too long";
    case TlsError::name_mismatch:
      return "the server's certificate is not for the name asked for";
    case TlsError::certificate_other:
      return "the peer's certificate was refused";
    case TlsError::no_shared_version:
      return "no TLS version in common";
    case TlsError::no_shared_cipher:
      return "no cipher, group or signature algorithm in common";
    case TlsError::no_shared_alpn:
      return "no application protocol in common (ALPN)";
    case TlsError::peer_alert:
      return "the peer refused us";
    case TlsError::protocol:
      return "the peer broke the TLS protocol";
    case TlsError::internal:
      return "an internal error of the TLS library";
  }
  return "unknown error";
}

}  // namespace gh::tls
