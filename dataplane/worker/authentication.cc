// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/authentication.h"

#include "authz/identity/token_review.h"

#include <algorithm>

namespace gh::worker {
namespace {

using Result = Authentication::Result;

using Proof = Authentication::Proof;

Authentication::Outcome known(PrincipalRef who, Proof proof) {
  return {Result::known, std::move(who), {}, {}, proof};
}

Proof proof_of(const TokenCache::Verdict& verdict) {
  return {Proof::Kind::token, verdict.not_after, verdict.authenticators};
}

Authentication::Outcome refused(std::string problem) {
  return {Result::unauthenticated, {}, std::move(problem), {}, {}};
}

// In a list of Upgrade tokens, in any case.
bool names_websocket(std::string_view upgrade) {
  std::string lower(upgrade);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return lower.find("websocket") != std::string::npos;
}

}  // namespace

Authentication::Authentication(CoreState& state, proxy::ExchangeHost& host, Waiting& waiting)
    : state_(state),
      host_(host),
      waiting_(waiting),
      anonymous_(state.principals.intern(identity::anonymous())) {
  tls::Digest256 key{};
  if (tls::random_bytes(key)) token_key_ = key;
}

Authentication::~Authentication() = default;

Authentication::Outcome Authentication::of(ClientConnection& client, proxy::Exchange& exchange) {
  Outcome outcome = of_certificate(client, exchange);
  if (outcome.result == Result::known) return outcome;
  if (Outcome bearer = of_bearer(exchange); bearer.result != Result::unauthenticated) {
    return bearer;
  } else if (!bearer.problem.empty()) {
    outcome.problem = std::move(bearer.problem);
  }
  // Who tried to be somebody and failed is not let in as nobody.
  if (outcome.problem.empty() && state_.settings.anonymous)
    return known(anonymous_, {.kind = Proof::Kind::anonymous});
  if (outcome.problem.empty()) outcome.problem = client.caller().problem();
  return outcome;
}

// A problem: it failed. None: it says nothing of who is calling.
Authentication::Outcome Authentication::of_certificate(
    ClientConnection& client, proxy::Exchange& exchange
) {
  using Standing = Caller::Standing;
  const TlsSnapshot* const tls = state_.shared.tls.read();
  const UnixTime now = state_.core.wall();
  Caller& caller = client.caller();
  std::string problem;
  if (const identity::FrontProxy* proxy = state_.settings.front_proxy.get()) {
    const auto* trust = tls == nullptr ? nullptr : tls->proxy_trust.get();
    const Standing standing = caller.front_proxy(client.tls(), trust, now);
    if (standing == Standing::failed) problem = caller.front_proxy_problem();
    if (standing == Standing::known) {
      if (auto named = proxy->identify(exchange.head().headers)) {
        return known(
            state_.principals.intern(identity::with_authenticated_group(std::move(*named))),
            {.kind = Proof::Kind::front_proxy}
        );
      }
    }
  }
  const auto* trust = tls == nullptr ? nullptr : tls->client_trust.get();
  const Standing standing = caller.x509(client.tls(), trust, now);
  if (standing == Standing::known) return known(caller.principal(), {.kind = Proof::Kind::x509});
  // What a certificate was refused for says more than that it is no front proxy's.
  if (standing == Standing::failed) problem = caller.problem();
  return refused(std::move(problem));
}

bool Authentication::still_proves(ClientConnection& client, const Proof& proof) const noexcept {
  const TlsSnapshot* const tls = state_.shared.tls.read();
  const UnixTime now = state_.core.wall();
  Caller& caller = client.caller();
  switch (proof.kind) {
    case Proof::Kind::none:
      return false;
    case Proof::Kind::anonymous:
      return true;
    case Proof::Kind::front_proxy: {
      const auto* trust = tls == nullptr ? nullptr : tls->proxy_trust.get();
      return caller.front_proxy(client.tls(), trust, now) == Caller::Standing::known;
    }
    case Proof::Kind::x509: {
      const auto* trust = tls == nullptr ? nullptr : tls->client_trust.get();
      return caller.x509(client.tls(), trust, now) == Caller::Standing::known;
    }
    case Proof::Kind::token: {
      const identity::TokenAuthenticators* const authenticators = state_.shared.tokens.read();
      return authenticators != nullptr && authenticators->generation == proof.authenticators &&
             now <= proof.not_after;
    }
  }
  return false;
}

UnixTime Authentication::end_of(ClientConnection& client, const Proof& proof) noexcept {
  switch (proof.kind) {
    case Proof::Kind::x509:
      return client.caller().x509_until();
    case Proof::Kind::front_proxy:
      return client.caller().front_proxy_until();
    case Proof::Kind::token:
      return proof.not_after;
    case Proof::Kind::none:
    case Proof::Kind::anonymous:
      break;
  }
  return identity::forever;
}

// ---- tokens ----

// The Authorization header, then a WebSocket's protocols.
Authentication::Outcome Authentication::of_bearer(proxy::Exchange& exchange) {
  const http::RequestHead& head = exchange.head();
  Outcome outcome;
  if (const auto value = head.headers.find("authorization")) {
    if (const auto token = identity::bearer_token(*value)) outcome = of_token(*token, exchange);
    if (outcome.result != Result::unauthenticated) return outcome;
  }
  if (!names_websocket(head.upgrade)) return outcome;
  std::vector<std::string_view> values;
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    const http::Field field = head.headers[i];
    if (field.name == "sec-websocket-protocol") values.push_back(field.value);
  }
  auto found = identity::websocket_token(values);
  if (!found) return refused(std::string(identity::sentence_of(found.error())));
  if (!found->has_value()) return outcome;
  outcome = of_token((*found)->token, exchange);
  if (outcome.result == Result::known) outcome.protocols = std::move((*found)->protocols);
  return outcome;
}

Authentication::Outcome Authentication::of_token(
    std::string_view token, proxy::Exchange& exchange
) {
  const identity::TokenAuthenticators* const authenticators = state_.shared.tokens.read();
  TokenCache::Key key;
  if (authenticators == nullptr || !token_key_ ||
      !tls::hmac_sha256(*token_key_, as_bytes(token), key))
    return refused("bearer tokens are not judged here");
  const TokenCache::Verdict* const verdict =
      tokens_.find(key, authenticators->generation, state_.core.now(), state_.core.wall());
  if (verdict != nullptr) {
    state_.metrics.tokens_cached.add();
    return verdict->who ? known(verdict->who, proof_of(*verdict)) : refused(verdict->problem);
  }
  state_.metrics.tokens_judged.add();
  return judge_token(*authenticators, key, token, exchange);
}

Authentication::Outcome Authentication::judge_token(
    const identity::TokenAuthenticators& authenticators,
    const TokenCache::Key& key,
    std::string_view token,
    proxy::Exchange& exchange
) {
  identity::TokenResult judged = authenticators.authenticate(token, state_.core.wall());
  const bool open = judged.verdict != identity::TokenVerdict::accepted || judged.needs_confirmation;
  if (open && state_.settings.review_tokens) {
    const UnixTime not_after =
        judged.verdict == identity::TokenVerdict::accepted ? judged.valid_until : identity::forever;
    if (ask(key, token, not_after, exchange)) return {Result::pending, {}, {}, {}, {}};
    return refused("too many tokens are being asked about");
  }
  TokenCache::Verdict verdict;
  verdict.until = state_.core.now() + limits::token_review_lifetime;
  verdict.not_after = identity::forever;
  verdict.authenticators = authenticators.generation;
  if (judged.verdict == identity::TokenVerdict::accepted && !judged.needs_confirmation) {
    verdict.who =
        state_.principals.intern(identity::with_authenticated_group(std::move(judged.who)));
    verdict.not_after = judged.valid_until;
  } else {
    verdict.problem = judged.why.empty() ? "bearer token: nobody knows it" : judged.why;
  }
  tokens_.put(key, verdict);
  return verdict.who ? known(verdict.who, proof_of(verdict)) : refused(verdict.problem);
}

// ---- what API servers say of them ----

bool Authentication::ask(
    const TokenCache::Key& key,
    std::string_view token,
    UnixTime not_after,
    proxy::Exchange& exchange
) {
  const auto same = std::find_if(reviews_.begin(), reviews_.end(), [&](const auto& review) {
    return review->key == key;
  });
  if (same != reviews_.end()) {
    (*same)->waiting.push_back(&exchange);
    return true;
  }
  if (reviews_.size() >= limits::token_reviews_max) return false;
  Review& review = take_review();
  review.key = key;
  review.not_after = not_after;
  review.waiting.push_back(&exchange);
  state_.metrics.tokens_asked.add();
  http::RequestHead head;
  head.method = "POST";
  head.target = "/apis/authentication.k8s.io/v1/tokenreviews";
  head.headers.add("content-type", "application/json");
  head.headers.add("accept", "application/json");
  head.headers.add("x-remote-user", "gatehouse");
  review.request.start(
      std::move(head), identity::token_review_body(token, state_.settings.api_audiences), *this
  );
  return true;
}

Authentication::Review& Authentication::take_review() {
  if (spare_.empty()) return *reviews_.emplace_back(std::make_unique<Review>(host_));
  reviews_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  return *reviews_.back();
}

TokenCache::Verdict Authentication::verdict_of(
    int status, std::string_view body, UnixTime not_after
) {
  TokenCache::Verdict verdict;
  verdict.not_after = not_after;
  if (const auto* authenticators = state_.shared.tokens.read())
    verdict.authenticators = authenticators->generation;
  // No word at all is not kept as one: the next request asks again.
  verdict.until = state_.core.now() + limits::token_review_retry;
  if (status != 200 && status != 201) {
    verdict.problem = status == 0
                          ? "TokenReview: no API server answered"
                          : "TokenReview: the API server answered " + std::to_string(status);
    return verdict;
  }
  auto said = identity::read_token_review(body, state_.settings.api_audiences);
  if (!said) {
    verdict.problem = said.error().text;
    return verdict;
  }
  verdict.until = state_.core.now() + limits::token_review_lifetime;
  if (said->has_value()) {
    verdict.who = state_.principals.intern(identity::with_authenticated_group(std::move(**said)));
  } else {
    verdict.problem = "TokenReview: the API server does not know the token";
  }
  return verdict;
}

void Authentication::on_answer(
    proxy::SideRequest& request, int status, std::string_view body
) noexcept {
  const auto at = std::find_if(reviews_.begin(), reviews_.end(), [&](const auto& review) {
    return &review->request == &request;
  });
  Review& review = **at;
  TokenCache::Verdict verdict = verdict_of(status, body, review.not_after);
  tokens_.put(review.key, std::move(verdict));
  const std::vector<proxy::Exchange*> waiting = std::move(review.waiting);
  review.waiting.clear();
  spare_.push_back(std::move(*at));
  reviews_.erase(at);
  for (proxy::Exchange* exchange : waiting) waiting_.on_authentication(*exchange);
}

void Authentication::forget(const proxy::Exchange& exchange) noexcept {
  for (std::size_t i = 0; i < reviews_.size(); ++i) {
    auto& waiting = reviews_[i]->waiting;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), &exchange), waiting.end());
  }
}

}  // namespace gh::worker
