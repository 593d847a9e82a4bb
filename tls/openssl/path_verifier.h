// SPDX-License-Identifier: Apache-2.0
// Builds and judges the paths of one presented chain. Private to tls.
// In: the chain, and the keys OpenSSL has read of it already.   Out: the peer's certificate, or the
// reason and a sentence. Bound: signature_checks_max candidates are looked at in all, as in Go: a
// chain made to branch costs no more.
#pragma once

#include "tls/certificate.h"
#include "tls/openssl/handles.h"
#include "tls/trust_store.h"

#include <openssl/evp.h>

#include <span>
#include <string>
#include <vector>

namespace gh::tls {

// One certificate that may stand in a path.
struct PathCandidate {
  Certificate certificate;
  EVP_PKEY* key = nullptr;  // null: unknown kind
  KeyHandle owned_key;
};

class PathVerifier {
 public:
  static constexpr int signature_checks_max = 100;

  PathVerifier(const TrustStore& store, const VerifyRequest& request, std::string* why)
      : contents_(store.contents()), request_(request), why_(why) {}

  // `keys`: what OpenSSL has read, one a certificate, or empty. A null one: OpenSSL could not.
  Result<PeerCertificate, TlsError> run(
      std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys
  );

  // A certificate was outside its validity somewhere: at another time the verdict may differ.
  bool depends_on_time() const noexcept { return depends_on_time_; }

 private:
  enum class Role : std::uint8_t { leaf, intermediate, root };
  using Path = std::vector<const PathCandidate*>;

  TlsError read_chain(
      std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys, PeerCertificate& names
  );
  bool name_matches(const Certificate& leaf);
  TlsError standing(const Certificate& certificate, Role role);  // none: it may stand there
  bool extend();  // true: an acceptable path was found
  bool consider(const PathCandidate& candidate, Role role);
  bool accept();
  TlsError refuse(TlsError error, std::string text);

  const TrustStore::Contents& contents_;
  const VerifyRequest& request_;
  std::string* why_;
  std::vector<PathCandidate> presented_;
  Path path_;
  int checks_ = 0;
  TlsError build_error_ = TlsError::unknown_authority;  // why no path was built
  TlsError path_error_ = TlsError::none;                // why a path that was built was refused
  UnixTime path_not_before_, path_not_after_;
  bool depends_on_time_ = false;
};

}  // namespace gh::tls
