// SPDX-License-Identifier: Apache-2.0
// Key sets of OIDC issuers, fetched over https on a thread of their own: discovery document, then
// jwks_uri (OpenID Connect Discovery 1.0 §4). Fetched at the start, when workers met a token no key
// verifies (at most every oidc_refresh_min), and every oidc_refresh_period; a failed fetch leaves
// the keys there are. In: issuers, each with the wish its tokens set.   Out: keys, and that they
// have changed. Owner: the control thread; the mutex is between it and the fetching thread only.
#pragma once

#include "authz/identity/tokens/oidc.h"
#include "base/limits.h"
#include "base/units.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gh::control {

class OidcKeys {
 public:
  using Keys = identity::OidcAuthenticator::Keys;

  struct Pace {
    Duration refresh_min = limits::oidc_refresh_min;
    Duration refresh_period = limits::oidc_refresh_period;
  };

  explicit OidcKeys(Pace pace) : pace_(pace) {}

  OidcKeys() : OidcKeys(Pace{}) {}

  ~OidcKeys();  // waits for a fetch under way to notice
  OidcKeys(const OidcKeys&) = delete;
  OidcKeys& operator=(const OidcKeys&) = delete;

  // From now on these. Keys are kept where the URL is as before; with another discovery or other
  // authorities they are fetched at once, and those of before serve until then.
  void follow(const std::vector<std::shared_ptr<const identity::OidcIssuer>>& issuers);

  Keys keys_of(const std::string& issuer_url) const;  // null: none fetched yet
  std::shared_ptr<identity::KeyWish> wish_of(const std::string& issuer_url) const;

  bool take_changed();                     // since the last call
  std::vector<std::string> take_events();  // sentences for the log

 private:
  struct Remote {
    std::shared_ptr<const identity::OidcIssuer> issuer;
    std::shared_ptr<identity::KeyWish> wish;
    Keys keys;
    std::string jwks_uri;
    std::string text;  // of the key set as fetched last
    std::string problem;
    Instant fetched = {};  // when a fetch last began
    bool tried = false;
  };

  using RemotePtr = std::shared_ptr<Remote>;

  const RemotePtr* find(const std::string& issuer_url) const;
  void run();
  RemotePtr next_due(Instant now);
  void fetch(const RemotePtr& remote);
  Outcome<std::string> fetch_keys(const identity::OidcIssuer& issuer, std::string& jwks_uri) const;
  void settle(Remote& remote, Outcome<std::string> text);

  Pace pace_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<RemotePtr> remotes_;
  std::vector<std::string> events_;
  bool changed_ = false;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace gh::control
