// SPDX-License-Identifier: Apache-2.0
#include "control/admin_pages.h"

#include "control/metrics.h"
#include "control/version.h"

namespace gh::control {
namespace {

constexpr std::string_view index_page =
    "/livez         alive\n"
    "/readyz        ready for requests; ?verbose lists the checks\n"
    "/metrics       Prometheus text\n"
    "/debug/config  the configuration in force\n";

// verbose, verbose=1, a&verbose
bool asks_for(std::string_view query, std::string_view word) {
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    if (part.substr(0, part.find('=')) == word) return true;
    query.remove_prefix(std::min(query.size(), part.size() + 1));
  }
  return false;
}

AdminResponse health_page(std::string_view name, const std::vector<Check>& checks, bool verbose) {
  AdminResponse response;
  for (const Check& check : checks) {
    const bool ok = check.failure.empty();
    response.body += (ok ? "[+]" : "[-]") + std::string(check.name) +
                     (ok ? " ok" : " failed: " + check.failure) + "\n";
    if (!ok) response.status = 503;
  }
  if (response.status == 200 && !verbose) {
    response.body = "ok";
  } else {
    response.body +=
        std::string(name) + " check " + (response.status == 200 ? "passed" : "failed") + "\n";
  }
  return response;
}

std::string upstream_failure(const View& view) {
  if (view.workers.empty()) return {};
  for (std::size_t i = 0; i < view.replicas.size(); ++i) {
    for (const worker::Metrics* metrics : view.workers) {
      if (i < metrics->replicas.size() && metrics->replicas[i].ejected.read() == 0) return {};
    }
  }
  return "no API server can be reached";
}

}  // namespace

std::vector<Check> readiness(const View& view) {
  const Status& status = *view.status;
  const std::size_t running = status.workers_running.load();
  const bool policy = !status.policy_needed.load() || status.policy_generation.load() > 0;
  return {
      {"policy", policy ? "" : "no policy has been read"},
      {"tls", status.tls_ready.load() ? "" : "no certificates have been read"},
      {"workers",
       running > 0 && running == view.workers.size()
           ? ""
           : std::to_string(running) + " of " + std::to_string(view.workers.size()) + " run"},
      {"upstream", upstream_failure(view)},
      {"shutdown", status.stopping.load() ? "stopping" : ""},
  };
}

AdminResponse admin_page(const View& view, const AdminRequest& request) {
  const bool verbose = asks_for(request.query, "verbose");
  if (request.path == "/livez" || request.path == "/healthz")
    return health_page("livez", {{"ping", ""}}, verbose);
  if (request.path == "/readyz") return health_page("readyz", readiness(view), verbose);
  if (request.path == "/metrics")
    return {200, "text/plain; version=0.0.4; charset=utf-8", render_metrics(view)};
  if (request.path == "/debug/config") return {200, "application/yaml", view.config};
  if (request.path == "/")
    return {200, "text/plain; charset=utf-8", version_text() + "\n" + std::string(index_page)};
  return {404, "text/plain; charset=utf-8", "not found; there is:\n" + std::string(index_page)};
}

}  // namespace gh::control
