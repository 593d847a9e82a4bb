// SPDX-License-Identifier: Apache-2.0
#include "control/oidc_keys.h"

#include "authz/identity/tokens/go_json.h"
#include "base/limits.h"
#include "control/https_get.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace gh::control {
namespace {

namespace json = identity::json;

constexpr std::chrono::milliseconds look_period{250};  // for wishes of workers
constexpr std::size_t events_max = 100;                // kept for the log; more are dropped

struct Discovery {
  std::string issuer;
  std::string jwks_uri;
};

Result<Discovery, std::string> parse_discovery(std::string_view text) {
  if (!json::valid(text) || json::kind_of(text) != json::Kind::object)
    return fail(std::string("the discovery document is no JSON object"));
  Discovery discovery;
  json::Members members(text);
  std::string key;
  std::string_view value;
  while (members.next(key, value)) {
    std::string* into = json::key_matches(key, "issuer")     ? &discovery.issuer
                        : json::key_matches(key, "jwks_uri") ? &discovery.jwks_uri
                                                             : nullptr;
    if (into == nullptr || json::kind_of(value) == json::Kind::null) continue;
    auto given = json::string_of(value);
    if (!given) return fail("the discovery document's " + key + " is no string");
    *into = std::move(*given);
  }
  return discovery;
}

std::string discovery_url_of(const identity::OidcIssuer& issuer) {
  if (!issuer.discovery_url.empty()) return issuer.discovery_url;
  const std::string_view suffix = "/.well-known/openid-configuration";
  const bool slash = issuer.url.ends_with('/');
  return issuer.url.substr(0, issuer.url.size() - (slash ? 1 : 0)).append(suffix);
}

bool same_source(const identity::OidcIssuer& a, const identity::OidcIssuer& b) {
  return a.url == b.url && a.discovery_url == b.discovery_url &&
         a.certificate_authority == b.certificate_authority;
}

}  // namespace

OidcKeys::~OidcKeys() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void OidcKeys::follow(const std::vector<std::shared_ptr<const identity::OidcIssuer>>& issuers) {
  std::vector<RemotePtr> next;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& issuer : issuers) {
      const auto known = std::find_if(remotes_.begin(), remotes_.end(), [&](const auto& each) {
        return same_source(*each->issuer, *issuer);
      });
      if (known != remotes_.end()) {
        next.push_back(*known);
        continue;
      }
      auto remote = std::make_shared<Remote>();
      remote->issuer = issuer;
      remote->wish = std::make_shared<identity::KeyWish>();
      if (const RemotePtr* before = find(issuer->url)) remote->keys = (*before)->keys;
      next.push_back(std::move(remote));
    }
    remotes_ = std::move(next);
    if (remotes_.empty() || thread_.joinable()) return;
  }
  thread_ = std::thread([this] { run(); });
}

const OidcKeys::RemotePtr* OidcKeys::find(const std::string& issuer_url) const {
  const auto found = std::find_if(remotes_.begin(), remotes_.end(), [&](const auto& each) {
    return each->issuer->url == issuer_url;
  });
  return found == remotes_.end() ? nullptr : &*found;
}

OidcKeys::Keys OidcKeys::keys_of(const std::string& issuer_url) const {
  const std::lock_guard lock(mutex_);
  const RemotePtr* remote = find(issuer_url);
  return remote == nullptr ? nullptr : (*remote)->keys;
}

std::shared_ptr<identity::KeyWish> OidcKeys::wish_of(const std::string& issuer_url) const {
  const std::lock_guard lock(mutex_);
  const RemotePtr* remote = find(issuer_url);
  return remote == nullptr ? std::make_shared<identity::KeyWish>() : (*remote)->wish;
}

bool OidcKeys::take_changed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(changed_, false);
}

std::vector<std::string> OidcKeys::take_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

// ---- the fetching thread ----

void OidcKeys::run() {
  while (!stop_) {
    if (const RemotePtr due = next_due(monotonic_now())) {
      try {
        fetch(due);
      } catch (const std::exception& error) {  // out of memory
        settle(*due, fault(error.what()));
      }
      continue;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, look_period, [this] { return stop_.load(); });
  }
}

OidcKeys::RemotePtr OidcKeys::next_due(Instant now) {
  const std::lock_guard lock(mutex_);
  for (const RemotePtr& remote : remotes_) {
    const Duration since = now - remote->fetched;
    const bool rested = !remote->tried || since >= pace_.refresh_min;
    if (!rested) continue;
    const bool wanted = remote->wish->take() || !remote->tried || !remote->keys;
    if (!wanted && since < pace_.refresh_period) continue;
    remote->tried = true;
    remote->fetched = now;
    return remote;
  }
  return nullptr;
}

void OidcKeys::fetch(const RemotePtr& remote) {
  std::string jwks_uri = remote->jwks_uri;  // written by this thread only
  auto text = fetch_keys(*remote->issuer, jwks_uri);
  if (stop_) return;
  remote->jwks_uri = text ? jwks_uri : std::string();  // asked for anew after a failure
  settle(*remote, std::move(text));
}

Outcome<std::string> OidcKeys::fetch_keys(const identity::OidcIssuer& issuer, std::string& jwks_uri)
    const {
  if (jwks_uri.empty()) {
    const std::string from = discovery_url_of(issuer);
    GH_TRY(const std::string text, https_get(from, issuer.certificate_authority, stop_));
    auto discovery = parse_discovery(text);
    if (!discovery) return fault(std::move(discovery).error(), from);
    if (discovery->issuer != issuer.url)
      return fault("the discovery document is another issuer's", from);
    if (discovery->jwks_uri.empty()) return fault("the discovery document has no jwks_uri", from);
    jwks_uri = discovery->jwks_uri;
  }
  return https_get(jwks_uri, issuer.certificate_authority, stop_);
}

void OidcKeys::settle(Remote& remote, Outcome<std::string> text) {
  std::string problem;
  Keys keys;
  if (!text) {
    problem = text.error().to_string();
  } else if (auto parsed = identity::parse_jwks(*text)) {
    keys = std::make_shared<const std::vector<identity::NamedKey>>(std::move(*parsed));
  } else {
    problem = "the key set cannot be used: " + parsed.error();
  }
  const std::lock_guard lock(mutex_);
  const auto say = [&](std::string event) {
    if (events_.size() < events_max) events_.push_back(std::move(event));
  };
  if (!keys) {
    if (problem != remote.problem)
      say("keys of " + remote.issuer->url + " were not fetched: " + problem);
    remote.problem = problem;
    return;
  }
  remote.problem.clear();
  if (remote.keys && remote.text == *text) return;
  say("keys of " + remote.issuer->url + " fetched: " + std::to_string(keys->size()));
  remote.keys = std::move(keys);
  remote.text = std::move(*text);
  changed_ = true;
}

}  // namespace gh::control
