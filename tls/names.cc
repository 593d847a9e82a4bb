// SPDX-License-Identifier: Apache-2.0
// Words of the tls enums for logs and metrics.
#include "tls/engine.h"

namespace gh::tls {

std::string_view name_of(TlsError error) {
  switch (error) {
    case TlsError::none:
      return "none";
    case TlsError::timeout:
      return "timeout";
    case TlsError::closed_early:
      return "closed_early";
    case TlsError::not_tls:
      return "not_tls";
    case TlsError::no_certificate:
      return "no_certificate";
    case TlsError::unparsable_certificate:
      return "unparsable_certificate";
    case TlsError::unknown_authority:
      return "unknown_authority";
    case TlsError::expired:
      return "expired";
    case TlsError::not_yet_valid:
      return "not_yet_valid";
    case TlsError::bad_usage:
      return "bad_usage";
    case TlsError::revoked:
      return "revoked";
    case TlsError::bad_signature:
      return "bad_signature";
    case TlsError::chain_too_long:
      return "chain_too_long";
    case TlsError::name_mismatch:
      return "name_mismatch";
    case TlsError::certificate_other:
      return "certificate_other";
    case TlsError::no_shared_version:
      return "no_shared_version";
    case TlsError::no_shared_cipher:
      return "no_shared_cipher";
    case TlsError::no_shared_alpn:
      return "no_shared_alpn";
    case TlsError::peer_alert:
      return "peer_alert";
    case TlsError::protocol:
      return "protocol";
    case TlsError::internal:
      return "internal";
  }
  return "unknown";
}

std::string_view name_of(ProtocolVersion version) {
  switch (version) {
    case ProtocolVersion::tls_1_2:
      return "TLSv1.2";
    case ProtocolVersion::tls_1_3:
      return "TLSv1.3";
  }
  return "unknown";
}

}  // namespace gh::tls
