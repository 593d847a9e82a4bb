// SPDX-License-Identifier: Apache-2.0
// One X.509 certificate, read from DER as Go's crypto/x509 reads it (RFC 5280 with Go's strictness
// and leniences). In: borrowed DER, which must outlive the Certificate.   Out: views and values
// that path building needs. Its own reader, since the verdict must be Kubernetes' (OpenSSL parses
// BER and other strings), and since d2i_X509 costs 92 µs in OpenSSL 3.0 while this costs about one.
// Not here: whether the key is a point on its curve (openssl/public_key.h), trust (trust_store.h).
#pragma once

#include "base/byte_view.h"
#include "base/units.h"
#include "tls/peer_certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gh::tls {

enum class KeyAlgorithm : std::uint8_t { unknown, rsa, dsa, ecdsa, ed25519 };

enum class SignatureAlgorithm : std::uint8_t {
  unknown,
  insecure,  // insecure: MD5, SHA-1
  sha256_rsa,
  sha384_rsa,
  sha512_rsa,
  sha256_rsa_pss,
  sha384_rsa_pss,
  sha512_rsa_pss,
  dsa_sha256,
  ecdsa_sha256,
  ecdsa_sha384,
  ecdsa_sha512,
  ed25519,
};

// The subtrees of one name constraints extension, permitted or excluded. Forms we do not know make
// the extension unhandled.
struct NameSubtrees {
  std::vector<std::string_view> dns;
  std::vector<std::string_view> mail;
  std::vector<std::string_view> uri;
  std::vector<ByteView> ip;  // address then mask: 8 or 32 bytes
};

struct PolicyMapping {
  ByteView issuer, subject;
};

struct Certificate {
  Certificate() = default;
  Certificate(Certificate&&) =
      default;  // views reach into signature_shifted, so it moves but is never copied
  Certificate& operator=(Certificate&&) = default;

  ByteView raw, tbs, issuer, subject, public_key_info, subject_alt_name;
  std::vector<std::uint8_t>
      signature_shifted;  // only when the BIT STRING is no whole number of bytes
  ByteView signature;
  ByteView serial;
  int version = 1;
  SignatureAlgorithm signature_algorithm = SignatureAlgorithm::unknown;
  KeyAlgorithm key_algorithm = KeyAlgorithm::unknown;
  std::uint32_t rsa_bits = 0;
  bool rsa_usable = true;  // odd modulus of at least 1024 bits, odd exponent of 2 to 31 bits: what
                           // Go's crypto/rsa verifies with
  UnixTime not_before, not_after;

  bool has_subject_alt_name = false;
  std::vector<std::string_view> dns_names, mail_names;
  std::vector<std::string_view> uris;
  std::vector<std::string> uri_hosts;  // with port; one for each of `uris`
  std::vector<ByteView> ip_addresses;

  bool has_basic_constraints = false, is_ca = false;
  std::int64_t path_length_max = -1;  // -1: none
  std::uint16_t key_usage = 0;        // bit n is bit n of the extension; 0: none
  bool has_extended_key_usage = false, usage_any = false, usage_server = false,
       usage_client = false;
  bool has_name_constraints = false;
  NameSubtrees permitted, excluded;
  bool unhandled_critical = false;
  ByteView subject_key_id, authority_key_id;
  std::vector<ByteView> policies;
  std::vector<PolicyMapping> policy_mappings;
  std::int64_t require_explicit_policy = -1, inhibit_policy_mapping = -1,
               inhibit_any_policy = -1;  // -1: none

  static constexpr std::uint16_t key_cert_sign = 1u << 5;
  static constexpr std::uint16_t crl_sign = 1u << 6;
};

// nullopt: Go would not parse it. `names`, if given, gets the subject's names, the SANs and the
// validity of the leaf.
std::optional<Certificate> parse_certificate(ByteView der, PeerCertificate* names = nullptr);

// Seconds since 1970 of a UTCTime or GeneralizedTime element; shared with CRLs.
class DerReader;
bool read_time(DerReader& reader, UnixTime& time);
SignatureAlgorithm signature_algorithm_of(ByteView algorithm_identifier, bool& well_formed);

}  // namespace gh::tls
