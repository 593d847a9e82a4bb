// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/oidc.h"

#include "authz/go_text.h"
#include "authz/identity/tokens/claims.h"
#include "authz/identity/tokens/go_json.h"
#include "authz/identity/tokens/jws.h"

#include <algorithm>
#include <map>
#include <utility>

namespace gh::identity {

// go-oidc's idToken. A missing `exp` is the year 1: long past.
struct OidcAuthenticator::IdToken {
  std::string issuer;
  std::vector<std::string> audience;
  GoTime expiry = GoTime::zero();
  std::optional<GoTime> not_before;
  std::map<std::string, std::string> claim_names;
  std::map<std::string, std::string> claim_sources;  // name → endpoint

  bool read(std::string_view payload);
  bool take(const std::string& key, std::string_view value);
  bool sources_known() const;
};

namespace {

constexpr TokenKind kind = TokenKind::oidc;
constexpr std::string_view google = "https://accounts.google.com";
constexpr std::string_view google_without_scheme = "accounts.google.com";

// A string field of encoding/json: null leaves it alone.
bool take_text(std::string& into, std::string_view value) {
  if (json::kind_of(value) == json::Kind::null) return true;
  auto text = json::string_of(value);
  if (!text) return false;
  into = std::move(*text);
  return true;
}

// []string of encoding/json: null elements are empty strings.
bool take_texts(std::vector<std::string>& into, std::string_view value) {
  into.clear();
  if (json::kind_of(value) == json::Kind::null) return true;
  if (json::kind_of(value) != json::Kind::array) return false;
  json::Elements elements(value);
  std::string_view element;
  while (elements.next(element)) {
    into.emplace_back();
    if (!take_text(into.back(), element)) return false;
  }
  return true;
}

// go-oidc's audience: a string (null too) or a list.
bool take_audience(std::vector<std::string>& into, std::string_view value) {
  std::string text;
  if (take_text(text, value)) {
    into = {std::move(text)};
    return true;
  }
  return take_texts(into, value);
}

// go-oidc's jsonTime over json.Number, which a string of digits is too.
bool take_time(GoTime& into, std::string_view value) {
  std::string number(value);
  if (json::kind_of(value) == json::Kind::string) {
    number = *json::string_of(value);
    if (!json::valid(number) || number.find_first_of(" \t\r\n") != number.npos) return false;
  }
  if (json::kind_of(number) != json::Kind::number) return false;
  if (const auto whole = authz::parse_int(number)) {
    into = GoTime::unix(*whole);
    return true;
  }
  const auto real = json::double_of(number);
  if (!real) return false;
  into = GoTime::unix(json::truncated(*real));
  return true;
}

// map[string]string
bool take_map(std::map<std::string, std::string>& into, std::string_view value) {
  if (json::kind_of(value) == json::Kind::null) {
    into.clear();
    return true;
  }
  if (json::kind_of(value) != json::Kind::object) return false;
  json::Members members(value);
  std::string key;
  std::string_view text;
  while (members.next(key, text)) {
    std::string& entry = into[key];
    entry.clear();
    if (!take_text(entry, text)) return false;
  }
  return true;
}

// map[string]{endpoint, access_token…}; `jwt`: whether the struct has a JWT member too.
bool take_sources(std::map<std::string, std::string>& into, std::string_view value, bool jwt) {
  if (json::kind_of(value) == json::Kind::null) {
    into.clear();
    return true;
  }
  if (json::kind_of(value) != json::Kind::object) return false;
  json::Members members(value);
  std::string name;
  std::string_view source;
  while (members.next(name, source)) {
    std::string& endpoint = into[name];
    endpoint.clear();
    if (json::kind_of(source) == json::Kind::null) continue;
    if (json::kind_of(source) != json::Kind::object) return false;
    json::Members fields(source);
    std::string key;
    std::string_view field;
    std::string ignored;
    while (fields.next(key, field)) {
      if (json::key_matches(key, "endpoint") && !take_text(endpoint, field)) return false;
      if (json::key_matches(key, "access_token") && !take_text(ignored, field)) return false;
      if (jwt && json::key_matches(key, "jwt") && !take_text(ignored, field)) return false;
    }
  }
  return true;
}

const std::string_view* find(const Claims& claims, std::string_view name) {
  const auto found = claims.find(name);
  return found == claims.end() ? nullptr : &found->second;
}

// unmarshalClaim into a string: null leaves it empty.
Result<std::string, std::string> text_claim(const Claims& claims, const std::string& name) {
  const std::string_view* raw = find(claims, name);
  if (raw == nullptr) return fail("claim " + authz::go_quoted(name) + " not present");
  std::string text;
  if (!take_text(text, *raw)) return fail("claim " + authz::go_quoted(name) + " is not a string");
  return text;
}

Result<std::string, std::string> text_of(
    const ClaimExpression& expression, const Claims& claims, const std::string& what
) {
  GH_TRY(ClaimValue value, expression.evaluate(claims));
  if (value.kind != ClaimValue::Kind::text)
    return fail(what + " claim expression must return a string");
  return std::move(value.text);
}

}  // namespace

bool OidcAuthenticator::IdToken::take(const std::string& key, std::string_view value) {
  std::string ignored;
  GoTime issued_at = GoTime::zero();
  const auto is = [&](std::string_view field) { return json::key_matches(key, field); };
  if (is("iss")) return take_text(issuer, value);
  if (is("sub") || is("nonce") || is("at_hash")) return take_text(ignored, value);
  if (is("aud")) return take_audience(audience, value);
  if (is("exp")) return take_time(expiry, value);
  if (is("iat")) return take_time(issued_at, value);
  if (is("_claim_names")) return take_map(claim_names, value);
  if (is("_claim_sources")) return take_sources(claim_sources, value, false);
  if (!is("nbf")) return true;
  not_before.reset();
  if (json::kind_of(value) == json::Kind::null) return true;
  not_before = GoTime::zero();
  return take_time(*not_before, value);
}

bool OidcAuthenticator::IdToken::read(std::string_view payload) {
  if (json::kind_of(payload) != json::Kind::object) return false;
  json::Members members(payload);
  std::string key;
  std::string_view value;
  while (members.next(key, value)) {
    if (!take(key, value)) return false;
  }
  return true;
}

bool OidcAuthenticator::IdToken::sources_known() const {
  return std::all_of(claim_names.begin(), claim_names.end(), [&](const auto& each) {
    return !each.second.empty() && claim_sources.contains(each.second);
  });
}

Result<std::string, std::string> OidcAuthenticator::verified_payload(std::string_view token) const {
  if (!keys_) {
    wish_->ask();
    return fail(std::string("oidc: authenticator not initialized"));
  }
  auto jws = parse_jws(token);
  if (!jws) return fail(std::string("oidc: verify token: oidc: malformed jwt"));
  if (jws->algorithm == tls::JwsAlgorithm::unknown) {
    return fail(std::string("oidc: verify token: oidc: id token signed with unsupported algorithm")
    );
  }
  const bool verified = std::any_of(keys_->begin(), keys_->end(), [&](const NamedKey& each) {
    return (jws->key_id.empty() || each.key_id == jws->key_id) && jws->verified_by(each.key);
  });
  if (!verified) {
    wish_->ask();
    return fail(std::string("oidc: verify token: failed to verify signature"));
  }
  return std::move(jws->payload);
}

std::string OidcAuthenticator::id_token_fault(const IdToken& token, UnixTime now) const {
  if (!token.sources_known()) return "oidc: verify token: a claim's source is not in the token";
  const bool from_google = issuer_->url == google && token.issuer == google_without_scheme;
  if (token.issuer != issuer_->url && !from_google) {
    return "oidc: verify token: oidc: id token issued by a different provider, expected " +
           authz::go_quoted(issuer_->url) + " got " + authz::go_quoted(token.issuer);
  }
  const bool meant = std::any_of(
      issuer_->audiences.begin(),
      issuer_->audiences.end(),
      [&](const std::string& audience) { return contains(token.audience, audience); }
  );
  if (!meant) {
    return "oidc: verify token: oidc: expected audience in " + quoted_list(issuer_->audiences) +
           " got " + quoted_list(token.audience);
  }
  const GoTime time = GoTime::unix(now.seconds);
  if (token.expiry.before(time)) return "oidc: verify token: oidc: token is expired";
  if (token.not_before && time.plus(claims_leeway_s).before(*token.not_before))
    return "oidc: verify token: oidc: the token is not valid yet (nbf)";
  return {};
}

Result<std::string, std::string> OidcAuthenticator::username(const Claims& claims) const {
  const ClaimMapping& mapping = issuer_->username;
  if (mapping.expression) {
    GH_TRY(std::string name, text_of(*mapping.expression, claims, "username"));
    if (name.empty())
      return fail(std::string("oidc: empty username via CEL expression is not allowed"));
    return name;
  }
  GH_TRY(const std::string name, text_claim(claims, mapping.claim));
  if (const std::string_view* verified = find(claims, "email_verified");
      mapping.claim == "email" && verified != nullptr && *verified != "true")
    return fail(std::string("oidc: email not verified"));
  return mapping.prefix + name;
}

Result<std::vector<std::string>, std::string> OidcAuthenticator::groups(const Claims& claims
) const {
  const ClaimMapping& mapping = issuer_->groups;
  std::vector<std::string> groups;
  if (mapping.expression) {
    GH_TRY(const ClaimValue value, mapping.expression->evaluate(claims));
    return string_list(value);
  }
  const std::string_view* raw = mapping.claim.empty() ? nullptr : find(claims, mapping.claim);
  if (raw == nullptr) return groups;
  std::string one;
  if (!take_texts(groups, *raw)) {
    if (!take_text(one, *raw))
      return fail(
          "oidc: groups claim " + authz::go_quoted(mapping.claim) + " is no list of strings"
      );
    groups = {std::move(one)};
  }
  for (std::string& group : groups) group.insert(0, mapping.prefix);
  return groups;
}

Result<std::string, std::string> OidcAuthenticator::uid(const Claims& claims) const {
  const ClaimMapping& mapping = issuer_->uid;
  if (!mapping.claim.empty()) return text_claim(claims, mapping.claim);
  if (mapping.expression) return text_of(*mapping.expression, claims, "uid");
  return std::string();
}

Result<void, std::string> OidcAuthenticator::add_extras(const Claims& claims, Extra& extra) const {
  if (const std::string_view* jti = find(claims, "jti")) {
    if (const auto id = json::string_of(*jti); id && !id->empty())
      add_extra(extra, credential_id_key, "JTI=" + *id);
  }
  for (const auto& [key, expression] : issuer_->extra) {
    GH_TRY(const ClaimValue value, expression.evaluate(claims));
    GH_TRY(const auto texts, string_list(value));
    for (const std::string& text : texts) add_extra(extra, key, text);
  }
  return {};
}

Result<void, std::string> OidcAuthenticator::check_required(const Claims& claims) const {
  for (const auto& [claim, want] : issuer_->required_claims) {
    const auto value = text_claim(claims, claim);
    if (!value) return fail("oidc: required " + value.error());
    if (*value != want) return fail("oidc: required claim " + claim + " value does not match");
  }
  return {};
}

// Where Kubernetes would ask the endpoint a token names for the groups (claimResolver.expand), or
// could not tell: the token is refused here.
bool OidcAuthenticator::needs_distributed_claims(const Claims& claims) const {
  const std::string& wanted = issuer_->groups.claim;
  if (wanted.empty() || find(claims, wanted) != nullptr) return false;
  const std::string_view* names = find(claims, "_claim_names");
  if (names == nullptr) return false;
  std::map<std::string, std::string> sources_of;
  std::map<std::string, std::string> endpoints;
  const std::string_view* sources = find(claims, "_claim_sources");
  if (!take_map(sources_of, *names) || sources == nullptr ||
      !take_sources(endpoints, *sources, true))
    return true;
  const auto source = sources_of.find(wanted);
  if (source == sources_of.end()) return false;
  const auto endpoint = endpoints.find(source->second);
  return endpoint == endpoints.end() || !endpoint->second.empty();
}

Result<Identity, std::string> OidcAuthenticator::identify(const Claims& claims) const {
  if (needs_distributed_claims(claims))
    return fail(std::string("oidc: distributed claims are not fetched here"));
  Identity who;
  GH_TRY(who.user, username(claims));
  GH_TRY(who.groups, groups(claims));
  GH_TRY(who.uid, uid(claims));
  GH_TRY_VOID(add_extras(claims, who.extra));
  GH_TRY_VOID(check_required(claims));
  return who;
}

TokenResult OidcAuthenticator::judge(
    std::string_view token, const std::string& issuer, UnixTime now
) const {
  const std::string_view claimed = issuer == google_without_scheme ? google : issuer;
  if (claimed != issuer_->url) return TokenResult::pass();
  const auto payload = verified_payload(token);
  if (!payload) return TokenResult::refuse(kind, payload.error());
  IdToken id_token;
  if (!id_token.read(*payload)) {
    return TokenResult::refuse(kind, "oidc: verify token: oidc: failed to unmarshal claims");
  }
  if (std::string fault = id_token_fault(id_token, now); !fault.empty())
    return TokenResult::refuse(kind, std::move(fault));
  auto who = identify(claims_of(*payload));
  if (!who) return TokenResult::refuse(kind, std::move(who).error());
  return TokenResult::accept(kind, std::move(*who), id_token.expiry.to_unix());
}

}  // namespace gh::identity
