// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/jws.h"

#include "authz/identity/tokens/base64url.h"
#include "authz/identity/tokens/go_json.h"
#include "authz/identity/tokens/jwk.h"
#include "authz/identity/tokens/unicode_space.h"
#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <set>

namespace gh::identity {
namespace {

std::string without_space(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    at += rune.bytes;
    if (!is_unicode_space(rune.value)) append_rune(out, rune.value);
  }
  return out;
}

std::optional<std::array<std::string_view, 3>> three_parts(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == token.npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  return std::array{
      token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)
  };
}

// `crit` as []string, each of it known (RFC 7515 §4.1.11). False: no key can verify the token.
bool critical_known(std::string_view raw) {
  if (json::kind_of(raw) != json::Kind::array) return false;
  json::Elements elements(raw);
  std::string_view element;
  while (elements.next(element)) {
    if (json::string_of(element) != "b64") return false;
  }
  return true;
}

bool certificates_parse(std::string_view raw) {
  if (json::kind_of(raw) != json::Kind::array) return false;
  json::Elements elements(raw);
  std::string_view element;
  while (elements.next(element)) {
    const auto text = json::string_of(element);
    if (!text || !certificate_key(*text)) return false;
  }
  return true;
}

bool take_field(Jws& jws, const std::string& key, std::string_view value, bool& raw_payload) {
  if (json::kind_of(value) == json::Kind::null) return true;
  if (key == "jwk") return public_jwk(value);
  if (key == "x5c") return certificates_parse(value);
  if (key == "kid" || key == "alg" || key == "nonce") {
    auto text = json::string_of(value);
    if (!text) return false;
    if (key == "kid")
      jws.key_id = std::move(*text);
    else if (key == "alg")
      jws.algorithm_name = std::move(*text);
    return true;
  }
  if (!json::plain(value)) return false;
  if (key == "crit") jws.critical_known = critical_known(value);
  // RFC 7797; go-jose heeds it whether `crit` names it or not.
  if (key == "b64") raw_payload = value == "false";
  return true;
}

bool read_header(Jws& jws, std::string_view header, bool& raw_payload) {
  if (!json::valid(header)) return false;
  const json::Kind kind = json::kind_of(header);
  if (kind == json::Kind::null) return true;
  if (kind != json::Kind::object) return false;
  std::set<std::string, std::less<>> seen;
  json::Members members(header);
  std::string key;
  std::string_view value;
  while (members.next(key, value)) {
    if (!seen.insert(key).second) return false;
    if (!take_field(jws, key, value, raw_payload)) return false;
  }
  return true;
}

}  // namespace

bool Jws::verified_by(const tls::VerifyKey& key) const noexcept {
  return critical_known && key.verify(algorithm, as_bytes(signing_input), as_bytes(signature));
}

std::optional<Jws> parse_jws(std::string_view token) {
  const std::string text = without_space(token);
  if (text.starts_with('{')) return std::nullopt;
  const auto parts = three_parts(text);
  if (!parts) return std::nullopt;
  const auto header = base64url_decode((*parts)[0]);
  auto payload = base64url_decode((*parts)[1]);
  auto signature = base64url_decode((*parts)[2]);
  if (!header || !payload || !signature) return std::nullopt;
  Jws jws;
  bool raw_payload = false;
  // No header: parsed, and verified by nothing.
  if (!header->empty() && !read_header(jws, *header, raw_payload)) return std::nullopt;
  jws.algorithm = tls::jws_algorithm(jws.algorithm_name);
  // What is verified is encoded anew, so bits beyond the last byte do not matter.
  jws.signing_input = base64url_encode(*header) + ".";
  jws.signing_input += raw_payload ? *payload : base64url_encode(*payload);
  jws.payload = std::move(*payload);
  jws.signature = std::move(*signature);
  return jws;
}

std::optional<std::string> untrusted_payload(std::string_view token) {
  std::size_t at = 0;
  while (at < token.size()) {
    const Rune rune = rune_at(token, at);
    if (!is_unicode_space(rune.value)) break;
    at += rune.bytes;
  }
  if (token.substr(at).starts_with('{')) return std::nullopt;
  const auto parts = three_parts(token);
  if (!parts) return std::nullopt;
  auto payload = base64url_decode((*parts)[1]);
  if (!payload || !json::valid(*payload)) return std::nullopt;
  return payload;
}

std::optional<std::string> untrusted_issuer(std::string_view payload) {
  std::string issuer;
  if (json::kind_of(payload) == json::Kind::null) return issuer;
  if (json::kind_of(payload) != json::Kind::object) return std::nullopt;
  json::Members members(payload);
  std::string key;
  std::string_view value;
  while (members.next(key, value)) {
    if (!json::key_matches(key, "iss") || json::kind_of(value) == json::Kind::null) continue;
    auto text = json::string_of(value);
    if (!text) return std::nullopt;
    issuer = std::move(*text);
  }
  return issuer;
}

}  // namespace gh::identity
