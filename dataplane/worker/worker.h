// SPDX-License-Identifier: Apache-2.0
// One core's run-to-completion loop: take what arrived, run the machines, expire timers, send, pass
// a quiet point. Owner: its own thread, pinned. Control makes it, starts run() on a thread, and
// speaks to it only through the doors: Rcu snapshots (Shared), LogQueue, Metrics, and
// request_stop().
#pragma once

#include "authz/identity/certificate_mapping.h"
#include "authz/identity/from_front_proxy.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "authz/node/graph_snapshot.h"
#include "authz/policy_snapshot.h"
#include "base/core.h"
#include "base/log.h"
#include "base/per_core.h"
#include "base/rcu.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/proxy/replica.h"
#include "dataplane/worker/metrics.h"
#include "tls/context.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gh::worker {

enum class AuthorizerKind : std::uint8_t { node, rbac, always_allow };

// Fixed while the process lives.
struct Settings {
  net::RoadKind road = net::RoadKind::uring;
  // Called on the worker's thread. Null: net::make_road() of `road`.
  std::function<Outcome<std::unique_ptr<net::Road>>(CoreId, BufferPool&)> make_road;
  bool pin = true;
  std::vector<AuthorizerKind> authorizers = {AuthorizerKind::rbac};  // asked in this order
  bool shadow = false;            // what would be denied is forwarded all the same
  bool node_restriction = false;  // admission of what nodes change
  bool anonymous = false;
  bool review_tokens = false;  // what is not known of a token is asked of an API server
  std::vector<std::string> api_audiences;
  std::shared_ptr<const identity::CertificateMapping> mapping;  // null: common names only
  std::shared_ptr<const identity::FrontProxy> front_proxy;      // null: none is believed
  bool access_log = false;
  Duration handshake_timeout = limits::handshake_timeout;
  Duration shutdown_timeout = limits::shutdown_timeout;
  Duration idle_timeout = limits::idle_timeout;
  Duration head_timeout = limits::head_timeout;
  std::vector<proxy::Replica> replicas;
};

// TLS settings in force: replaced whole when certificates, keys or CAs change. One context a core,
// so that workers share no reference counts. Engines outlive the snapshot they were made from.
struct TlsSnapshot {
  std::vector<std::unique_ptr<tls::ServerContext>> server;  // by core
  // ALPN h2 and http/1.1, by core × replica: [core * replicas + replica]
  std::vector<std::unique_ptr<tls::ClientContext>> upstream;
  // ALPN http/1.1 only (upgrades), likewise
  std::vector<std::unique_ptr<tls::ClientContext>> upstream_h1;
  // who is trusted now: identities of another epoch are verified again
  std::shared_ptr<const tls::TrustStore> client_trust;
  std::shared_ptr<const tls::TrustStore> proxy_trust;  // front proxies; null: none is believed
};

// What control publishes and all workers read.
struct Shared {
  Rcu<authz::PolicySnapshot> policy;
  Rcu<TlsSnapshot> tls;
  Rcu<identity::TokenAuthenticators> tokens;  // null: no bearer token is judged
  Rcu<authz::node::GraphSnapshot> nodes;      // null: authorization-mode Node knows of no object
};

class Worker {
 public:
  // `listens`: this worker's own; their sockets are taken.
  Worker(
      CoreId id,
      const Settings& settings,
      const Shared& shared,
      Metrics& metrics,
      LogQueue& log,
      std::vector<net::Listening> listens
  );
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The thread's body: returns when stopped and drained (or --shutdown-timeout has passed). A
  // Fault: the road could not start.
  Outcome<void> run();
  void request_stop() noexcept;   // any thread: stop accepting, GOAWAY / Connection: close, finish
  void request_abort() noexcept;  // any thread: a second SIGTERM; stop now

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace gh::worker
