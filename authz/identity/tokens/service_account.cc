// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/service_account.h"

#include "authz/go_text.h"
#include "authz/identity/tokens/claims.h"
#include "authz/identity/tokens/go_json.h"
#include "authz/selectors.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace gh::identity {

struct ServiceAccountTokens::PublicClaims {
  std::string issuer, subject, id;
  std::vector<std::string> audience;
  std::optional<GoTime> expiry, not_before, issued_at;

  bool take(const std::string& name, std::string_view value);
};

namespace {

constexpr TokenKind kind = TokenKind::service_account;
constexpr std::string_view user_prefix = "system:serviceaccount:";

// A struct field of type string, as go-jose's decoder fills it: null leaves it alone.
bool take_text(std::string& into, std::string_view value) {
  if (json::kind_of(value) == json::Kind::null) return true;
  auto text = json::string_of(value);
  if (!text) return false;
  into = std::move(*text);
  return true;
}

// *jwt.NumericDate: a number of any form, cut to whole seconds.
bool take_date(std::optional<GoTime>& into, std::string_view value) {
  if (json::kind_of(value) == json::Kind::null) return true;
  const auto number = json::double_of(value);
  if (!number) return false;
  into = GoTime::unix(json::truncated(*number));
  return true;
}

bool take_audience(std::vector<std::string>& into, std::string_view value) {
  if (auto text = json::string_of(value)) {
    into = {std::move(*text)};
    return true;
  }
  if (json::kind_of(value) != json::Kind::array) return false;
  into.clear();
  json::Elements elements(value);
  std::string_view element;
  while (elements.next(element)) {
    auto text = json::string_of(element);
    if (!text) return false;
    into.push_back(std::move(*text));
  }
  return true;
}

// An object, each key once and in its exact letters (go-jose's fork of encoding/json). False: what
// Kubernetes could not decode.
template <class Take>
bool read_object(std::string_view raw, Take take) {
  if (json::kind_of(raw) == json::Kind::null) return true;
  if (json::kind_of(raw) != json::Kind::object) return false;
  std::set<std::string, std::less<>> seen;
  json::Members members(raw);
  std::string name;
  std::string_view value;
  while (members.next(name, value)) {
    if (!seen.insert(name).second || !take(name, value)) return false;
  }
  return true;
}

struct Reference {
  std::string name, uid;

  bool read(std::string_view raw) {
    return read_object(raw, [this](const std::string& key, std::string_view value) {
      return key == "name" ? take_text(name, value) : key != "uid" || take_text(uid, value);
    });
  }
};

bool take_reference(std::optional<Reference>& into, std::string_view raw) {
  if (json::kind_of(raw) == json::Kind::null) return true;
  into.emplace();
  return into->read(raw);
}

struct LegacyClaims {
  std::string name, uid, secret, name_space;

  bool take(const std::string& key, std::string_view value) {
    constexpr std::string_view prefix = "kubernetes.io/serviceaccount/";
    if (!key.starts_with(prefix)) return true;
    const std::string_view rest = std::string_view(key).substr(prefix.size());
    if (rest == "service-account.name") return take_text(name, value);
    if (rest == "service-account.uid") return take_text(uid, value);
    if (rest == "secret.name") return take_text(secret, value);
    return rest != "namespace" || take_text(name_space, value);
  }
};

struct BoundClaims {
  std::string name_space;
  Reference account;
  std::optional<Reference> pod, secret, node;

  bool take(const std::string& key, std::string_view value) {
    if (key != "kubernetes.io") return true;
    return read_object(value, [this](const std::string& name, std::string_view field) {
      std::optional<GoTime>
          warn_after;  // an annotation for the API server's audit log: its form only
      if (name == "namespace") return take_text(name_space, field);
      if (name == "serviceaccount") return account.read(field);
      if (name == "pod") return take_reference(pod, field);
      if (name == "secret") return take_reference(secret, field);
      if (name == "node") return take_reference(node, field);
      return name != "warnafter" || take_date(warn_after, field);
    });
  }
};

bool is_label(std::string_view name) {  // RFC 1123
  return authz::is_dns1123_subdomain(name) && name.size() <= 63 && name.find('.') == name.npos;
}

// serviceaccount.SplitUsername
bool names_account(std::string_view subject, std::string_view name_space, std::string_view name) {
  if (!subject.starts_with(user_prefix)) return false;
  subject.remove_prefix(user_prefix.size());
  const std::size_t colon = subject.find(':');
  return colon != subject.npos && subject.substr(0, colon) == name_space &&
         subject.substr(colon + 1) == name && is_label(name_space) &&
         authz::is_dns1123_subdomain(name);
}

Identity account(const std::string& name_space, const std::string& name, const std::string& uid) {
  Identity who;
  who.user = std::string(user_prefix) + name_space + ":" + name;
  who.uid = uid;
  who.groups = {"system:serviceaccounts", "system:serviceaccounts:" + name_space};
  return who;
}

void add_pair(Identity& who, const std::string& what, const Reference& reference) {
  const std::string prefix = "authentication.kubernetes.io/" + what;
  if (reference.name.empty()) return;
  add_extra(who.extra, prefix + "-name", reference.name);
  if (!reference.uid.empty()) add_extra(who.extra, prefix + "-uid", reference.uid);
}

std::string legacy_fault(const std::string& subject, const LegacyClaims& claims) {
  if (subject.empty()) return "sub claim is missing";
  if (claims.name_space.empty()) return "namespace claim is missing";
  if (claims.secret.empty()) return "secretName claim is missing";
  if (claims.name.empty()) return "serviceAccountName claim is missing";
  if (claims.uid.empty()) return "serviceAccountUID claim is missing";
  if (!names_account(subject, claims.name_space, claims.name)) return "sub claim is invalid";
  return {};
}

// Whatever the lookup could not find, since no such object can exist.
std::string bound_fault(const BoundClaims& claims) {
  const auto broken = [](const std::optional<Reference>& reference) {
    return reference && (reference->name.empty() || reference->uid.empty());
  };
  if (!is_label(claims.name_space)) return "the namespace of the service account is not valid";
  if (!authz::is_dns1123_subdomain(claims.account.name))
    return "the name of the service account is not valid";
  if (claims.account.uid.empty()) return "the service account has no uid";
  if (broken(claims.secret) || broken(claims.pod) || (!claims.pod && broken(claims.node)))
    return "service account token has been invalidated";
  return {};
}

}  // namespace

bool ServiceAccountTokens::PublicClaims::take(const std::string& name, std::string_view value) {
  if (name == "iss") return take_text(issuer, value);
  if (name == "sub") return take_text(subject, value);
  if (name == "jti") return take_text(id, value);
  if (name == "aud") return take_audience(audience, value);
  if (name == "exp") return take_date(expiry, value);
  if (name == "nbf") return take_date(not_before, value);
  return name != "iat" || take_date(issued_at, value);
}

// jwt.Claims.Validate
std::string ServiceAccountTokens::time_fault(const PublicClaims& claims, UnixTime now) {
  const GoTime late = GoTime::unix(now.seconds).plus(claims_leeway_s);
  const GoTime early = GoTime::unix(now.seconds).plus(-claims_leeway_s);
  if (claims.not_before && late.before(*claims.not_before))
    return "service account token is not valid yet";
  if (claims.expiry && claims.expiry->before(early)) return "service account token has expired";
  if (claims.issued_at && late.before(*claims.issued_at))
    return "service account token is issued in the future";
  return {};
}

ServiceAccountTokens::ServiceAccountTokens(ServiceAccountSettings settings)
    : settings_(std::move(settings)) {
  if (settings_.api_audiences.empty()) settings_.api_audiences = settings_.issuers;
  for (std::size_t i = 0; i < settings_.keys.size(); ++i)
    by_key_id_.emplace(settings_.keys[i].key_id(), i);
}

std::string ServiceAccountTokens::audience_fault(const PublicClaims& claims) const {
  const auto& accepted = settings_.api_audiences;
  if (accepted.empty() || claims.audience.empty()) return {};  // without `aud`: for the API server
  const bool any = std::any_of(accepted.begin(), accepted.end(), [&](const std::string& audience) {
    return contains(claims.audience, audience);
  });
  if (any) return {};
  return "token audiences " + quoted_list(claims.audience) +
         " is invalid for the target audiences " + quoted_list(accepted);
}

// JWTTokenAuthenticator.AuthenticateToken: what both kinds have in common.
template <class Private, class Trusted, class Validate>
TokenResult ServiceAccountTokens::judge(
    std::string_view token, const std::string& issuer, Trusted trusted, Validate validate
) const {
  if (!trusted(issuer)) return TokenResult::pass();
  const auto jws = parse_jws(token);
  if (!jws) return TokenResult::pass();
  bool found = false;
  bool verified = false;
  const auto try_key = [&](const tls::VerifyKey& key) {
    found = true;
    verified = verified || jws->verified_by(key);
  };
  if (jws->key_id.empty()) {
    std::for_each(settings_.keys.begin(), settings_.keys.end(), try_key);
  } else {
    const auto [from, to] = by_key_id_.equal_range(jws->key_id);
    for (auto at = from; at != to; ++at) try_key(settings_.keys[at->second]);
  }
  if (!found) return TokenResult::refuse(kind, "invalid signature, no keys found");
  if (!verified)
    return TokenResult::refuse(kind, "go-jose/go-jose: error in cryptographic primitive");
  PublicClaims claims;
  Private more;
  const bool read = read_object(jws->payload, [&](const std::string& name, std::string_view value) {
    return claims.take(name, value) && more.take(name, value);
  });
  if (!read) return TokenResult::refuse(kind, "the claims could not be decoded");
  if (!trusted(claims.issuer)) {
    return TokenResult::refuse(
        kind, "token issuer " + authz::go_quoted(claims.issuer) + " is invalid"
    );
  }
  if (std::string fault = audience_fault(claims); !fault.empty())
    return TokenResult::refuse(kind, std::move(fault));
  TokenResult result = validate(claims, more);
  result.needs_confirmation = result.verdict == TokenVerdict::accepted && settings_.lookup;
  return result;
}

TokenResult ServiceAccountTokens::legacy(std::string_view token, const std::string& issuer) const {
  const auto trusted = [](const std::string& name) { return name == legacy_issuer; };
  const auto validate = [](const PublicClaims& claims, const LegacyClaims& more) {
    if (std::string fault = legacy_fault(claims.subject, more); !fault.empty())
      return TokenResult::refuse(kind, std::move(fault));
    return TokenResult::accept(kind, account(more.name_space, more.name, more.uid), forever);
  };
  return judge<LegacyClaims>(token, issuer, trusted, validate);
}

TokenResult ServiceAccountTokens::bound(
    std::string_view token, const std::string& issuer, UnixTime now
) const {
  const auto trusted = [this](const std::string& name) {
    return contains(settings_.issuers, name);
  };
  const auto validate = [now](const PublicClaims& claims, const BoundClaims& more) {
    if (std::string fault = time_fault(claims, now); !fault.empty())
      return TokenResult::refuse(kind, std::move(fault));
    if (std::string fault = bound_fault(more); !fault.empty())
      return TokenResult::refuse(kind, std::move(fault));
    Identity who = account(more.name_space, more.account.name, more.account.uid);
    if (more.pod) add_pair(who, "pod", *more.pod);
    if (more.node) add_pair(who, "node", *more.node);
    if (!claims.id.empty()) add_extra(who.extra, credential_id_key, "JTI=" + claims.id);
    const UnixTime until = claims.expiry ? claims.expiry->plus(claims_leeway_s).to_unix() : forever;
    return TokenResult::accept(kind, std::move(who), until);
  };
  return judge<BoundClaims>(token, issuer, trusted, validate);
}

}  // namespace gh::identity
