// SPDX-License-Identifier: Apache-2.0
// Kubernetes' AuthenticationConfiguration (apiserver.config.k8s.io/v1, v1beta1, v1alpha1), read
// strictly and validated as kube-apiserver validates it. What gatehouse cannot do exactly (CEL
// beyond claim_expression.h, validation by expressions, egress selectors) is a fault here, never
// passed over. In: YAML or JSON.   Out: issuers; or every fault, with line and field. Control only.
#pragma once

#include "authz/identity/tokens/oidc.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

// The `anonymous` section: who has no credentials is anonymous, and only for these paths if any are
// named.
struct AnonymousConfig {
  bool enabled = false;
  std::vector<std::string> paths;  // exact URL paths; empty: all
  std::size_t line = 0;

  bool operator==(const AnonymousConfig&) const = default;
};

struct AuthenticationConfig {
  std::vector<std::shared_ptr<const OidcIssuer>> issuers;
  std::optional<AnonymousConfig> anonymous;
};

// `service_account_issuers` cannot be issuers here too.
Result<AuthenticationConfig, std::vector<Fault>> parse_authentication_config(
    std::string_view text,
    const std::string& file,
    const std::vector<std::string>& service_account_issuers
);

}  // namespace gh::identity
