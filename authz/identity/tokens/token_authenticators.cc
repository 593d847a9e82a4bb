// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/token_authenticators.h"

#include "authz/identity/tokens/jws.h"
#include "base/limits.h"

#include <algorithm>
#include <exception>
#include <string>

namespace gh::identity {
namespace {

// Collects refusals until one accepts; utilerrors.NewAggregate's text.
class Union {
 public:
  // True: this one accepted, and nobody else is asked.
  bool take(TokenResult result) {
    if (result.verdict == TokenVerdict::accepted) {
      accepted_ = std::move(result);
      return true;
    }
    if (result.verdict == TokenVerdict::refused) {
      kind_ = result.kind;
      if (std::find(faults_.begin(), faults_.end(), result.why) == faults_.end())
        faults_.push_back(std::move(result.why));
    }
    return false;
  }

  TokenResult finish() && {
    // An API server reads an empty name in a header as nobody at all.
    if (accepted_ && accepted_->who.user.empty())
      return TokenResult::refuse(accepted_->kind, "the user name is empty");
    if (accepted_) return std::move(*accepted_);
    if (faults_.empty()) return TokenResult::pass();
    std::string why = faults_.front();
    for (std::size_t i = 1; i < faults_.size(); ++i) why += ", " + faults_[i];
    return TokenResult::refuse(kind_, faults_.size() > 1 ? "[" + why + "]" : std::move(why));
  }

 private:
  std::optional<TokenResult> accepted_;
  std::vector<std::string> faults_;
  TokenKind kind_ = TokenKind::none;
};

}  // namespace

TokenResult TokenAuthenticators::ask_all(std::string_view token, UnixTime now) const {
  Union all;
  if (token_file && all.take(token_file->judge(token))) return std::move(all).finish();
  const auto payload = untrusted_payload(token);
  const auto issuer = payload ? untrusted_issuer(*payload) : std::nullopt;
  if (service_accounts && issuer) {
    if (all.take(service_accounts->legacy(token, *issuer))) return std::move(all).finish();
    if (all.take(service_accounts->bound(token, *issuer, now))) return std::move(all).finish();
  }
  if (bootstrap && all.take(bootstrap->judge(token, now))) return std::move(all).finish();
  for (const OidcAuthenticator& each : issuers) {
    if (!issuer) break;
    TokenResult result = each.judge(token, *issuer, now);
    const bool over = result.verdict != TokenVerdict::no_opinion;  // NewFailOnError
    all.take(std::move(result));
    if (over) break;
  }
  return std::move(all).finish();
}

TokenResult TokenAuthenticators::authenticate(std::string_view token, UnixTime now) const noexcept {
  try {
    if (token.size() > limits::token_bytes_max)
      return TokenResult::refuse(TokenKind::none, "the token is too long");
    return ask_all(token, now);
  } catch (const std::exception&) {  // out of memory
    return {};
  }
}

}  // namespace gh::identity
