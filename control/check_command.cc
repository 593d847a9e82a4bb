// SPDX-License-Identifier: Apache-2.0
#include "control/check_command.h"

#include "authz/rbac/compiler.h"
#include "control/dpdk_road.h"
#include "control/policy_source.h"
#include "control/tls_source.h"
#include "control/token_source.h"
#include "tls/ssl_engine.h"

#include <algorithm>
#include <ostream>

namespace gh::control {
namespace {

class Judge {
 public:
  Judge(std::ostream& out, std::ostream& err) : out_(out), err_(err) {}

  void problem(const Fault& fault) {
    ++problems_;
    err_ << "problem: " << fault.to_string() << "\n";
  }

  void note(const std::string& text) { out_ << text << "\n"; }

  void check_policy(const Config& config) {
    if (!config.uses(Authorizer::rbac)) return;
    if (config.policy.empty() && !config.bootstrap_policy) return;
    auto set = read_policy(config.policy, config.bootstrap_policy);
    if (!set) {
      for (const Fault& fault : set.error()) problem(fault);
      return;
    }
    for (const std::string& warning : set->warnings) note("warning: " + warning);
    const auto table = authz::rbac::compile(set->policy);
    if (!table) return problem(table.error());
    note("policy: " + describe_policy(*set));
  }

  // An own certificate or a CA that has expired is a problem here; serve goes on with it and says
  // so.
  void check_tls(const Config& config) {
    const bool https = std::any_of(
        config.upstream.begin(), config.upstream.end(), [](const UpstreamUrl& at) { return at.tls; }
    );
    const bool front = !config.tls_cert_file.empty() && !config.tls_private_key_file.empty() &&
                       !config.client_ca_file.empty();
    const bool back = !config.upstream_ca_file.empty() && !config.proxy_client_cert_file.empty() &&
                      !config.proxy_client_key_file.empty();
    if (!front || (https && !back)) return;  // what is missing has been told
    TlsSource source(config, 1);
    const std::size_t before = problems_;
    for (const SourceReport& report : source.read(wall_now())) {
      for (const Fault& fault : report.faults) problem(fault);
      const bool usable = report.kind == SourceKind::session_ticket_keys;
      for (const std::string& warning : report.warnings)
        usable ? note("warning: " + warning) : problem({warning, ""});
    }
    if (!source.complete()) return;
    const auto snapshot = source.build(wall_now());
    if (!snapshot) return problem(snapshot.error());
    if (problems_ == before) note("certificates: good");
  }

  void check_tokens(const Config& config) {
    if (!TokenSource::wanted(config)) return;
    TokenSource source(config, FetchKeys::never);
    const TokenReport report = source.read();
    for (const Fault& fault : report.faults) problem(fault);
    for (const std::string& warning : report.warnings) note("warning: " + warning);
    if (report.faults.empty()) note("bearer tokens: " + source.describe());
  }

  void check_road(const Config& config) {
    if (config.road != RoadChoice::dpdk || config.dpdk_ports.empty()) return;
    const std::size_t before = problems_;
    for (const Fault& fault : check_dpdk_road(config)) problem(fault);
    if (problems_ == before) note("dpdk ports: good (not started)");
  }

  int finish() {
    if (problems_ == 0) {
      note("no problem found");
    } else {
      err_ << problems_ << (problems_ == 1 ? " problem\n" : " problems\n");
    }
    return problems_ == 0 ? 0 : 1;
  }

 private:
  std::ostream& out_;
  std::ostream& err_;
  std::size_t problems_ = 0;
};

}  // namespace

int check_command(const Loaded& loaded, std::ostream& out, std::ostream& err) {
  Judge judge(out, err);
  for (const Fault& fault : loaded.problems) judge.problem(fault);
  judge.check_policy(loaded.config);
  if (!loaded.config.ssl_engine.empty()) {
    if (const auto used = tls::use_ssl_engine(loaded.config.ssl_engine); !used)
      judge.problem(Fault{used.error().text, "--ssl-engine"});
  }
  judge.check_tls(loaded.config);
  judge.check_tokens(loaded.config);
  judge.check_road(loaded.config);
  return judge.finish();
}

}  // namespace gh::control
