// SPDX-License-Identifier: Apache-2.0
// Who is trusted: certificate authorities and CRLs, and the judgement of a chain against them.
// In: a CA bundle, CRLs; later chains as presented and the time.   Out: the certificate as plain
// data, or why not. Owner: shared, immutable after it is made; verify() may run on any core at
// once.
//
// The verdict is that of Go's crypto/x509 Verify as Kubernetes' x509 authenticator calls it: every
// certificate presented after the first is an intermediate, the key usage of the leaf and its
// subject are not looked at, a leaf found in the bundle itself is trusted, SHA-1 and MD5 signatures
// and RSA keys below 1024 bits are refused. The handshake, re-verification after a change of trust,
// `gatehouse verify` and `gatehouse conformance x509` all judge through verify().
// Not here: proof that the peer holds the key (the handshake), who the certificate names
// (authz/identity).
#pragma once

#include "base/byte_view.h"
#include "base/result.h"
#include "base/units.h"
#include "tls/engine.h"
#include "tls/peer_certificate.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

enum class Purpose : std::uint8_t { client, server };  // extended key usage clientAuth, serverAuth

// What is asked of a chain besides reaching a trusted authority.
struct VerifyRequest {
  Purpose purpose = Purpose::client;
  UnixTime now = {};
  // `now` was cut to the second, as a clock's reading is: a certificate that ends with this very
  // second has already expired.
  bool now_is_cut = false;
  std::string_view name = {};  // DNS name or IP address the leaf must carry (in its SANs; a CN does
                               // not count); empty: any
};

class TrustStore {
 public:
  using Epoch = std::array<std::uint8_t, 32>;

  // `ca_pem`: one or more CERTIFICATE blocks; a block that does not parse is a Fault. `crl_pem`:
  // X509 CRL blocks, may be empty. `ca_where`, `crl_where` name the sources in Faults.
  static Outcome<std::shared_ptr<const TrustStore>> from_pem(
      std::string_view ca_pem,
      std::string_view crl_pem = {},
      const std::string& ca_where = {},
      const std::string& crl_where = {}
  );
  static Outcome<std::shared_ptr<const TrustStore>> load(
      const std::string& ca_file, const std::string& crl_file = {}
  );
  static std::shared_ptr<const TrustStore> nobody();  // trusts no authority
  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;

  // `chain`: DER as presented, the peer's own first. `why`, if given, gets a sentence when the
  // chain is refused.
  Result<PeerCertificate, TlsError> verify(
      std::span<const ByteView> chain, const VerifyRequest& request, std::string* why = nullptr
  ) const;

  // Equal exactly when authorities, CRLs and settings are: SHA-256 over them in sorted order, the
  // same on every replica.
  const Epoch& full_epoch() const noexcept { return epoch_; }

  std::uint64_t epoch() const noexcept;  // its first 64 bits

  std::size_t authorities() const noexcept;
  std::vector<std::string> warnings(UnixTime now) const;  // expired authorities, outdated CRLs

  struct Contents;  // opaque here

  const Contents& contents() const noexcept { return *contents_; }

 private:
  TrustStore();

  std::unique_ptr<Contents> contents_;
  Epoch epoch_{};
};

// Reads one certificate as Go does, without judging it. unparsable_certificate where Go fails.
Result<PeerCertificate, TlsError> parse_peer_certificate(ByteView der);

// The CERTIFICATE blocks of a PEM text, in order. Fault: none, or one that is not base64.
Outcome<std::vector<std::vector<std::uint8_t>>> certificates_of_pem(
    std::string_view pem, const std::string& where = {}
);

}  // namespace gh::tls
