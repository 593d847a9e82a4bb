// SPDX-License-Identifier: Apache-2.0
// k8s-tokens/1: tokens through TokenAuthenticators, files through their readers, headers.
#include "authz/identity/tokens/authentication_config.h"
#include "authz/identity/tokens/base64url.h"
#include "authz/identity/tokens/bearer.h"
#include "authz/identity/tokens/bootstrap_secrets.h"
#include "authz/identity/tokens/go_json.h"
#include "authz/identity/tokens/jws.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "control/conformance/callers.h"
#include "control/conformance/vectors.h"

#include <map>
#include <optional>

namespace gh::conformance {
namespace {

using identity::TokenAuthenticators;
using identity::TokenResult;
using identity::TokenVerdict;

std::string exact_text(Json object, std::string_view name, std::string_view exact) {
  const std::string base64 = text_at(object, exact);
  return base64.empty() ? text_at(object, name) : from_base64(base64);
}

// ---- tokens ----

bool add_oidc(TokenAuthenticators& all, Json config, Findings& findings) {
  const std::string text = text_at(config, "authenticationConfig");
  if (text.empty()) return true;
  auto parsed = identity::parse_authentication_config(
      text, "config.json", texts_at(config, "serviceAccountIssuers")
  );
  if (!parsed) {
    findings.differ("authenticationConfig", "good", parsed.error().front().to_string());
    return false;
  }
  for (const auto& issuer : parsed->issuers) {
    auto keys = identity::parse_jwks(text_at(config["jwks"], issuer->url));
    if (!keys) {
      findings.differ("jwks", "good", keys.error());
      return false;
    }
    all.issuers.emplace_back(
        issuer,
        std::make_shared<const std::vector<identity::NamedKey>>(std::move(*keys)),
        std::make_shared<identity::KeyWish>()
    );
  }
  return true;
}

bool add_service_accounts(TokenAuthenticators& all, Json config, Findings& findings) {
  identity::ServiceAccountSettings settings;
  for (const std::string& pem : texts_at(config, "serviceAccountKeys")) {
    auto keys = tls::read_verify_keys(pem, "keys");
    if (!keys) {
      findings.differ("serviceAccountKeys", "good", keys.error().to_string());
      return false;
    }
    settings.keys.insert(settings.keys.end(), keys->begin(), keys->end());
  }
  if (settings.keys.empty()) return true;
  settings.issuers = texts_at(config, "serviceAccountIssuers");
  settings.api_audiences = texts_at(config, "apiAudiences");
  settings.lookup = true;
  all.service_accounts.emplace(std::move(settings));
  return true;
}

std::optional<TokenAuthenticators> authenticators_at(Json config, Findings& findings) {
  TokenAuthenticators all;
  std::vector<std::string> warnings;
  if (const std::string csv = text_at(config, "tokenFile"); !csv.empty()) {
    auto parsed = identity::TokenFile::parse(csv, "tokens.csv", warnings);
    if (!parsed) {
      findings.differ("tokenFile", "good", parsed.error().to_string());
      return std::nullopt;
    }
    all.token_file = std::move(*parsed);
  }
  if (const std::string secrets = text_at(config, "secrets"); !secrets.empty()) {
    identity::BootstrapLoader loader;
    const auto added = loader.add(secrets, "secrets.json");
    auto tokens = loader.finish();
    if (!added || !tokens) {
      findings.differ("secrets", "good", added ? "no randomness" : added.error().to_string());
      return std::nullopt;
    }
    all.bootstrap = std::move(*tokens);
  }
  if (!add_service_accounts(all, config, findings) || !add_oidc(all, config, findings))
    return std::nullopt;
  return all;
}

std::string_view word_of(TokenVerdict verdict) {
  switch (verdict) {
    case TokenVerdict::accepted:
      return "user";
    case TokenVerdict::refused:
      return "error";
    case TokenVerdict::no_opinion:
      return "none";
  }
  return "";
}

void judge_token(Json each, const TokenAuthenticators& all, Findings& findings) {
  const std::string token = exact_text(each, "token", "b64");
  const TokenResult result = all.authenticate(token, UnixTime{number_at(each, "now")});
  const std::string got(word_of(result.verdict));
  if (token.size() > 8 && result.why.find(token) != std::string::npos)
    findings.differ("why", "nothing of the token", "the token");
  if (bool_at(each, "objects")) {  // the API server has to say what only it can know
    const bool left_to_it = result.verdict == TokenVerdict::accepted && result.needs_confirmation;
    if (!left_to_it && result.verdict != TokenVerdict::refused)
      findings.differ("result", "error, or left to the API server", got);
    return;
  }
  Json user;
  if (each["user"].get(user) != simdjson::SUCCESS) {
    findings.expect("result", text_at(each, "result"), got);
    return;
  }
  const identity::Identity want = identity_at(user);
  if (want.user.empty()) {  // cannot be told to an API server in a header
    findings.expect("result", "error", got);
    return;
  }
  findings.expect("result", "user", got + (result.why.empty() ? "" : " (" + result.why + ")"));
  findings.expect("user.name", want.user, result.who.user);
  findings.expect("user.uid", want.uid, result.who.uid);
  findings.expect("user.groups", want.groups, result.who.groups);
  findings.expect(
      "user.extra", shown_extra(want.extra, false), shown_extra(result.who.extra, false)
  );
  if (result.verdict == TokenVerdict::accepted &&
      result.valid_until.seconds < number_at(each, "now"))
    findings.differ("valid_until", "not past", std::to_string(result.valid_until.seconds));
}

// ---- files ----

void judge_token_file(Json each, Findings& findings) {
  std::vector<std::string> warnings;
  const auto parsed = identity::TokenFile::parse(exact_text(each, "text", "b64"), "FILE", warnings);
  const std::string error = text_at(each, "error");
  if (!parsed || !error.empty()) {
    if (parsed || error.empty())
      findings.differ("error", error, parsed ? "none" : parsed.error().to_string());
    return;
  }
  simdjson::dom::object users;
  if (each["users"].get_object().get(users) != simdjson::SUCCESS) return;
  for (const auto& [token, user] : users) {
    const identity::Identity want = identity_at(user);
    const TokenResult result = parsed->judge(token);
    findings.expect("user.name", want.user, result.who.user);
    findings.expect("user.uid", want.uid, result.who.uid);
    findings.expect("user.groups", want.groups, result.who.groups);
  }
}

void judge_key_file(Json each, Findings& findings) {
  const auto keys = tls::read_verify_keys(text_at(each, "text"), "FILE");
  const std::string error = text_at(each, "error");
  std::vector<std::string> got;
  if (keys) {
    for (const auto& key : *keys) got.push_back(key.key_id());
  }
  if (keys.has_value() != error.empty())
    findings.differ("error", error, keys ? "none" : keys.error().to_string());
  findings.expect("keys", texts_at(each, "keys"), got);
}

void judge_key_set(Json each, Findings& findings) {
  const auto keys = identity::parse_jwks(text_at(each, "text"));
  const std::string error = text_at(each, "error");
  std::vector<std::string> got;
  if (keys) {
    for (const auto& key : *keys) got.push_back(key.key_id);
  }
  if (keys.has_value() != error.empty())
    findings.differ("error", error, keys ? "none" : keys.error());
  findings.expect("keys", texts_at(each, "keys"), got);
}

void judge_config(Json each, Findings& findings) {
  const auto parsed = identity::parse_authentication_config(
      text_at(each, "text"), "FILE", texts_at(each, "serviceAccountIssuers")
  );
  const std::string error = text_at(each, "error");
  const bool want = error.empty() && !bool_at(each, "unsupported");
  if (parsed.has_value() != want)
    findings.differ("error", error, parsed ? "none" : parsed.error().front().to_string());
}

// ---- headers ----

std::vector<std::string> values_at(Json each) {
  std::vector<std::string> values = texts_at(each, "b64");
  if (values.empty()) return texts_at(each, "values");
  for (std::string& value : values) value = from_base64(value);
  return values;
}

void judge_bearer(Json each, Findings& findings) {
  const std::vector<std::string> values = values_at(each);
  const auto token = identity::bearer_token(
      values.empty() ? std::string_view() : std::string_view(values.front())
  );
  findings.expect("result", text_at(each, "result"), token ? "token" : "none");
  findings.expect("token", exact_text(each, "token", "tokenB64"), token.value_or(""));
}

void judge_web_socket(Json each, Findings& findings) {
  const std::vector<std::string> values = values_at(each);
  const std::vector<std::string_view> views(values.begin(), values.end());
  const auto found = identity::websocket_token(views);
  const std::string_view result = !found ? "error" : *found ? "token" : "none";
  findings.expect("result", text_at(each, "result"), result);
  findings.expect(
      "error", text_at(each, "error"), found ? "" : identity::sentence_of(found.error())
  );
  if (!found || !*found) return;
  findings.expect("token", exact_text(each, "token", "tokenB64"), (*found)->token);
  if (texts_at(each, "b64").empty())
    findings.expect("protocols", text_at(each, "protocols"), (*found)->protocols);
}

// ---- small things ----

void judge_time(Json each, Findings& findings) {
  const auto time = identity::parse_rfc3339(text_at(each, "text"));
  findings.expect_number("good", bool_at(each, "good") ? 1 : 0, time ? 1 : 0);
  if (!time) return;
  const std::int64_t cut = number_at(each, "nano") > 0 ? 1 : 0;
  findings.expect_number("unix", number_at(each, "unix") + cut, time->seconds);
}

void judge_json(Json each, Findings& findings) {
  const std::string text = from_base64(text_at(each, "b64"));
  const bool valid = identity::json::valid(text);
  findings.expect_number("valid", bool_at(each, "valid") ? 1 : 0, valid ? 1 : 0);
  if (!valid) return;
  const auto issuer = identity::untrusted_issuer(text);
  findings.expect_number("error", bool_at(each, "error") ? 1 : 0, issuer ? 0 : 1);
  if (issuer) findings.expect("issuer", text_at(each, "issuer"), *issuer);
}

}  // namespace

Tally judge_tokens(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(parser, file, {"k8s-tokens/1"}, root, tally, out) == nullptr) return tally;
  std::map<std::string, std::optional<TokenAuthenticators>> configs;
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    const std::string name = text_at(each, "config");
    const auto [at, fresh] = configs.try_emplace(name);
    if (fresh) at->second = authenticators_at(root["configs"][name], findings);
    if (at->second)
      judge_token(each, *at->second, findings);
    else
      findings.differ("config", "one that loads", name);
  });

  struct Section {
    const char* name;
    void (*judge)(Json each, Findings& findings);
  };

  constexpr Section sections[] = {
      {"tokenFiles", judge_token_file},
      {"keyFiles", judge_key_file},
      {"keySets", judge_key_set},
      {"authenticationConfigs", judge_config},
      {"authorizationHeaders", judge_bearer},
      {"webSocketProtocols", judge_web_socket},
      {"times", judge_time},
      {"json", judge_json},
  };
  for (const Section& section : sections) {
    simdjson::dom::array cases;
    if (root[section.name].get_array().get(cases) != simdjson::SUCCESS) continue;
    judge_each(cases, tally, out, [&](Json each, Findings& findings) {
      section.judge(each, findings);
      if (!findings.text().empty())
        out << section.name << " " << shown(text_at(each, "text").substr(0, 200)) << " ";
    });
  }
  return tally;
}

}  // namespace gh::conformance
