// SPDX-License-Identifier: Apache-2.0
// Who is calling, request by request, in Kubernetes' order: front proxy, x509, bearer token,
// anonymous; the first that succeeds counts, any failure among those that did not is 401.
// In: a connection's certificate, a request's head.   Out: a principal, or why not, or that an API
// server is being asked (then Waiting::on_authentication for that exchange later).
// Source: k8s.io/kubernetes/pkg/kubeapiserver/authenticator. Owner: one core.
// Bounds: token_cache_entries_max, token_reviews_max, token_review_lifetime.
#pragma once

#include "authz/identity/tokens/bearer.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/side_request.h"
#include "dataplane/worker/client_connection.h"
#include "dataplane/worker/core_state.h"
#include "dataplane/worker/token_cache.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::worker {

class Authentication final : proxy::SideRequest::Asker {
 public:
  class Waiting {
   public:
    // Ask of() again.
    virtual void on_authentication(proxy::Exchange& exchange) noexcept = 0;

   protected:
    ~Waiting() = default;
  };

  enum class Result : std::uint8_t { unauthenticated, known, pending };

  // By what somebody is known.
  struct Proof {
    enum class Kind : std::uint8_t { none, front_proxy, x509, token, anonymous };

    Kind kind = Kind::none;
    UnixTime not_after = identity::forever;  // of a token
    std::uint64_t authenticators = 0;        // the snapshot that judged it
  };

  struct Outcome {
    Result result = Result::unauthenticated;
    PrincipalRef who;
    std::string problem;  // for the log; the client hears only "Unauthorized"
    // The WebSocket protocols without the token that was among them: forwarded instead.
    std::optional<std::string> protocols;
    Proof proof = {};
  };

  Authentication(CoreState& state, proxy::ExchangeHost& host, Waiting& waiting);
  ~Authentication();

  Outcome of(ClientConnection& client, proxy::Exchange& exchange);
  // Of a request under way. A token is not kept, so it counts no more once what judged it was
  // replaced.
  bool still_proves(ClientConnection& client, const Proof& proof) const noexcept;
  static UnixTime end_of(ClientConnection& client, const Proof& proof) noexcept;
  void forget(const proxy::Exchange& exchange) noexcept;  // it does not wait any more

 private:
  // A TokenReview under way, and who waits for its answer.
  struct Review {
    explicit Review(proxy::ExchangeHost& host) : request(host) {}

    proxy::SideRequest request;
    TokenCache::Key key{};
    UnixTime not_after;
    std::vector<proxy::Exchange*> waiting;
  };

  Outcome of_certificate(ClientConnection& client, proxy::Exchange& exchange);
  Outcome of_bearer(proxy::Exchange& exchange);
  Outcome of_token(std::string_view token, proxy::Exchange& exchange);
  Outcome judge_token(
      const identity::TokenAuthenticators& authenticators,
      const TokenCache::Key& key,
      std::string_view token,
      proxy::Exchange& exchange
  );
  Review& take_review();
  bool ask(
      const TokenCache::Key& key,
      std::string_view token,
      UnixTime not_after,
      proxy::Exchange& exchange
  );
  void on_answer(proxy::SideRequest& request, int status, std::string_view body) noexcept override;
  TokenCache::Verdict verdict_of(int status, std::string_view body, UnixTime not_after);

  CoreState& state_;
  proxy::ExchangeHost& host_;
  Waiting& waiting_;
  std::optional<tls::Digest256> token_key_;  // of the HMACs; null: no tokens are judged
  TokenCache tokens_;
  std::vector<std::unique_ptr<Review>> reviews_;
  std::vector<std::unique_ptr<Review>> spare_;  // used again, never freed while one of them answers
  PrincipalRef anonymous_;
};

}  // namespace gh::worker
