// SPDX-License-Identifier: Apache-2.0
#include "control/reloader.h"

#include "control/log.h"

#include <utility>

namespace gh::control {
namespace {

void append(std::vector<Fault>& into, std::vector<Fault> more) {
  for (Fault& fault : more) into.push_back(std::move(fault));
}

bool is_empty(const authz::rbac::Policy& policy) {
  return policy.roles.empty() && policy.cluster_roles.empty() && policy.role_bindings.empty() &&
         policy.cluster_role_bindings.empty();
}

}  // namespace

Reloader::Reloader(
    const Config& config, std::size_t workers, worker::Shared& shared, Status& status, LogQueue& log
)
    : config_(config),
      shared_(shared),
      status_(status),
      log_(log),
      tls_(config, workers),
      tokens_(config) {
  status_.policy_needed.store(config.uses(Authorizer::rbac));
}

std::vector<std::string> Reloader::paths() const {
  std::vector<std::string> paths = tls_.files();
  if (config_.uses(Authorizer::rbac)) {
    paths.insert(paths.end(), config_.policy.begin(), config_.policy.end());
  }
  if (config_.uses(Authorizer::node))
    paths.insert(paths.end(), config_.node_graph.begin(), config_.node_graph.end());
  const std::vector<std::string> of_tokens = tokens_.paths();
  paths.insert(paths.end(), of_tokens.begin(), of_tokens.end());
  return paths;
}

std::vector<Fault> Reloader::start(UnixTime now) {
  seen_ = fingerprint(paths());
  std::vector<Fault> faults = read_tls(now);
  append(faults, read_policy_set(now));
  append(faults, read_tokens(now));
  append(faults, read_node_graph(now));
  return faults;
}

void Reloader::reload(UnixTime now) {
  seen_ = fingerprint(paths());
  std::vector<Fault> faults = read_tls(now);
  append(faults, read_tokens(now));
  append(faults, read_node_graph(now));
  for (const Fault& fault : faults) {
    say(LogLevel::error,
        event_text(
            "reload refused, what was in force stays",
            {{"where", fault.where}, {"problem", fault.text}}
        ));
  }
  for (const Fault& fault : read_policy_set(now)) {
    say(LogLevel::error,
        event_text(
            "policy refused, the one in force stays",
            {{"generation", std::to_string(generation_)},
             {"where", fault.where},
             {"problem", fault.text}}
        ));
  }
}

bool Reloader::changed_on_disk() const { return fingerprint(paths()) != seen_; }

void Reloader::record(SourceKind kind, bool ok, UnixTime now) {
  SourceStatus& source = status_.source(kind);
  const bool was_ok = source.last_ok.exchange(ok);
  if (ok && !was_ok && source.failures.read() > 0) {
    say(LogLevel::info, event_text("good again", {{"kind", std::string(name_of(kind))}}));
  }
  (ok ? source.successes : source.failures).add();
  if (ok) source.last_success.store(now.seconds);
}

void Reloader::warn_once(SourceKind kind, const std::vector<std::string>& warnings) {
  auto& before = warned_[static_cast<std::size_t>(kind)];
  if (before == warnings) return;
  for (const std::string& warning : warnings) {
    say(LogLevel::warn,
        event_text("warning", {{"kind", std::string(name_of(kind))}, {"text", warning}}));
  }
  before = warnings;
}

// ---- policy ----

std::vector<Fault> Reloader::read_policy_set(UnixTime now) {
  if (!config_.uses(Authorizer::rbac)) return {};
  auto set = read_policy(config_.policy, config_.bootstrap_policy);
  record(SourceKind::policy, set.has_value(), now);
  if (!set) return std::move(set).error();
  warn_once(SourceKind::policy, set->warnings);
  auto change = policy_.update(set->policy);  // compiles what is different
  if (!change) {
    record(SourceKind::policy, false, now);
    return {std::move(change).error()};
  }
  if (generation_ > 0 && !change->any()) return {};
  auto snapshot = std::make_unique<authz::PolicySnapshot>();
  snapshot->generation = generation_ + 1;
  snapshot->table = policy_.table();
  status_.policy_bindings.store(snapshot->table.bindings());
  status_.policy_bytes.store(snapshot->table.memory());
  shared_.policy.publish(std::move(snapshot));
  status_.policy_generation.store(++generation_);
  if (is_empty(set->policy))
    say(LogLevel::warn, "the policy is empty: only the group system:masters may do anything");
  say(LogLevel::info,
      event_text(
          "policy in force",
          {{"generation", std::to_string(generation_)},
           {"objects", describe_policy(*set)},
           {"added", std::to_string(change->added)},
           {"removed", std::to_string(change->removed)},
           {"changed", std::to_string(change->changed)}}
      ));
  return {};
}

// ---- tokens ----

std::vector<Fault> Reloader::read_tokens(UnixTime now) {
  if (!TokenSource::wanted(config_)) return {};
  TokenReport report = tokens_.read();
  record(SourceKind::tokens, report.faults.empty(), now);
  warn_once(SourceKind::tokens, report.warnings);
  if (!report.faults.empty()) return std::move(report.faults);
  if (!report.changed && token_generation_ > 0) return {};
  publish_tokens();
  say(LogLevel::info, event_text("tokens in force", {{"what", tokens_.describe()}}));
  return {};
}

void Reloader::publish_tokens() { shared_.tokens.publish(tokens_.build(++token_generation_)); }

void Reloader::take_fetched_keys() {
  for (std::string& event : tokens_.take_events()) say(LogLevel::info, std::move(event));
  if (token_generation_ > 0 && tokens_.keys_changed()) publish_tokens();
}

// ---- what nodes may reach ----

std::vector<Fault> Reloader::read_node_graph(UnixTime now) {
  if (!config_.uses(Authorizer::node)) return {};
  auto set = read_node_objects(config_.node_graph);
  record(SourceKind::node_graph, set.has_value(), now);
  if (!set) return std::move(set).error();
  const NodeSource::Change change = nodes_.apply(*set);
  if (nodes_published_ && !change.any()) return {};
  nodes_.publish(shared_.nodes);
  nodes_published_ = true;
  say(LogLevel::info,
      event_text(
          "node graph in force",
          {{"objects", describe_node_set(*set)},
           {"added", std::to_string(change.added)},
           {"removed", std::to_string(change.removed)},
           {"changed", std::to_string(change.changed)}}
      ));
  return {};
}

// ---- TLS ----

std::vector<Fault> Reloader::read_tls(UnixTime now) {
  std::vector<Fault> faults;
  std::string changed;
  for (SourceReport& report : tls_.read(now)) {
    record(report.kind, report.result != ReadResult::failed, now);
    warn_once(report.kind, report.warnings);
    append(faults, std::move(report.faults));
    if (report.result == ReadResult::changed)
      changed += (changed.empty() ? "" : ",") + std::string(name_of(report.kind));
  }
  if (changed.empty() || !tls_.complete()) return faults;
  if (auto published = publish_tls(now); !published) {
    faults.push_back(std::move(published).error());
  } else {
    say(LogLevel::info, event_text("certificates in force", {{"changed", changed}}));
  }
  return faults;
}

Outcome<void> Reloader::publish_tls(UnixTime now) {
  GH_TRY(auto snapshot, tls_.build(now));
  shared_.tls.publish(std::move(snapshot));
  status_.tls_ready.store(true);
  return {};
}

void Reloader::rotate_ticket_keys(UnixTime now) {
  if (!config_.session_ticket_key_file.empty()) return;  // theirs are rotated in the files
  auto rotated = tls_.rotate_ticket_keys();
  if (rotated) rotated = publish_tls(now);
  if (!rotated)
    say(LogLevel::error,
        event_text("ticket keys stay", {{"problem", rotated.error().to_string()}}));
}

}  // namespace gh::control
