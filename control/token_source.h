// SPDX-License-Identifier: Apache-2.0
// Everything bearer tokens are judged by, from files: token file, Secrets, keys,
// AuthenticationConfiguration, key sets; and keys fetched from OIDC issuers. All of it or nothing:
// a fault anywhere and what was read before stays. In: the options of a Config.   Out:
// TokenAuthenticators for the workers. Owner: the control thread.
//
// Legal order: read, then build after each read that changed something and whenever keys_changed().
#pragma once

#include "authz/identity/tokens/authentication_config.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "base/result.h"
#include "control/config.h"
#include "control/oidc_keys.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gh::control {

struct TokenReport {
  bool changed = false;               // build and publish
  std::vector<Fault> faults;          // not empty: nothing has changed
  std::vector<std::string> warnings;  // usable all the same; never a token or a part of one
};

enum class FetchKeys : std::uint8_t { never, when_needed };

class TokenSource {
 public:
  explicit TokenSource(const Config& config, FetchKeys fetch = FetchKeys::when_needed)
      : config_(config), fetch_(fetch) {}

  static bool wanted(const Config& config);  // false: no bearer token is judged

  TokenReport read();
  // Precondition: one read without faults.
  std::unique_ptr<const identity::TokenAuthenticators> build(std::uint64_t generation) const;

  bool keys_changed() { return keys_.take_changed(); }

  std::vector<std::string> take_events() { return keys_.take_events(); }

  std::vector<std::string> paths() const;  // to watch
  std::string describe() const;            // "3 tokens, 2 issuers" for the log

 private:
  using FileKeys = std::map<std::string, identity::OidcAuthenticator::Keys>;  // by issuer

  struct Parts {
    std::optional<identity::TokenFile> token_file;
    std::optional<identity::BootstrapTokens> bootstrap;
    std::optional<identity::ServiceAccountTokens> service_accounts;
    identity::AuthenticationConfig authentication;
    FileKeys file_keys;
    std::size_t keys = 0;  // of service accounts
  };

  class Reader;

  const Config& config_;
  FetchKeys fetch_;
  Parts parts_;
  bool read_once_ = false;
  tls::Digest256 seen_key_{};
  tls::Digest256 seen_{};  // HMAC of all that was read, to see whether it changed
  OidcKeys keys_;
};

}  // namespace gh::control
