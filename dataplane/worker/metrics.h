// SPDX-License-Identifier: Apache-2.0
// Everything a worker counts: written by its core, summed by control for /metrics.
#pragma once

#include "base/counters.h"
#include "base/stage.h"
#include "dataplane/http/session.h"
#include "dataplane/proxy/replica.h"
#include "tls/crypto_queue.h"
#include "tls/engine.h"
#include "tls/identity_cache.h"

#include <array>
#include <cstddef>
#include <vector>

namespace gh::worker {

// One row of gatehouse_requests_total{verb,code,decision}: verbs Kubernetes knows, the rest under
// "other".
inline constexpr std::array<std::string_view, 13> verb_names = {
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "proxy",
    "post",
    "put",
    "head",
    "other"
};
inline constexpr std::array<std::string_view, 5> decision_names = {
    "allow", "deny", "unauthenticated", "error", "shadow-deny"
};
inline constexpr std::size_t codes = 500;  // status 100..599

struct Metrics {
  Counter connections_accepted, connections_open, connections_refused;
  std::array<Counter, std::size_t(tls::TlsError::internal) + 1> handshakes_failed;  // by TlsError
  Counter handshakes_full_tls12, handshakes_full_tls13, handshakes_resumed_tls12,
      handshakes_resumed_tls13;
  tls::IdentityCacheCounters identity_cache;
  tls::CryptoCounters crypto;
  std::array<Counter, std::size_t(http::SessionError::bad_response) + 1> session_errors;
  std::array<Counter, 3> requests_by_version;  // http::Version
  // Requests by verb, decision and code; a table of counters, 13 × 5 × 500 × 8 bytes = 260 KB a
  // worker.
  std::array<std::array<std::array<Counter, codes>, decision_names.size()>, verb_names.size()>
      requests;
  // tls: whole handshake; authorize: the decision; forward: to the response head
  std::array<LatencyHistogram, stage_names.size()> stage_latency;
  // head to the end of the answer; not watches, logs and upgrades
  LatencyHistogram request_latency;
  Counter requests_active, tunnels_active, tunnels_total;
  Counter bytes_in, bytes_out;
  Counter identities_unforwardable;  // refused: cannot be passed on unchanged in headers
  Counter admission_refused;         // by NodeRestriction
  Counter open_requests_ended;       // watches, logs, tunnels whose right was lost meanwhile
  Counter tokens_cached, tokens_judged, tokens_asked;  // bearer tokens by who knew
  Counter upstream_unavailable;                        // 503 for want of a replica
  Counter loop_turns;
  std::vector<proxy::ReplicaMetrics> replicas;  // in the order of Settings::replicas
};

}  // namespace gh::worker
