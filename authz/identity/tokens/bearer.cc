// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/bearer.h"

#include "authz/identity/tokens/base64url.h"
#include "authz/identity/tokens/unicode_space.h"
#include "base/utf8.h"

#include <algorithm>

namespace gh::identity {
namespace {

constexpr std::string_view prefix = "base64url.bearer.authorization.k8s.io.";

// The rune that ends the text; its bytes.
Rune last_rune(std::string_view text) {
  for (std::size_t bytes = std::min<std::size_t>(4, text.size()); bytes > 1; --bytes) {
    const Rune rune = rune_at(text, text.size() - bytes);
    if (rune.valid && rune.bytes == bytes) return rune;
  }
  return rune_at(text, text.size() - 1);
}

// strings.TrimSpace
std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty()) {
    const Rune rune = rune_at(text, 0);
    if (!is_unicode_space(rune.value)) break;
    text.remove_prefix(rune.bytes);
  }
  while (!text.empty()) {
    const Rune rune = last_rune(text);
    if (!is_unicode_space(rune.value)) break;
    text.remove_suffix(rune.bytes);
  }
  return text;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (!rune.valid) return false;
    at += rune.bytes;
  }
  return true;
}

// strings.ToLower(text) == "bearer": no other rune has one of these letters for its lower case.
bool is_bearer(std::string_view text) noexcept {
  constexpr std::string_view word = "bearer";
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != word[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  const std::string_view text = trimmed(authorization);
  const std::size_t space = text.find(' ');
  if (space == text.npos || !is_bearer(text.substr(0, space))) return std::nullopt;
  const std::string_view rest = text.substr(space + 1);
  const std::string_view token = rest.substr(0, rest.find(' '));
  if (token.empty()) return std::nullopt;
  return token;
}

std::string_view sentence_of(ProtocolFault fault) noexcept {
  switch (fault) {
    case ProtocolFault::several_tokens:
      return "multiple base64.bearer.authorization tokens specified";
    case ProtocolFault::bad_encoding:
      return "invalid base64.bearer.authorization token encoding";
    case ProtocolFault::not_utf8:
      return "invalid base64.bearer.authorization token";
    case ProtocolFault::no_other_protocol:
      return "missing additional subprotocol";
  }
  return "";
}

Result<std::optional<ProtocolToken>, ProtocolFault> websocket_token(
    std::span<const std::string_view> values
) {
  ProtocolToken found;
  bool seen = false;
  bool others = false;
  const auto take = [&](std::string_view protocol) -> Result<void, ProtocolFault> {
    if (!protocol.starts_with(prefix)) {
      found.protocols += (others ? "," : "") + std::string(protocol);
      others = true;
      return {};
    }
    if (seen) return fail(ProtocolFault::several_tokens);
    seen = true;
    auto token = base64url_decode(protocol.substr(prefix.size()));
    if (!token) return fail(ProtocolFault::bad_encoding);
    if (!is_utf8(*token)) return fail(ProtocolFault::not_utf8);
    found.token = std::move(*token);
    return {};
  };
  for (std::string_view value : values) {
    for (;;) {
      const std::size_t comma = value.find(',');
      GH_TRY_VOID(take(trimmed(value.substr(0, comma))));
      if (comma == value.npos) break;
      value.remove_prefix(comma + 1);
    }
  }
  if (found.token.empty()) return std::optional<ProtocolToken>{};
  if (!others) return fail(ProtocolFault::no_other_protocol);
  return std::optional(std::move(found));
}

}  // namespace gh::identity
