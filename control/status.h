// SPDX-License-Identifier: Apache-2.0
// What control knows of the running gate: written by the control thread, read by the admin thread.
#pragma once

#include "base/counters.h"
#include "base/log.h"
#include "control/tls_source.h"
#include "dataplane/net/dpdk/ports.h"
#include "dataplane/worker/metrics.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace gh::control {

struct SourceStatus {
  Counter successes;  // reads that were good, changed or not
  Counter failures;
  std::atomic<std::int64_t> last_success{0};  // Unix time; 0: never
  std::atomic<bool> last_ok{false};
};

struct Status {
  std::array<SourceStatus, source_kinds> sources;
  std::atomic<std::uint64_t> policy_generation{0};
  std::atomic<std::uint64_t> policy_bindings{0};
  std::atomic<std::uint64_t> policy_bytes{0};
  std::atomic<bool> policy_needed{true};  // false: AlwaysAllow
  std::atomic<bool> tls_ready{false};
  std::atomic<std::size_t> workers_running{0};
  std::atomic<bool> stopping{false};

  SourceStatus& source(SourceKind kind) { return sources[static_cast<std::size_t>(kind)]; }
};

// Everything /metrics and /readyz look at. Fixed once the workers are made.
struct View {
  const Status* status = nullptr;
  std::vector<const worker::Metrics*> workers;
  std::vector<const LogQueue*> logs;
  std::vector<std::string> replicas;        // names, in the order of worker::Settings::replicas
  std::string config;                       // for /debug/config
  const net::dpdk::Ports* ports = nullptr;  // --road dpdk
};

}  // namespace gh::control
