// SPDX-License-Identifier: Apache-2.0
#include "control/token_source.h"

#include "authz/go_text.h"
#include "authz/go_url.h"
#include "authz/identity/tokens/bootstrap_secrets.h"
#include "authz/identity/tokens/jwk.h"
#include "authz/rbac/policy_files.h"
#include "base/limits.h"
#include "control/policy_source.h"
#include "tls/signature.h"

#include <algorithm>
#include <utility>

namespace gh::control {
namespace {

constexpr int reads_max = 3;  // of a set that changes under the reader

// url.Parse, for what kube-apiserver asks of an issuer with a colon in it.
bool is_url(std::string_view text) {
  const std::string_view bare = text.substr(0, text.find('#'));
  if (authz::go_request_url("GET", bare)) return true;
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  const std::string_view first = bare.substr(0, bare.find('/'));
  return first.find(':') == first.npos && std::none_of(bare.begin(), bare.end(), is_control);
}

std::string count(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

}  // namespace

// One reading of all files.
class TokenSource::Reader {
 public:
  explicit Reader(const Config& config) : config_(config) {}

  void run() {
    token_file();
    service_accounts();
    bootstrap();
    authentication();
    key_files();
  }

  Parts parts;
  std::vector<Fault> faults;
  std::vector<std::string> warnings;
  std::string contents;  // of every file, with names and lengths

 private:
  std::optional<std::string> text_of(const std::string& path) {
    auto text = read_file(path, limits::token_source_bytes_max);
    if (!text) {
      faults.push_back({text.error().text, path});
      return std::nullopt;
    }
    contents += path + '\0' + std::to_string(text->size()) + '\0' + *text;
    return std::move(*text);
  }

  template <class T>
  std::optional<T> good(Outcome<T> outcome) {
    if (outcome) return std::move(*outcome);
    faults.push_back(std::move(outcome).error());
    return std::nullopt;
  }

  void token_file() {
    if (config_.token_auth_file.empty()) return;
    if (const auto text = text_of(config_.token_auth_file)) {
      parts.token_file = good(identity::TokenFile::parse(*text, config_.token_auth_file, warnings));
    }
  }

  void service_accounts() {
    if (config_.service_account_key_file.empty()) return;
    identity::ServiceAccountSettings settings;
    for (const std::string& path : config_.service_account_key_file) {
      const auto text = text_of(path);
      if (!text) continue;
      const auto keys = good(tls::read_verify_keys(*text, path));
      if (!keys) continue;
      for (const tls::VerifyKey& key : *keys) {
        if (!key.usable())
          warnings.push_back(path + ": an RSA key below 1024 bits verifies nothing");
      }
      settings.keys.insert(settings.keys.end(), keys->begin(), keys->end());
    }
    if (settings.keys.size() > limits::token_keys_max) {
      faults.push_back(
          {"service-account-key-file: more than " + count(limits::token_keys_max, "key"), ""}
      );
    }
    for (const std::string& issuer : config_.service_account_issuer) {
      if (issuer.find(':') == issuer.npos || is_url(issuer)) continue;
      faults.push_back(
          {"service-account-issuer " + authz::go_quoted(issuer) +
               " contained a ':' but was not a valid URL",
           "--service-account-issuer"}
      );
    }
    settings.issuers = config_.service_account_issuer;
    settings.api_audiences = config_.api_audiences;
    settings.lookup = config_.service_account_lookup;
    parts.keys = settings.keys.size();
    parts.service_accounts.emplace(std::move(settings));
  }

  void bootstrap() {
    if (!config_.enable_bootstrap_token_auth) return;
    identity::BootstrapLoader loader;
    for (const std::string& path : config_.bootstrap_token_secrets) {
      const auto files = good(authz::rbac::files_at(path));
      if (!files) continue;
      for (const auto& file : *files) {
        const auto text = text_of(file.string());
        if (!text) continue;
        if (auto added = loader.add(*text, file.string()); !added)
          faults.push_back(std::move(added).error());
      }
    }
    parts.bootstrap = good(loader.finish());
    const auto& more = loader.warnings();
    warnings.insert(warnings.end(), more.begin(), more.end());
  }

  void authentication() {
    const std::string& path = config_.authentication_config;
    if (path.empty()) return;
    const auto text = text_of(path);
    if (!text) return;
    auto parsed =
        identity::parse_authentication_config(*text, path, config_.service_account_issuer);
    if (!parsed) {
      faults.insert(faults.end(), parsed.error().begin(), parsed.error().end());
      return;
    }
    parts.authentication = std::move(*parsed);
    check_anonymous(path);
  }

  // kube-apiserver takes either the flag or the section; here the flag decides, and a section that
  // says something else is not passed over.
  void check_anonymous(const std::string& path) {
    const auto& section = parts.authentication.anonymous;
    if (!section) return;
    const std::string where = path + ":" + std::to_string(section->line);
    if (!section->paths.empty()) {
      faults.push_back(
          {"anonymous.conditions: gatehouse cannot limit anonymous callers to paths", where}
      );
    } else if (section->enabled != config_.anonymous_auth) {
      faults.push_back(
          {std::string("anonymous.enabled: this is not what anonymous-auth says, which decides: ") +
               (config_.anonymous_auth ? "true" : "false"),
           where}
      );
    }
  }

  void key_files() {
    const auto& issuers = parts.authentication.issuers;
    for (const IssuerKeyFile& file : config_.oidc_jwks_file) {
      const auto text = text_of(file.path);
      if (!text) continue;
      auto keys = identity::parse_jwks(*text);
      if (!keys) {
        faults.push_back({"expected a JSON Web Key Set: " + keys.error(), file.path});
        continue;
      }
      const bool known = std::any_of(issuers.begin(), issuers.end(), [&](const auto& each) {
        return each->url == file.issuer;
      });
      if (!known && faults.empty()) {
        faults.push_back(
            {"oidc-jwks-file: authentication-config has no issuer " + authz::go_quoted(file.issuer),
             file.path}
        );
      }
      parts.file_keys[file.issuer] =
          std::make_shared<const std::vector<identity::NamedKey>>(std::move(*keys));
    }
  }

  const Config& config_;
};

bool TokenSource::wanted(const Config& config) {
  return !config.token_auth_file.empty() || config.enable_bootstrap_token_auth ||
         !config.service_account_key_file.empty() || !config.authentication_config.empty() ||
         config.authentication_token_webhook;
}

TokenReport TokenSource::read() {
  TokenReport report;
  std::optional<Reader> reader;
  for (int i = 0;; ++i) {
    const std::uint64_t before = fingerprint(paths());
    reader.emplace(config_);
    reader->run();
    if (fingerprint(paths()) == before) break;
    if (i + 1 < reads_max) continue;
    report.faults.push_back({"changes while it is read; it is read again when it rests", ""});
    return report;
  }
  report.faults = std::move(reader->faults);
  report.warnings = std::move(reader->warnings);
  tls::Digest256 digest{};
  if (!read_once_ && !tls::random_bytes(seen_key_))
    report.faults.push_back({"no random bytes to be had", ""});
  if (!tls::hmac_sha256(seen_key_, as_bytes(reader->contents), digest))
    report.faults.push_back({"the TLS library has no HMAC", ""});
  if (!report.faults.empty()) return report;
  report.changed = !read_once_ || digest != seen_;
  if (!report.changed) return report;
  seen_ = digest;
  read_once_ = true;
  parts_ = std::move(reader->parts);
  std::vector<std::shared_ptr<const identity::OidcIssuer>> remote;
  for (const auto& issuer : parts_.authentication.issuers) {
    if (!parts_.file_keys.contains(issuer->url)) remote.push_back(issuer);
  }
  if (fetch_ == FetchKeys::when_needed) keys_.follow(remote);
  return report;
}

std::unique_ptr<const identity::TokenAuthenticators> TokenSource::build(std::uint64_t generation
) const {
  auto made = std::make_unique<identity::TokenAuthenticators>();
  made->generation = generation;
  made->token_file = parts_.token_file;
  made->bootstrap = parts_.bootstrap;
  made->service_accounts = parts_.service_accounts;
  for (const auto& issuer : parts_.authentication.issuers) {
    const auto from_file = parts_.file_keys.find(issuer->url);
    const bool file = from_file != parts_.file_keys.end();
    made->issuers.emplace_back(
        issuer, file ? from_file->second : keys_.keys_of(issuer->url), keys_.wish_of(issuer->url)
    );
  }
  return made;
}

std::vector<std::string> TokenSource::paths() const {
  std::vector<std::string> paths = config_.service_account_key_file;
  if (!config_.token_auth_file.empty()) paths.push_back(config_.token_auth_file);
  if (!config_.authentication_config.empty()) paths.push_back(config_.authentication_config);
  if (config_.enable_bootstrap_token_auth) {
    const auto& secrets = config_.bootstrap_token_secrets;
    paths.insert(paths.end(), secrets.begin(), secrets.end());
  }
  for (const IssuerKeyFile& file : config_.oidc_jwks_file) paths.push_back(file.path);
  return paths;
}

std::string TokenSource::describe() const {
  std::string text;
  const auto add = [&](std::size_t n, std::string_view what) {
    text += (text.empty() ? "" : ", ") + count(n, what);
  };
  if (parts_.token_file) add(parts_.token_file->size(), "static token");
  if (parts_.bootstrap) add(parts_.bootstrap->size(), "bootstrap token");
  if (parts_.service_accounts) add(parts_.keys, "service account key");
  if (!config_.authentication_config.empty())
    add(parts_.authentication.issuers.size(), "OIDC issuer");
  return text.empty() ? "none but those an API server knows" : text;
}

}  // namespace gh::control
