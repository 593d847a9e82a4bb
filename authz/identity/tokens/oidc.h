// SPDX-License-Identifier: Apache-2.0
// One JWT authenticator of an AuthenticationConfiguration, as Kubernetes' oidc plugin and go-oidc
// judge tokens. In: a token, the time, the issuer's keys.   Out: a user, no opinion (another
// issuer's token), or why not. Owner: a TokenAuthenticators snapshot; immutable, but for the one
// flag that asks control for fresh keys. Not here: reading the configuration
// (authentication_config.h), fetching keys (control), CEL beyond claim_expression.h.
#pragma once

#include "authz/identity/tokens/claim_expression.h"
#include "authz/identity/tokens/jwk.h"
#include "authz/identity/tokens/token_result.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::identity {

// A claim as it is, with a prefix; or an expression; or neither.
struct ClaimMapping {
  std::string claim;
  std::string prefix;
  std::optional<ClaimExpression> expression;
};

struct OidcIssuer {
  std::string url;
  std::string discovery_url;          // empty: url + /.well-known/openid-configuration
  std::string certificate_authority;  // PEM; empty: the system's
  std::vector<std::string> audiences;
  ClaimMapping username, groups, uid;
  std::vector<std::pair<std::string, ClaimExpression>> extra;
  std::vector<std::pair<std::string, std::string>> required_claims;
};

// The door from workers to control: a token came that no key verifies. Set by any worker, taken by
// control; a lost or repeated wish does no harm, so relaxed order will do.
class KeyWish {
 public:
  void ask() noexcept {
    if (!wanted_.load(std::memory_order_relaxed)) wanted_.store(true, std::memory_order_relaxed);
  }

  bool take() noexcept {
    return wanted_.load(std::memory_order_relaxed) &&
           wanted_.exchange(false, std::memory_order_relaxed);
  }

 private:
  alignas(64) std::atomic<bool> wanted_{false};
};

class OidcAuthenticator {
 public:
  using Keys = std::shared_ptr<const std::vector<NamedKey>>;

  // `keys` null: not known yet, every token of this issuer is refused.
  OidcAuthenticator(
      std::shared_ptr<const OidcIssuer> issuer, Keys keys, std::shared_ptr<KeyWish> wish
  )
      : issuer_(std::move(issuer)), keys_(std::move(keys)), wish_(std::move(wish)) {}

  // `issuer` is the one that the token claims: untrusted_issuer().
  TokenResult judge(std::string_view token, const std::string& issuer, UnixTime now) const;

 private:
  struct IdToken;

  Result<std::string, std::string> verified_payload(std::string_view token) const;
  std::string id_token_fault(const IdToken& token, UnixTime now) const;
  Result<Identity, std::string> identify(const Claims& claims) const;
  Result<std::string, std::string> username(const Claims& claims) const;
  Result<std::vector<std::string>, std::string> groups(const Claims& claims) const;
  Result<std::string, std::string> uid(const Claims& claims) const;
  Result<void, std::string> add_extras(const Claims& claims, Extra& extra) const;
  Result<void, std::string> check_required(const Claims& claims) const;
  bool needs_distributed_claims(const Claims& claims) const;

  std::shared_ptr<const OidcIssuer> issuer_;
  Keys keys_;
  std::shared_ptr<KeyWish> wish_;
};

}  // namespace gh::identity
