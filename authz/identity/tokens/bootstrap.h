// SPDX-License-Identifier: Apache-2.0
// Bootstrap tokens ("abcdef.0123456789abcdef") from Secrets, as Kubernetes' bootstrap authenticator
// judges them. In: Secrets of kube-system with their data decoded.   Out: the user
// system:bootstrap:<id>; else no opinion, whatever the reason. Secrets are kept as HMACs and
// compared in constant time. Owner: a TokenAuthenticators snapshot; immutable.
// Not here: reading the files (bootstrap_secrets.h).
#pragma once

#include "authz/identity/tokens/token_result.h"
#include "base/result.h"
#include "tls/signature.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

struct BootstrapSecret {
  std::string name;
  std::string type;
  std::map<std::string, std::string, std::less<>> data;  // decoded
  bool deleted = false;                                  // has a deletionTimestamp

  std::string_view value(std::string_view key) const;  // empty: not there
};

class BootstrapTokens {
 public:
  static Outcome<BootstrapTokens> make();  // Fault: no randomness

  // Taken, or a sentence saying why it can never authenticate anybody.
  Result<void, std::string> add(const BootstrapSecret& secret);
  TokenResult judge(std::string_view token, UnixTime now) const;

  std::size_t size() const { return tokens_.size(); }

 private:
  struct Token {
    tls::Digest256 secret{};
    std::optional<UnixTime> expires;  // the first second at which it has expired
    std::vector<std::string> groups;
  };

  tls::Digest256 key_{};
  std::map<std::string, Token, std::less<>> tokens_;  // by id
};

// time.Parse(time.RFC3339, text), leniences and all, rounded up to whole seconds.
std::optional<UnixTime> parse_rfc3339(std::string_view text);

}  // namespace gh::identity
