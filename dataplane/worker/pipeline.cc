// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/pipeline.h"

#include "authz/forbidden.h"
#include "base/assert.h"
#include "dataplane/proxy/headers.h"
#include "dataplane/proxy/reply.h"

#include <algorithm>

namespace gh::worker {
namespace {

using authz::Decision;

std::uint8_t verb_index(std::string_view verb) {
  const auto at = std::find(verb_names.begin(), verb_names.end() - 1, verb);
  return static_cast<std::uint8_t>(at - verb_names.begin());
}

bool asks_to_impersonate(const http::HeaderList& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (proxy::is_impersonation_field(headers[i].name)) return true;
  }
  return false;
}

}  // namespace

Pipeline::Pipeline(CoreState& state, proxy::UpstreamPool& upstreams)
    : ExchangeHost(state.core, state.timers, state.buffers, upstreams, state.metrics.replicas),
      state_(state) {}

Pipeline::~Pipeline() = default;

// ---- the path ----

void Pipeline::on_request(ClientConnection& client, http::Stream& stream, http::RequestHead& head) {
  proxy::Exchange& exchange = take_exchange();
  exchange.begin(client, stream, head);
  state_.metrics.requests_active.add();
  state_.metrics.requests_by_version[static_cast<std::size_t>(head.version)].add();

  // What is asked. Kubernetes answers these before it asks who is calling.
  if (const auto parsed = info_.parse(head.method, head.target); !parsed) {
    switch (parsed.error()) {
      case authz::TargetError::bad_request:
        return refuse(
            client,
            exchange,
            Verdict::error,
            {.code = 400, .message = "the request target is not valid"},
            "bad target"
        );
      case authz::TargetError::options_asterisk:
        note(client, exchange, Verdict::allow, "OPTIONS *");
        return exchange.refuse_plain(200, {});
      case authz::TargetError::unfinished_verb:
        note(client, exchange, Verdict::error, "no resource after the verb in the path");
        return exchange.refuse_plain(500, authz::unfinished_verb_body(head.method, head.target));
    }
  }
  exchange.record.verb = verb_index(info_.attributes().verb);

  // Who is calling.
  const TlsSnapshot* tls = state_.shared.tls.read();
  switch (client.caller().standing(
      client.tls(), tls == nullptr ? nullptr : tls->client_trust.get(), core.wall()
  )) {
    case Caller::Standing::unauthenticated:
      return refuse(
          client,
          exchange,
          Verdict::unauthenticated,
          {.code = 401, .message = "Unauthorized"},
          client.caller().problem()
      );
    case Caller::Standing::unforwardable:
      state_.metrics.identities_unforwardable.add();
      return refuse(
          client,
          exchange,
          Verdict::deny,
          {.code = 403, .message = client.caller().problem()},
          client.caller().problem()
      );
    case Caller::Standing::known:
      break;
  }
  if (asks_to_impersonate(head.headers)) {
    const std::string_view why = "gatehouse does not judge impersonation yet, so it is refused";
    return refuse(client, exchange, Verdict::deny, {.code = 403, .message = why}, why);
  }
  authorize(client, exchange);
}

// May they.
void Pipeline::authorize(ClientConnection& client, proxy::Exchange& exchange) {
  Caller& caller = client.caller();
  const authz::Attributes& what = info_.attributes();
  std::string reason;
  if (state_.settings.authorization == AuthorizationMode::rbac) {
    const authz::PolicySnapshot* policy = state_.shared.policy.read();
    if (policy == nullptr) {
      return refuse(
          client,
          exchange,
          Verdict::error,
          {.code = 503, .message = "gatehouse has no policy yet"},
          "no policy"
      );
    }
    const auto& permissions = caller.permissions(*policy);
    const bool may = policy->table.decide(permissions, what).decision == Decision::allow;
    const authz::Attributes create = what.with_verb("create");
    const bool may_create = !may || !info_.needs_create_too() ||
                            policy->table.decide(permissions, create).decision == Decision::allow;
    if (!may || !may_create) {
      reason = policy->table.reason(permissions, may ? create : what);
      const std::string message =
          may ? authz::upgrade_forbidden_message(what, reason)
              : authz::forbidden_message(caller.identity().user, what, reason);
      const auto details = authz::forbidden_details(what);
      const http::StatusDetails shown{details.name, details.group, details.kind};
      return refuse(
          client,
          exchange,
          Verdict::deny,
          {.code = 403, .message = message, .details = &shown},
          reason
      );
    }
    if (state_.settings.access_log) reason = policy->table.reason(permissions, what);
  }
  exchange.record.long_running = info_.long_running();
  note(client, exchange, Verdict::allow, reason);
  proxy::prepare_request(exchange.head(), caller.fields(), client.peer_ip());
  exchange.forward();
}

void Pipeline::refuse(
    ClientConnection& client,
    proxy::Exchange& exchange,
    Verdict verdict,
    const proxy::Refusal& refusal,
    std::string_view reason
) {
  note(client, exchange, verdict, reason);
  exchange.refuse(refusal);
}

// The verdict, for the metrics and the log.
void Pipeline::note(
    ClientConnection& client, proxy::Exchange& exchange, Verdict verdict, std::string_view reason
) {
  exchange.record.decision = static_cast<std::uint8_t>(verdict);
  if (!state_.settings.access_log) return;
  const Judged judged{
      .client = client.peer_ip(),
      .user = client.caller().identity().user,
      .verb = info_.attributes().verb,
      .decision = decision_names[exchange.record.decision],
      .reason = reason,
      .tls_version = tls::name_of(client.tls().version()),
      .resumed = client.tls().resumed(),
  };
  begin_access_line(exchange.record.log, core.wall(), exchange.head(), judged);
}

// ---- after it ----

void Pipeline::on_done(proxy::Exchange& exchange, http::Reset reset) noexcept {
  const proxy::Record& record = exchange.record;
  Metrics& m = state_.metrics;
  m.requests_active.sub();
  if (record.tunnel) m.tunnels_active.sub();
  // 499: the client left before an answer (nginx's word)
  const int code = record.code >= 100 && record.code < 600 ? record.code : 499;
  m.requests[record.verb][record.decision][static_cast<std::size_t>(code - 100)].add();
  m.bytes_out.add(record.bytes_down);
  const Duration took = core.now() - record.began;
  if (!record.long_running) m.request_latency.record(took.count());
  if (record.head_at.ns != 0 && record.replica != proxy::Demand::no_replica) {
    m.stage_latency[static_cast<std::size_t>(Stage::forward)].record(
        (record.head_at - record.began).count()
    );
  }
  if (!record.log.empty()) {
    const std::string_view upstream =
        record.replica == proxy::Demand::no_replica
            ? std::string_view{}
            : std::string_view(state_.settings.replicas[record.replica].name);
    state_.log.push(
        {LogLevel::info, true, end_access_line(record, reset, upstream, took, exchange.attempts)}
    );
  }
  exchange.next_free = free_;
  free_ = &exchange;
}

void Pipeline::on_tunnel_open() noexcept {
  state_.metrics.tunnels_active.add();
  state_.metrics.tunnels_total.add();
}

proxy::Exchange& Pipeline::take_exchange() {
  if (free_ == nullptr) {
    exchanges_.push_back(std::make_unique<proxy::Exchange>(*this));
    return *exchanges_.back();
  }
  proxy::Exchange& exchange = *free_;
  free_ = exchange.next_free;
  return exchange;
}

// ---- clients ----

void Pipeline::remember(ClientConnection& client) noexcept {
  client.prev_client = nullptr;
  client.next_client = first_client_;
  if (first_client_ != nullptr) first_client_->prev_client = &client;
  first_client_ = &client;
  ++clients_;
}

void Pipeline::forget(ClientConnection& client) noexcept {
  (client.prev_client == nullptr ? first_client_ : client.prev_client->next_client) =
      client.next_client;
  if (client.next_client != nullptr) client.next_client->prev_client = client.prev_client;
  client.next_client = client.prev_client = nullptr;
  --clients_;
}

void Pipeline::drain_all() noexcept {
  for (ClientConnection* client = first_client_; client != nullptr; client = client->next_client)
    client->begin_drain();
}

void Pipeline::abort_all() noexcept {
  for (ClientConnection* client = first_client_; client != nullptr; client = client->next_client)
    client->abort();
}

}  // namespace gh::worker
