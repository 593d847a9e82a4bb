// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/core_loop.h"

#include "base/assert.h"
#include "dataplane/worker/client_connection.h"
#include "dataplane/worker/upstream_connection.h"

#include <algorithm>
#include <memory>

namespace gh::worker {

CoreLoop::CoreLoop(
    Core& core,
    net::Road& road,
    BufferPool& buffers,
    const Settings& settings,
    const Shared& shared,
    Metrics& metrics,
    LogQueue& log
)
    : timers_(core.now()),
      state_(core, timers_, buffers, road, settings, shared, metrics, log),
      pool_(core, timers_, *this, metrics.replicas),
      pipeline_(state_, pool_) {
  GH_ASSERT(metrics.replicas.size() == settings.replicas.size());
}

void CoreLoop::after_wait() noexcept {
  notice_new_tls();
  timers_.expire(state_.core.now());
  state_.service_dirty();
  while (state_.crypto.run()) state_.service_dirty();  // ends: a handshake has few operations
  state_.metrics.loop_turns.add();
}

Instant CoreLoop::next_deadline() const noexcept {
  if (state_.crypto.queued() != 0) return state_.core.now();
  const Instant timers = timers_.next_deadline();
  return state_.crypto.polls() ? std::min(timers, state_.core.now() + limits::crypto_poll) : timers;
}

// New certificates or CAs: upstream connections are made anew; callers are judged under the new
// trust at their next request.
void CoreLoop::notice_new_tls() noexcept {
  const std::uint64_t now = state_.shared.tls.version();
  if (now == tls_seen_) return;
  if (tls_seen_ != 0) pool_.retire_all();
  tls_seen_ = now;
}

void CoreLoop::begin_drain() noexcept {
  pipeline_.drain_all();
  state_.service_dirty();
}

net::StreamHandler* CoreLoop::on_accept(net::Stream& stream) noexcept {
  state_.metrics.connections_accepted.add();
  if (pipeline_.clients() >= limits::connections_per_worker_max ||
      state_.shared.tls.read() == nullptr) {
    state_.metrics.connections_refused.add();
    return nullptr;
  }
  auto* client = new ClientConnection(state_, pipeline_, stream);
  state_.adopt(*client);
  pipeline_.remember(*client);
  return client;
}

proxy::Link* CoreLoop::dial(std::size_t replica, bool h1_only) noexcept {
  auto connection = std::make_unique<UpstreamConnection>(state_, pool_, replica, h1_only);
  if (!connection->connect()) return nullptr;
  state_.adopt(*connection);
  return connection.release();
}

}  // namespace gh::worker
