// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/pipeline.h"

#include "authz/forbidden.h"
#include "authz/impersonation/impersonation.h"
#include "base/assert.h"
#include "dataplane/proxy/headers.h"
#include "dataplane/proxy/reply.h"

#include <algorithm>
#include <utility>

namespace gh::worker {
namespace {

std::uint8_t verb_index(std::string_view verb) {
  const auto at = std::find(verb_names.begin(), verb_names.end() - 1, verb);
  return static_cast<std::uint8_t>(at - verb_names.begin());
}

// A field that looks like one of impersonation but is none of Kubernetes' own: the API server would
// pass over it, others may not.
bool has_strange_impersonation(const http::HeaderList& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (proxy::is_impersonation_field(headers[i].name) &&
        !authz::impersonation::is_field(headers[i].name))
      return true;
  }
  return false;
}

ClientConnection& client_of(proxy::Exchange& exchange) {
  return static_cast<ClientConnection&>(exchange.leg());
}

// The authorizer chain as impersonation asks it about who wants to be somebody else.
class AboutRequestor final : public authz::impersonation::Authorizer {
 public:
  AboutRequestor(const worker::Authorizer& chain, Principal& who) : chain_(chain), who_(who) {}

  bool allows(const authz::Attributes& what) noexcept override {
    const auto verdict = chain_.decide(who_, what, {});
    not_ready_ |= verdict == worker::Authorizer::Verdict::not_ready;
    return verdict == worker::Authorizer::Verdict::allow;
  }

  std::string reason(const authz::Attributes& what) noexcept override {
    return chain_.reason(who_, what, {});
  }

  // A refusal is for want of a policy then, not the policy's.
  bool not_ready() const noexcept { return not_ready_; }

 private:
  const worker::Authorizer& chain_;
  Principal& who_;
  bool not_ready_ = false;
};

}  // namespace

Pipeline::Pipeline(CoreState& state, proxy::UpstreamPool& upstreams)
    : ExchangeHost(state.core, state.timers, state.buffers, upstreams, state.metrics.replicas),
      state_(state),
      authentication_(state, *this, *this),
      authorizer_(state.settings, state.shared),
      admission_(*this, authorizer_, *this),
      open_(state, *this) {}

Pipeline::~Pipeline() = default;

// ---- the path ----

void Pipeline::on_request(ClientConnection& client, http::Stream& stream, http::RequestHead& head) {
  proxy::Exchange& exchange = take_exchange();
  exchange.begin(client, stream, head);
  state_.metrics.requests_active.add();
  state_.metrics.requests_by_version[static_cast<std::size_t>(head.version)].add();
  judge(client, exchange);
}

// Comes here again, from the start, when something that had to be waited for is there.
void Pipeline::judge(ClientConnection& client, proxy::Exchange& exchange) {
  Case request{client, exchange, {}, {}, {}, {}};
  if (!read_target(request)) return;
  auto caller = authentication_.of(client, exchange);
  if (caller.result == Authentication::Result::pending) return exchange.hold();
  if (caller.result == Authentication::Result::unauthenticated)
    return refuse(
        request, Verdict::unauthenticated, {.code = 401, .message = "Unauthorized"}, caller.problem
    );
  request.who = std::move(caller.who);
  request.protocols = std::move(caller.protocols);
  request.proof = caller.proof;
  if (!become(request)) return;
  if (const std::string& problem = request.who->unforwardable(); !problem.empty()) {
    state_.metrics.identities_unforwardable.add();
    return refuse(request, Verdict::deny, {.code = 403, .message = problem}, problem);
  }
  authorize(request);
}

void Pipeline::on_authentication(proxy::Exchange& exchange) noexcept {
  judge(client_of(exchange), exchange);
}

// What is asked. Kubernetes answers these before it asks who is calling.
bool Pipeline::read_target(Case& request) {
  const http::RequestHead& head = request.exchange.head();
  const auto parsed = info_.parse(head.method, head.target);
  if (parsed) {
    request.exchange.record.verb = verb_index(info_.attributes().verb);
    return true;
  }
  switch (parsed.error()) {
    case authz::TargetError::bad_request:
      refuse(
          request,
          Verdict::error,
          {.code = 400, .message = "the request target is not valid"},
          "bad target"
      );
      break;
    case authz::TargetError::options_asterisk:
      note(request, Verdict::allow, "OPTIONS *");
      request.exchange.refuse_plain(200, {});
      break;
    case authz::TargetError::unfinished_verb:
      note(request, Verdict::error, "no resource after the verb in the path");
      request.exchange.refuse_plain(500, authz::unfinished_verb_body(head.method, head.target));
      break;
  }
  return false;
}

// As whom. False: it was refused.
bool Pipeline::become(Case& request) {
  const http::HeaderList& headers = request.exchange.head().headers;
  if (has_strange_impersonation(headers)) {
    const std::string_view why = "a header field that begins with Impersonate is not Kubernetes'";
    refuse(request, Verdict::deny, {.code = 403, .message = why}, why);
    return false;
  }
  if (!authz::impersonation::wants(headers)) return true;
  AboutRequestor chain(authorizer_, *request.who);
  auto answer = authz::impersonation::impersonate(
      headers, {request.who->identity(), info_.attributes(), chain}, {.memory = &modes_}
  );
  using Kind = authz::impersonation::Answer::Kind;
  if (answer.kind == Kind::not_requested) return true;
  if (answer.kind == Kind::refused && chain.not_ready()) {
    refuse_not_ready(request);
    return false;
  }
  if (answer.kind == Kind::refused) {
    const auto& why = answer.refusal;
    const http::StatusDetails details{why.name, why.group, why.kind};
    refuse(
        request,
        Verdict::deny,
        {.code = why.code, .message = why.message, .details = why.code == 403 ? &details : nullptr},
        why.message
    );
    return false;
  }
  request.requestor = std::exchange(request.who, state_.principals.intern(std::move(answer.who)));
  return true;
}

// May they. False: refused, and answered.
bool Pipeline::allowed(Case& request, Verdict& verdict, std::string& reason) {
  const authz::Attributes& what = info_.attributes();
  const std::string_view selector = info_.field_selector();
  Principal& who = *request.who;
  const auto first = authorizer_.decide(who, what, selector);
  const bool upgrade = first == Authorizer::Verdict::allow && info_.needs_create_too();
  const authz::Attributes create = what.with_verb("create");
  const auto last = upgrade ? authorizer_.decide(who, create, selector) : first;
  if (last == Authorizer::Verdict::allow) {
    if (state_.settings.access_log) reason = authorizer_.reason(who, what, selector);
    return true;
  }
  reason = authorizer_.reason(who, upgrade ? create : what, selector);
  if (state_.settings.shadow) {
    verdict = Verdict::shadow_deny;
    return true;
  }
  if (last == Authorizer::Verdict::not_ready) {
    refuse_not_ready(request);
    return false;
  }
  const std::string message = upgrade ? authz::upgrade_forbidden_message(what, reason)
                                      : authz::forbidden_message(who.identity().user, what, reason);
  const auto details = authz::forbidden_details(what);
  const http::StatusDetails shown{details.name, details.group, details.kind};
  refuse(request, Verdict::deny, {.code = 403, .message = message, .details = &shown}, reason);
  return false;
}

void Pipeline::refuse_not_ready(const Case& request) {
  refuse(
      request, Verdict::error, {.code = 503, .message = "gatehouse has no policy yet"}, "no policy"
  );
}

void Pipeline::authorize(Case& request) {
  Verdict verdict = Verdict::allow;
  std::string reason;
  const Instant begin = monotonic_now();
  const bool may = allowed(request, verdict, reason);
  state_.metrics.stage_latency[static_cast<std::size_t>(Stage::authorize)].record(
      (monotonic_now() - begin).count()
  );
  if (may) forward(request, verdict, reason);
}

// Allowed, or denied in shadow mode only.
void Pipeline::forward(Case& request, Verdict verdict, std::string_view reason) {
  request.exchange.record.long_running = info_.long_running();
  note(request, verdict, reason);
  if (!state_.settings.node_restriction || !Admission::applies(*request.who, info_.attributes()))
    return send(request);
  in_admission_.emplace(&request.exchange, request);
  admission_.begin(request.exchange, request.who, info_.attributes());
}

void Pipeline::on_collected(proxy::Exchange& exchange, Collected what) noexcept {
  admission_.on_collected(exchange, what);
}

void Pipeline::on_admitted(proxy::Exchange& exchange) noexcept {
  const auto at = in_admission_.find(&exchange);
  Case request = std::move(at->second);
  in_admission_.erase(at);
  send(request);
}

void Pipeline::on_not_admitted(
    proxy::Exchange& exchange, const authz::admission::Refusal& why
) noexcept {
  const auto at = in_admission_.find(&exchange);
  const Case request = std::move(at->second);
  in_admission_.erase(at);
  state_.metrics.admission_refused.add();
  const http::RequestHead& head = exchange.head();
  (void)info_.parse(head.method, head.target);  // as it was parsed before: for the log
  const http::StatusDetails details{why.details.name, why.details.group, why.details.kind};
  const bool any = !(details.name.empty() && details.group.empty() && details.kind.empty());
  refuse(
      request,
      Verdict::deny,
      {.code = why.code,
       .message = why.message,
       .reason = why.reason,
       .details = any ? &details : nullptr},
      why.message
  );
}

void Pipeline::send(Case& request) {
  http::RequestHead& head = request.exchange.head();
  // An upgrade of whatever it is (a console of an aggregated API) becomes a tunnel.
  if (request.exchange.record.long_running || !head.upgrade.empty()) remember_open(request);
  if (const identity::FrontProxy* proxy = state_.settings.front_proxy.get()) {
    head.headers.remove_if([proxy](const http::Field& field) {
      return proxy->is_identity_header(field.name);
    });
  }
  if (request.protocols) {
    head.headers.remove_if([](const http::Field& field) {
      return field.name == "sec-websocket-protocol";
    });
    head.headers.add("sec-websocket-protocol", *request.protocols);
  }
  proxy::prepare_request(head, request.who->fields(), request.client.peer_ip());
  request.exchange.forward();
}

// ---- while it runs ----

// What it takes to judge it again: the head loses credentials and impersonation on its way out.
void Pipeline::remember_open(Case& request) {
  OpenRequest open{request.client, request.who, request.requestor, {}, request.proof, {}};
  if (request.requestor)
    open.impersonation = authz::impersonation::wanted(request.exchange.head().headers);
  open.until = Authentication::end_of(request.client, request.proof);
  open_.add(request.exchange, std::move(open));
}

// As judge(), without waiting for anybody: what was asked has not changed.
bool Pipeline::still_may(proxy::Exchange& exchange, OpenRequest& open) noexcept {
  if (!authentication_.still_proves(open.client, open.proof)) return false;
  open.until = Authentication::end_of(open.client, open.proof);  // under a new CA perhaps another
  const http::RequestHead& head = exchange.head();
  if (!info_.parse(head.method, head.target)) return false;
  const authz::Attributes& what = info_.attributes();
  if (open.requestor) {
    AboutRequestor chain(authorizer_, *open.requestor);
    const auto answer = authz::impersonation::impersonate(
        open.impersonation, {open.requestor->identity(), what, chain}, {.memory = &modes_}
    );
    const bool same = answer.kind == authz::impersonation::Answer::Kind::impersonated &&
                      answer.who == open.who->identity();
    if (!same) return false;
  }
  if (state_.settings.shadow) return true;
  const std::string_view selector = info_.field_selector();
  const auto may = [&](const authz::Attributes& asked) {
    return authorizer_.decide(*open.who, asked, selector) == Authorizer::Verdict::allow;
  };
  return may(what) && (!info_.needs_create_too() || may(what.with_verb("create")));
}

void Pipeline::on_right_lost(proxy::Exchange& exchange, OpenRequest& open) noexcept {
  state_.metrics.open_requests_ended.add();
  state_.event(
      LogLevel::info,
      state_.lost_right_lines,
      "a request under way was ended: its caller has lost the right to it client=" +
          open.client.peer_ip()
  );
  exchange.cut({.code = 403, .message = "gatehouse: the right to this request was withdrawn"});
}

void Pipeline::refuse(
    const Case& request, Verdict verdict, const proxy::Refusal& refusal, std::string_view reason
) {
  note(request, verdict, reason);
  request.exchange.refuse(refusal);
}

// The verdict, for the metrics and the log.
void Pipeline::note(const Case& request, Verdict verdict, std::string_view reason) {
  request.exchange.record.decision = static_cast<std::uint8_t>(verdict);
  if (!state_.settings.access_log) return;
  static const identity::Identity nobody;
  const Judged judged{
      .client = request.client.peer_ip(),
      .who = request.who ? request.who->identity() : nobody,
      .requestor = request.requestor ? &request.requestor->identity() : nullptr,
      .what = info_.attributes(),
      .decision = decision_names[request.exchange.record.decision],
      .reason = reason,
      .tls_version = tls::name_of(request.client.tls().version()),
      .resumed = request.client.tls().resumed(),
  };
  begin_access_line(request.exchange.record.log, core.wall(), request.exchange.head(), judged);
}

// ---- after it ----

void Pipeline::on_done(proxy::Exchange& exchange, http::Reset reset) noexcept {
  authentication_.forget(exchange);
  open_.forget(exchange);
  if (!in_admission_.empty() && in_admission_.erase(&exchange) > 0) admission_.forget(exchange);
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
