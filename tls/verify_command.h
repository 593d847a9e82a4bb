// SPDX-License-Identifier: Apache-2.0
// `gatehouse verify`: judges one certificate chain as the handshake would (TrustStore::verify).
// In: file names and the time.   Out: a line for a person, and the exit status.
#pragma once

#include "base/units.h"
#include "tls/trust_store.h"

#include <iosfwd>
#include <string>

namespace gh::tls {

struct VerifyArguments {
  std::string ca_file;
  std::string crl_file;  // may be empty
  std::string chain_file;
  UnixTime now;
  Purpose purpose = Purpose::client;
  std::string name;  // "DNS:example.com", "IP:10.0.0.1", or empty
};

// 0 accepted; 1 refused, the reason on `out`; 2 not supported or not usable (an unreadable file, a
// malformed name), said on `err`.
int verify_command(const VerifyArguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace gh::tls
