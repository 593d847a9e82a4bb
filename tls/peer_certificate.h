// SPDX-License-Identifier: Apache-2.0
// A verified (or refused) client certificate as plain data: what identity needs, no library type.
#pragma once

#include "base/units.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace gh::tls {

using Fingerprint = std::array<std::uint8_t, 32>;  // SHA-256 of DER

struct PeerCertificate {
  bool has_common_name = false;
  std::string common_name;  // the LAST commonName of the subject, as Go reads it
  std::vector<std::string>
      organizations;              // every organizationName in order; empty and repeated ones kept
  std::vector<std::string> uids;  // values of 1.3.6.1.4.1.57683.2 in the subject
  std::vector<std::string> organizational_units;
  std::vector<std::string> uri_names;  // SAN
  std::vector<std::string> dns_names;  // SAN
  Fingerprint fingerprint{};           // of the leaf
  Fingerprint chain_fingerprint{};  // of the chain as presented: SHA-256 over each length and DER
  UnixTime not_before;              // of the leaf
  UnixTime not_after;               // the earliest notAfter along the verified path
  UnixTime path_not_before;         // the latest notBefore along it
};

}  // namespace gh::tls
