// SPDX-License-Identifier: Apache-2.0
// All bearer token authenticators in Kubernetes' order (pkg/kubeapiserver/authenticator): token
// file, legacy and bound service account tokens, bootstrap tokens, OIDC issuers. The first that
// accepts wins; without one, all refusals are told together; without any, no opinion.
// In: a token, the time.   Out: TokenResult. Owner: control builds it and publishes it under RCU;
// any worker reads. It allocates and verifies signatures: a cache stands in front of it.
#pragma once

#include "authz/identity/tokens/bootstrap.h"
#include "authz/identity/tokens/oidc.h"
#include "authz/identity/tokens/service_account.h"
#include "authz/identity/tokens/token_file.h"
#include "authz/identity/tokens/token_result.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gh::identity {

struct TokenAuthenticators {
  std::uint64_t generation = 0;  // what a cached verdict belongs to
  std::optional<TokenFile> token_file;
  std::optional<ServiceAccountTokens> service_accounts;
  std::optional<BootstrapTokens> bootstrap;
  std::vector<OidcAuthenticator> issuers;

  TokenResult authenticate(std::string_view token, UnixTime now) const noexcept;

 private:
  TokenResult ask_all(std::string_view token, UnixTime now) const;
};

}  // namespace gh::identity
