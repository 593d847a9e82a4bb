// SPDX-License-Identifier: Apache-2.0
// Service account tokens as Kubernetes v1.36's pkg/serviceaccount judges them, but for what only
// the API server knows: whether the account, pod, secret or node still exists.
// In: a token, the time.   Out: the account, or why not. Two authenticators, asked in this order:
// legacy tokens (issuer kubernetes/serviceaccount, never expire) and bound ones (issuers given).
// Owner: a TokenAuthenticators snapshot; immutable.
#pragma once

#include "authz/identity/tokens/jws.h"
#include "authz/identity/tokens/token_result.h"
#include "tls/signature.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

inline constexpr std::string_view legacy_issuer = "kubernetes/serviceaccount";

struct ServiceAccountSettings {
  std::vector<tls::VerifyKey> keys;
  std::vector<std::string> issuers;
  std::vector<std::string> api_audiences;  // empty: the issuers
  bool lookup = false;                     // accepted tokens need the API server's word
};

class ServiceAccountTokens {
 public:
  explicit ServiceAccountTokens(ServiceAccountSettings settings);

  // `issuer` is the one that the token claims: untrusted_issuer().
  TokenResult legacy(std::string_view token, const std::string& issuer) const;
  TokenResult bound(std::string_view token, const std::string& issuer, UnixTime now) const;

 private:
  struct PublicClaims;

  template <class Private, class Trusted, class Validate>
  TokenResult judge(
      std::string_view token, const std::string& issuer, Trusted trusted, Validate validate
  ) const;
  std::string audience_fault(const PublicClaims& claims) const;
  static std::string time_fault(const PublicClaims& claims, UnixTime now);

  ServiceAccountSettings settings_;
  std::multimap<std::string, std::size_t, std::less<>> by_key_id_;
};

}  // namespace gh::identity
