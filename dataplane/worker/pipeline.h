// SPDX-License-Identifier: Apache-2.0
// The path of a request on one core, from head to forward: the only file where the rooms meet.
// Owner: the worker's loop. Not here: bytes and handshakes (client_connection.h), both legs
// (proxy/exchange.h).
#pragma once

#include "authz/impersonation/mode_memory.h"
#include "authz/request_info.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/upstream_pool.h"
#include "dataplane/worker/access_log.h"
#include "dataplane/worker/admission.h"
#include "dataplane/worker/authentication.h"
#include "dataplane/worker/authorizer.h"
#include "dataplane/worker/client_connection.h"
#include "dataplane/worker/core_state.h"
#include "dataplane/worker/open_requests.h"

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace gh::worker {

class Pipeline final : public proxy::ExchangeHost,
                       Authentication::Waiting,
                       Admission::Waiting,
                       OpenRequests::Judge {
 public:
  Pipeline(CoreState& state, proxy::UpstreamPool& upstreams);
  ~Pipeline();

  void on_request(ClientConnection& client, http::Stream& stream, http::RequestHead& head);
  void on_done(proxy::Exchange& exchange, http::Reset reset) noexcept override;
  void on_tunnel_open() noexcept override;
  void on_collected(proxy::Exchange& exchange, Collected what) noexcept override;

  // The clients of this core.
  void remember(ClientConnection& client) noexcept;
  void forget(ClientConnection& client) noexcept;

  std::size_t clients() const noexcept { return clients_; }

  void drain_all() noexcept;
  void abort_all() noexcept;

 private:
  enum class Verdict : std::uint8_t {  // indices into decision_names
    allow,
    deny,
    unauthenticated,
    error,
    shadow_deny
  };

  // The request being judged: what is asked stands in info_.
  struct Case {
    ClientConnection& client;
    proxy::Exchange& exchange;
    PrincipalRef who;                      // as whom it is judged and forwarded
    PrincipalRef requestor;                // who asked to be `who`; null: nobody did
    std::optional<std::string> protocols;  // of a WebSocket, to be forwarded instead
    Authentication::Proof proof;
  };

  void judge(ClientConnection& client, proxy::Exchange& exchange);
  bool read_target(Case& request);
  bool become(Case& request);
  void authorize(Case& request);
  void refuse_not_ready(const Case& request);
  bool allowed(Case& request, Verdict& verdict, std::string& reason);
  void remember_open(Case& request);
  bool still_may(proxy::Exchange& exchange, OpenRequest& open) noexcept override;
  void on_right_lost(proxy::Exchange& exchange, OpenRequest& open) noexcept override;
  void forward(Case& request, Verdict verdict, std::string_view reason);
  void send(Case& request);
  void on_authentication(proxy::Exchange& exchange) noexcept override;
  void on_admitted(proxy::Exchange& exchange) noexcept override;
  void on_not_admitted(
      proxy::Exchange& exchange, const authz::admission::Refusal& why
  ) noexcept override;
  void refuse(
      const Case& request, Verdict verdict, const proxy::Refusal& refusal, std::string_view reason
  );
  void note(const Case& request, Verdict verdict, std::string_view reason);
  proxy::Exchange& take_exchange();

  CoreState& state_;
  Authentication authentication_;
  Authorizer authorizer_;
  authz::impersonation::ModeMemory modes_;
  Admission admission_;
  std::unordered_map<const proxy::Exchange*, Case> in_admission_;
  OpenRequests open_;
  authz::RequestInfo info_;  // of the request being judged
  std::vector<std::unique_ptr<proxy::Exchange>> exchanges_;
  proxy::Exchange* free_ = nullptr;
  ClientConnection* first_client_ = nullptr;
  std::size_t clients_ = 0;
};

}  // namespace gh::worker
