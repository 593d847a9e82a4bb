// SPDX-License-Identifier: Apache-2.0
// What one bearer token authenticator, or all of them together, say of a token. Plain data.
#pragma once

#include "authz/identity/identity.h"
#include "base/units.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace gh::identity {

enum class TokenVerdict : std::uint8_t {
  refused,  // one that should have known it says why it is not good
  accepted,
  no_opinion,  // nobody here knows such tokens
};

enum class TokenKind : std::uint8_t { none, token_file, service_account, bootstrap, oidc };

inline constexpr UnixTime forever{std::numeric_limits<std::int64_t>::max()};

struct TokenResult {
  TokenVerdict verdict = TokenVerdict::refused;
  TokenKind kind = TokenKind::none;  // who accepted, or knew it last
  // Accepted, but the API server has to say so too: what the token is bound to is not known here.
  bool needs_confirmation = false;
  Identity who;                    // without system:authenticated
  UnixTime valid_until = forever;  // the last second of an accepted one
  std::string why;                 // refused: a sentence, never with the token or a part of it

  static TokenResult accept(TokenKind kind, Identity who, UnixTime valid_until) {
    TokenResult result;
    result.verdict = TokenVerdict::accepted;
    result.kind = kind;
    result.who = std::move(who);
    result.valid_until = valid_until;
    return result;
  }

  static TokenResult refuse(TokenKind kind, std::string why) {
    TokenResult result;
    result.kind = kind;
    result.why = std::move(why);
    return result;
  }

  static TokenResult pass() {
    TokenResult result;
    result.verdict = TokenVerdict::no_opinion;
    return result;
  }
};

}  // namespace gh::identity
