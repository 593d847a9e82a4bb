// SPDX-License-Identifier: Apache-2.0
// One core's gate on a road somebody else turns: clients in, upstreams out, the pipeline between.
// No thread, no clock, no system call of its own: worker.cc runs it on a real road, tests/sim on a
// simulated one. Owner: one core. Per turn: the road delivers → after_wait() → the road submits →
// end_turn().
#pragma once

#include "base/buffer_pool.h"
#include "base/core.h"
#include "base/timer_wheel.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/proxy/upstream_pool.h"
#include "dataplane/worker/core_state.h"
#include "dataplane/worker/pipeline.h"

#include <cstdint>

namespace gh::worker {

class CoreLoop final : public net::AcceptHandler, public proxy::Dialer {
 public:
  // metrics.replicas has an entry for each of settings.replicas.
  CoreLoop(
      Core& core,
      net::Road& road,
      BufferPool& buffers,
      const Settings& settings,
      const Shared& shared,
      Metrics& metrics,
      LogQueue& log
  );

  // expires timers, serves every connection that has something to do, and does the public-key
  // operations that their handshakes came to
  void after_wait() noexcept;

  void end_turn() noexcept { state_.empty_graveyard(); }

  Instant next_deadline() const noexcept;

  void begin_drain() noexcept;  // GOAWAY / Connection: close on every client

  void abort_clients() noexcept { pipeline_.abort_all(); }

  std::size_t clients() const noexcept { return pipeline_.clients(); }

  net::StreamHandler* on_accept(net::Stream& stream) noexcept override;
  proxy::Link* dial(std::size_t replica, bool h1_only) noexcept override;

 private:
  void notice_new_tls() noexcept;

  TimerWheel timers_;
  CoreState state_;
  proxy::UpstreamPool pool_;
  Pipeline pipeline_;
  std::uint64_t tls_seen_ = 0;
};

}  // namespace gh::worker
