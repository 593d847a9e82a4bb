// SPDX-License-Identifier: Apache-2.0
// Brings policy, tokens and TLS material from files into force, at start and again whenever they
// change. In: "read now".   Out: snapshots published under RCU; a line in the log, a counter and a
// time for each kind. A set with a fault changes nothing; what was in force stays. Nothing is
// published that is only partly read. Owner: the control thread.
#pragma once

#include "authz/rbac/compiler.h"
#include "base/log.h"
#include "base/result.h"
#include "control/node_source.h"
#include "control/policy_source.h"
#include "control/status.h"
#include "control/tls_source.h"
#include "control/token_source.h"
#include "dataplane/worker/worker.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

class Reloader {
 public:
  Reloader(
      const Config& config,
      std::size_t workers,
      worker::Shared& shared,
      Status& status,
      LogQueue& log
  );

  // The first read: all must be good. Empty: everything is published.
  std::vector<Fault> start(UnixTime now);
  void reload(UnixTime now);     // everything again; faults go to the log
  bool changed_on_disk() const;  // the slow look, for changes that no event told
  void rotate_ticket_keys(UnixTime now);
  void take_fetched_keys();  // of OIDC issuers, when some have arrived

  std::vector<std::string> paths() const;  // to watch

 private:
  std::vector<Fault> read_policy_set(UnixTime now);
  std::vector<Fault> read_tls(UnixTime now);
  std::vector<Fault> read_tokens(UnixTime now);
  std::vector<Fault> read_node_graph(UnixTime now);
  void publish_tokens();
  Outcome<void> publish_tls(UnixTime now);
  void record(SourceKind kind, bool ok, UnixTime now);

  void say(LogLevel level, std::string text) { log_.push({level, false, std::move(text)}); }

  void warn_once(SourceKind kind, const std::vector<std::string>& warnings);

  const Config& config_;
  worker::Shared& shared_;
  Status& status_;
  LogQueue& log_;
  TlsSource tls_;
  TokenSource tokens_;
  std::uint64_t token_generation_ = 0;
  NodeSource nodes_;
  bool nodes_published_ = false;
  authz::rbac::PolicyCompiler policy_;  // of what is in force
  std::uint64_t generation_ = 0;
  std::uint64_t seen_ = 0;  // fingerprint of what was read last
  std::array<std::vector<std::string>, source_kinds> warned_;
};

}  // namespace gh::control
