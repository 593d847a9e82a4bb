// SPDX-License-Identifier: Apache-2.0
// Certificates, keys (of session tickets too) and CAs from files: each kind is read, judged and
// replaced by itself, so that a bad serving certificate does not keep a withdrawn CA in force. In:
// the file names of a Config. Out: what changed and what was wrong; TlsSnapshots for the workers.
// Control only.
#pragma once

#include "base/result.h"
#include "base/units.h"
#include "control/config.h"
#include "dataplane/worker/worker.h"
#include "tls/context.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

enum class SourceKind : std::uint8_t {
  policy,
  serving_certificate,
  client_ca,
  upstream_ca,
  proxy_client_certificate,
  requestheader_client_ca,
  tokens,
  node_graph,
  session_ticket_keys
};
inline constexpr std::size_t source_kinds = 9;
std::string_view name_of(SourceKind kind);

enum class ReadResult : std::uint8_t { unchanged, changed, failed };

struct SourceReport {
  SourceKind kind = SourceKind::policy;
  ReadResult result = ReadResult::failed;
  std::vector<Fault> faults;          // failed: why; what was read before stays
  std::vector<std::string> warnings;  // usable all the same: an expired certificate
};

class TlsSource {
 public:
  TlsSource(const Config& config, std::size_t workers) : config_(config), workers_(workers) {}

  // Reads all files again. A kind that failed keeps what it had.
  std::vector<SourceReport> read(UnixTime now);
  bool complete() const noexcept;  // every kind that is needed has been read once

  // From what was read last.
  Outcome<std::unique_ptr<const worker::TlsSnapshot>> build(UnixTime now);
  Outcome<void> rotate_ticket_keys();  // those made here

  std::vector<std::string> files() const;  // to watch

 private:
  using Trust = std::shared_ptr<const tls::TrustStore>;

  bool needs_upstream_tls() const noexcept;
  SourceReport read_serving(UnixTime now);
  SourceReport read_trust(SourceKind kind, const std::string& file, Trust& into, UnixTime now);
  SourceReport read_proxy_client(UnixTime now);
  SourceReport read_ticket_keys();
  tls::TicketLimits ticket_limits() const;
  std::vector<std::string> all_files() const;
  bool batches_crypto() const;
  tls::ProtocolSettings protocol() const;
  tls::ServerSettings server_settings(std::vector<tls::KeyPair> certificates) const;
  tls::ClientSettings client_settings(const UpstreamUrl& upstream, bool h2) const;
  Outcome<void> add_clients(worker::TlsSnapshot& snapshot, UnixTime now) const;

  const Config& config_;
  std::size_t workers_;
  std::vector<tls::KeyPair> serving_;
  Trust client_trust_;
  Trust proxy_trust_;
  Trust upstream_trust_;
  std::optional<tls::KeyPair> proxy_client_;
  std::shared_ptr<const tls::TicketKeys> ticket_keys_;
};

}  // namespace gh::control
