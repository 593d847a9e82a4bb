// SPDX-License-Identifier: Apache-2.0
// A certificate revocation list (RFC 5280 §5): complete, direct ones. Delta and indirect lists are
// refused when read. In: DER, which is kept.   Out: whether a serial number is on it. Not here:
// whose signature it bears (trust_store.cc).
#pragma once

#include "base/byte_view.h"
#include "base/result.h"
#include "base/units.h"
#include "tls/certificate.h"

#include <string>
#include <vector>

namespace gh::tls {

class RevocationList {
 public:
  static Outcome<RevocationList> parse(std::vector<std::uint8_t> der, const std::string& where);

  ByteView der() const { return der_; }

  ByteView issuer() const { return issuer_; }

  ByteView tbs() const { return tbs_; }

  ByteView signature() const { return signature_; }

  SignatureAlgorithm signature_algorithm() const { return algorithm_; }

  bool outdated(UnixTime now) const { return has_next_update_ && now > next_update_; }

  bool revokes(ByteView serial) const;  // binary search

  bool issuer_known =
      false;  // set by the store: its signature was checked with an authority of the bundle

 private:
  bool read();
  bool read_entries(ByteView entries);
  bool read_extensions(ByteView extensions, bool entry);

  std::vector<std::uint8_t> der_;
  ByteView issuer_, tbs_, signature_;
  SignatureAlgorithm algorithm_ = SignatureAlgorithm::unknown;
  bool has_next_update_ = false;
  bool unsupported_ = false;  // a critical extension: delta, indirect or partial lists
  UnixTime this_update_, next_update_;
  std::vector<ByteView> serials_;  // sorted
};

}  // namespace gh::tls
