// SPDX-License-Identifier: Apache-2.0
#include "control/tls_source.h"

#include "control/cipher_suites.h"
#include "tls/crypto_batch.h"
#include "tls/pkcs11/pkcs11_uri.h"
#include "tls/ticket_key_files.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace gh::control {
namespace {

bool same(const tls::KeyPair& a, const tls::KeyPair& b) {
  return a.chain_pem == b.chain_pem && a.key_pem == b.key_pem && a.names == b.names;
}

bool same(const std::vector<tls::KeyPair>& a, const std::vector<tls::KeyPair>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return same(x, y);
  });
}

std::vector<std::string> at(const std::string& file, const std::vector<std::string>& warnings) {
  std::vector<std::string> out;
  for (const std::string& warning : warnings)
    out.push_back(warning.find(file) == warning.npos ? file + ": " + warning : warning);
  return out;
}

}  // namespace

std::string_view name_of(SourceKind kind) {
  static constexpr std::array<std::string_view, source_kinds> names = {
      "policy",
      "serving_certificate",
      "client_ca",
      "upstream_ca",
      "proxy_client_certificate",
      "requestheader_client_ca",
      "tokens",
      "node_graph",
      "session_ticket_keys"
  };
  return names[static_cast<std::size_t>(kind)];
}

bool TlsSource::needs_upstream_tls() const noexcept {
  return std::any_of(config_.upstream.begin(), config_.upstream.end(), [](const UpstreamUrl& at) {
    return at.tls;
  });
}

bool TlsSource::complete() const noexcept {
  const bool upstream = !needs_upstream_tls() || (upstream_trust_ && proxy_client_);
  const bool proxies = config_.requestheader_client_ca_file.empty() || proxy_trust_;
  const bool tickets = config_.session_ticket_key_file.empty() || ticket_keys_;
  return !serving_.empty() && client_trust_ && proxies && upstream && tickets;
}

std::vector<SourceReport> TlsSource::read(UnixTime now) {
  std::vector<SourceReport> reports;
  reports.push_back(read_serving(now));
  reports.push_back(read_trust(SourceKind::client_ca, config_.client_ca_file, client_trust_, now));
  if (!config_.requestheader_client_ca_file.empty()) {
    reports.push_back(read_trust(
        SourceKind::requestheader_client_ca, config_.requestheader_client_ca_file, proxy_trust_, now
    ));
  }
  if (needs_upstream_tls()) {
    reports.push_back(
        read_trust(SourceKind::upstream_ca, config_.upstream_ca_file, upstream_trust_, now)
    );
    reports.push_back(read_proxy_client(now));
  }
  if (!config_.session_ticket_key_file.empty()) reports.push_back(read_ticket_keys());
  return reports;
}

// Each pair is judged alone, so that all faults are told; then all together.
SourceReport TlsSource::read_serving(UnixTime now) {
  SourceReport report{SourceKind::serving_certificate, ReadResult::failed, {}, {}};
  std::vector<CertificateFiles> files = {{config_.tls_cert_file, config_.tls_private_key_file, {}}};
  files.insert(files.end(), config_.tls_sni_cert_key.begin(), config_.tls_sni_cert_key.end());
  std::vector<tls::KeyPair> pairs;
  for (const CertificateFiles& file : files) {
    auto pair = tls::load_key_pair(file.cert_file, file.key_file);
    if (!pair) {
      report.faults.push_back(std::move(pair).error());
      continue;
    }
    auto context = tls::ServerContext::make(server_settings({*pair}), now);
    if (!context) {
      report.faults.push_back(std::move(context).error());
      continue;
    }
    for (std::string& warning : at(file.cert_file, (*context)->warnings()))
      report.warnings.push_back(std::move(warning));
    pair->names = file.names;
    pairs.push_back(std::move(*pair));
  }
  if (!report.faults.empty()) return report;
  auto together = tls::ServerContext::make(server_settings(pairs), now);
  if (!together) {
    report.faults.push_back(std::move(together).error());
    return report;
  }
  report.result = same(pairs, serving_) ? ReadResult::unchanged : ReadResult::changed;
  serving_ = std::move(pairs);
  return report;
}

SourceReport TlsSource::read_trust(
    SourceKind kind, const std::string& file, Trust& into, UnixTime now
) {
  SourceReport report{kind, ReadResult::failed, {}, {}};
  auto trust = tls::TrustStore::load(file);
  if (!trust) {
    report.faults.push_back(std::move(trust).error());
    return report;
  }
  report.warnings = at(file, (*trust)->warnings(now));
  report.result = into && into->full_epoch() == (*trust)->full_epoch() ? ReadResult::unchanged
                                                                       : ReadResult::changed;
  if (report.result == ReadResult::changed) into = std::move(*trust);
  return report;
}

SourceReport TlsSource::read_proxy_client(UnixTime now) {
  SourceReport report{SourceKind::proxy_client_certificate, ReadResult::failed, {}, {}};
  auto pair = tls::load_key_pair(config_.proxy_client_cert_file, config_.proxy_client_key_file);
  if (!pair) {
    report.faults.push_back(std::move(pair).error());
    return report;
  }
  if (upstream_trust_) {  // without, its own report says why nothing can be made
    tls::ClientSettings settings;
    settings.trust = upstream_trust_;
    settings.certificate = *pair;
    settings.server_name = "localhost";
    auto context = tls::ClientContext::make(settings, now);
    if (!context) {
      report.faults.push_back(std::move(context).error());
      return report;
    }
    report.warnings = at(config_.proxy_client_cert_file, (*context)->warnings());
  }
  report.result =
      proxy_client_ && same(*proxy_client_, *pair) ? ReadResult::unchanged : ReadResult::changed;
  proxy_client_ = std::move(*pair);
  return report;
}

SourceReport TlsSource::read_ticket_keys() {
  SourceReport report{SourceKind::session_ticket_keys, ReadResult::failed, {}, {}};
  auto files = tls::load_ticket_keys(config_.session_ticket_key_file);
  if (!files) {
    report.faults.push_back(std::move(files).error());
    return report;
  }
  report.warnings = std::move(files->warnings);
  report.result =
      ticket_keys_ && *ticket_keys_ == *files->keys ? ReadResult::unchanged : ReadResult::changed;
  if (report.result == ReadResult::changed) ticket_keys_ = std::move(files->keys);
  return report;
}

tls::TicketLimits TlsSource::ticket_limits() const {
  using std::chrono::duration_cast;
  return {
      duration_cast<std::chrono::seconds>(config_.ticket_lifetime),
      duration_cast<std::chrono::seconds>(config_.resumption_lineage_max)
  };
}

bool TlsSource::batches_crypto() const {
  switch (config_.crypto_batch) {
    case CryptoBatching::on:
      return true;
    case CryptoBatching::off:
      return false;
    case CryptoBatching::automatic:
      break;
  }
  return tls::multibuffer_missing().empty();
}

tls::ProtocolSettings TlsSource::protocol() const {
  tls::ProtocolSettings protocol;
  const bool only_13 = config_.tls_min_version == MinVersion::tls_1_3;
  protocol.version_min = only_13 ? tls::ProtocolVersion::tls_1_3 : tls::ProtocolVersion::tls_1_2;
  const std::string ciphers = openssl_cipher_list(config_.tls_cipher_suites);
  if (!ciphers.empty()) protocol.ciphers_tls12 = ciphers;
  for (const std::string& group : config_.tls_curve_preferences)
    protocol.groups += (protocol.groups.empty() ? "" : ":") + group;
  return protocol;
}

tls::ServerSettings TlsSource::server_settings(std::vector<tls::KeyPair> certificates) const {
  tls::ServerSettings settings;
  settings.certificates = std::move(certificates);
  settings.client_trust = client_trust_;
  settings.proxy_trust = proxy_trust_;
  const bool require = config_.client_cert_mode == ClientCertMode::require;
  settings.mode = require ? tls::ClientCertMode::require : tls::ClientCertMode::request;
  settings.ticket_keys = ticket_keys_;
  settings.tickets = ticket_limits();
  settings.batch_crypto = batches_crypto();
  settings.engine_pauses = !config_.ssl_engine.empty();
  settings.protocol = protocol();
  return settings;
}

tls::ClientSettings TlsSource::client_settings(const UpstreamUrl& upstream, bool h2) const {
  tls::ClientSettings settings;
  settings.trust = upstream_trust_;
  settings.certificate = proxy_client_;
  settings.server_name =
      config_.upstream_server_name.empty() ? upstream.at.host : config_.upstream_server_name;
  if (!h2) settings.alpn = {tls::Alpn::http_1_1};
  settings.resume = true;
  settings.batch_crypto = batches_crypto();
  settings.engine_pauses = !config_.ssl_engine.empty();
  return settings;
}

Outcome<void> TlsSource::rotate_ticket_keys() {
  // As many as open what is younger than its lifetime.
  const auto keep = config_.ticket_lifetime / config_.session_ticket_rotate_interval + 1;
  auto keys = ticket_keys_ ? ticket_keys_->rotated(static_cast<std::size_t>(keep))
                           : tls::TicketKeys::generate();
  if (!keys) return fail(std::move(keys).error());
  ticket_keys_ = std::move(*keys);
  return {};
}

Outcome<void> TlsSource::add_clients(worker::TlsSnapshot& snapshot, UnixTime now) const {
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    for (const UpstreamUrl& upstream : config_.upstream) {
      if (!upstream.tls) {
        snapshot.upstream.push_back(nullptr);
        snapshot.upstream_h1.push_back(nullptr);
        continue;
      }
      GH_TRY(auto h2, tls::ClientContext::make(client_settings(upstream, true), now));
      GH_TRY(auto h1, tls::ClientContext::make(client_settings(upstream, false), now));
      snapshot.upstream.push_back(std::move(h2));
      snapshot.upstream_h1.push_back(std::move(h1));
    }
  }
  return {};
}

Outcome<std::unique_ptr<const worker::TlsSnapshot>> TlsSource::build(UnixTime now) {
  if (!ticket_keys_) GH_TRY_VOID(rotate_ticket_keys());
  auto snapshot = std::make_unique<worker::TlsSnapshot>();
  const tls::ServerSettings settings = server_settings(serving_);
  for (std::size_t worker = 0; worker < workers_; ++worker) {
    GH_TRY(auto context, tls::ServerContext::make(settings, now));
    snapshot->server.push_back(std::move(context));
  }
  GH_TRY_VOID(add_clients(*snapshot, now));
  snapshot->client_trust = client_trust_;
  snapshot->proxy_trust = proxy_trust_;
  return std::unique_ptr<const worker::TlsSnapshot>(std::move(snapshot));
}

std::vector<std::string> TlsSource::files() const {
  std::vector<std::string> files = all_files();
  std::erase_if(files, [](const std::string& file) { return tls::is_pkcs11_uri(file); });
  return files;
}

std::vector<std::string> TlsSource::all_files() const {
  std::vector<std::string> files = {
      config_.tls_cert_file, config_.tls_private_key_file, config_.client_ca_file
  };
  for (const CertificateFiles& more : config_.tls_sni_cert_key)
    files.insert(files.end(), {more.cert_file, more.key_file});
  if (!config_.requestheader_client_ca_file.empty())
    files.push_back(config_.requestheader_client_ca_file);
  files.insert(
      files.end(), config_.session_ticket_key_file.begin(), config_.session_ticket_key_file.end()
  );
  if (needs_upstream_tls()) {
    files.insert(
        files.end(),
        {config_.upstream_ca_file, config_.proxy_client_cert_file, config_.proxy_client_key_file}
    );
  }
  return files;
}

}  // namespace gh::control
