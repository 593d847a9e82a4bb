// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.h"

#include "control/version.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

namespace gh::control {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using worker::Metrics;
using Labels = std::vector<ClientMetric::Label>;

class Page {
 public:
  explicit Page(const View& view) : view_(view) {}

  MetricFamily& family(std::string name, MetricType type, std::string help) {
    return families_.emplace_back(MetricFamily{std::move(name), std::move(help), type, {}});
  }

  template <class Read>  // Read: const Metrics& → number
  std::uint64_t sum(Read read) const {
    std::uint64_t total = 0;
    for (const Metrics* metrics : view_.workers) total += read(*metrics);
    return total;
  }

  std::uint64_t sum(Counter Metrics::* member) const {
    return sum([member](const Metrics& metrics) { return (metrics.*member).read(); });
  }

  static void row(MetricFamily& family, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family.metric.push_back(std::move(metric));
  }

  static void row(MetricFamily& family, std::uint64_t value, Labels labels = {}) {
    row(family, static_cast<double>(value), std::move(labels));
  }

  void counter(std::string name, std::string help, Counter Metrics::* member) {
    row(family(std::move(name), MetricType::Counter, std::move(help)), sum(member));
  }

  void gauge(std::string name, std::string help, Counter Metrics::* member) {
    row(family(std::move(name), MetricType::Gauge, std::move(help)), sum(member));
  }

  void gauge(std::string name, std::string help, double value) {
    row(family(std::move(name), MetricType::Gauge, std::move(help)), value);
  }

  // Bucket i of LatencyHistogram holds values below 2^i µs.
  template <class Read>  // Read: const Metrics& → const LatencyHistogram&
  void histogram(MetricFamily& family, Labels labels, Read read) const {
    ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < LatencyHistogram::buckets; ++i) {
      seen += sum([&](const Metrics& metrics) { return read(metrics).count(i); });
      const bool last = i + 1 == LatencyHistogram::buckets;
      const double bound = last ? std::numeric_limits<double>::infinity()
                                : std::ldexp(1.0, static_cast<int>(i)) / 1e6;
      metric.histogram.bucket.push_back({seen, bound});
    }
    metric.histogram.sample_count = seen;
    const auto ns = sum([&](const Metrics& metrics) { return read(metrics).sum_ns(); });
    metric.histogram.sample_sum = static_cast<double>(ns) / 1e9;
    family.metric.push_back(std::move(metric));
  }

  const View& view() const { return view_; }

  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, {families_.begin(), families_.end()});
    return out.str();
  }

 private:
  const View& view_;
  std::deque<MetricFamily> families_;  // references to a family outlive the next one
};

void add_connections(Page& page) {
  page.counter(
      "gatehouse_connections_accepted_total",
      "Client connections accepted.",
      &Metrics::connections_accepted
  );
  page.counter(
      "gatehouse_connections_refused_total",
      "Client connections closed at accept, at a bound.",
      &Metrics::connections_refused
  );
  page.gauge(
      "gatehouse_connections_open", "Client connections open now.", &Metrics::connections_open
  );
  MetricFamily& bytes = page.family(
      "gatehouse_bytes_total", MetricType::Counter, "Bytes from and to clients, as on the wire."
  );
  Page::row(bytes, page.sum(&Metrics::bytes_in), {{"direction", "in"}});
  Page::row(bytes, page.sum(&Metrics::bytes_out), {{"direction", "out"}});
}

void add_handshakes(Page& page) {
  MetricFamily& family = page.family(
      "gatehouse_handshakes_total",
      MetricType::Counter,
      "TLS handshakes with clients. result: ok, or why it failed (kind and version are not known "
      "then)."
  );
  const auto ok = [&](const char* kind, const char* version, Counter Metrics::* member) {
    Page::row(family, page.sum(member), {{"kind", kind}, {"version", version}, {"result", "ok"}});
  };
  ok("full", "TLSv1.2", &Metrics::handshakes_full_tls12);
  ok("full", "TLSv1.3", &Metrics::handshakes_full_tls13);
  ok("resumed", "TLSv1.2", &Metrics::handshakes_resumed_tls12);
  ok("resumed", "TLSv1.3", &Metrics::handshakes_resumed_tls13);
  for (std::size_t i = 0; i < std::tuple_size_v<decltype(Metrics::handshakes_failed)>; ++i) {
    const auto failed =
        page.sum([i](const Metrics& metrics) { return metrics.handshakes_failed[i].read(); });
    if (failed == 0) continue;
    const std::string reason(tls::name_of(static_cast<tls::TlsError>(i)));
    Page::row(family, failed, {{"kind", ""}, {"version", ""}, {"result", reason}});
  }
}

void add_identity_cache(Page& page) {
  MetricFamily& family = page.family(
      "gatehouse_identity_cache_lookups_total",
      MetricType::Counter,
      "Client chains of full handshakes. hit: verified before; miss: not known; stale: known, but "
      "the trust changed or its validity ended, so verified anew."
  );
  using Counters = tls::IdentityCacheCounters;
  const auto count = [&page](Counter Counters::* counter) {
    return page.sum([counter](const Metrics& metrics) {
      return (metrics.identity_cache.*counter).read();
    });
  };
  Page::row(family, count(&Counters::hits), {{"result", "hit"}});
  Page::row(family, count(&Counters::misses), {{"result", "miss"}});
  Page::row(family, count(&Counters::stale), {{"result", "stale"}});
  MetricFamily& evicted = page.family(
      "gatehouse_identity_cache_evicted_total",
      MetricType::Counter,
      "Client chains forgotten because the cache of a worker was full."
  );
  Page::row(evicted, count(&Counters::evicted));
}

void add_crypto(Page& page) {
  using tls::CryptoCounters;
  MetricFamily& operations = page.family(
      "gatehouse_crypto_operations_total",
      MetricType::Counter,
      "Public-key operations that handshakes waited for, by kind: gathered with others "
      "(--crypto-batch), or with a private key outside the process."
  );
  for (std::size_t i = 0; i < tls::crypto_kinds; ++i) {
    const auto n =
        page.sum([i](const Metrics& metrics) { return metrics.crypto.submitted[i].read(); });
    const std::string kind(tls::name_of(static_cast<tls::CryptoKind>(i)));
    Page::row(operations, n, {{"kind", kind}});
  }
  MetricFamily& batches = page.family(
      "gatehouse_crypto_batches_total",
      MetricType::Counter,
      "Times that so many operations of a kind were done together."
  );
  for (std::size_t i = 0; i < tls::crypto_batch_max; ++i) {
    const auto n =
        page.sum([i](const Metrics& metrics) { return metrics.crypto.batches[i].read(); });
    Page::row(batches, n, {{"size", std::to_string(i + 1)}});
  }
  MetricFamily& otherwise = page.family(
      "gatehouse_crypto_exceptions_total",
      MetricType::Counter,
      "Operations that went otherwise. failed: not signed, or the signature not valid; abandoned: "
      "the handshake ended before; in_place: too many were gathered, so done at once; refused: too "
      "many waited for keys outside the process, so the handshake failed."
  );
  const auto count = [&page](Counter CryptoCounters::* counter) {
    return page.sum([counter](const Metrics& metrics) { return (metrics.crypto.*counter).read(); });
  };
  Page::row(otherwise, count(&CryptoCounters::failed), {{"result", "failed"}});
  Page::row(otherwise, count(&CryptoCounters::abandoned), {{"result", "abandoned"}});
  Page::row(otherwise, count(&CryptoCounters::in_place), {{"result", "in_place"}});
  Page::row(otherwise, count(&CryptoCounters::refused), {{"result", "refused"}});
}

void add_requests_by_verb(Page& page) {
  MetricFamily& family = page.family(
      "gatehouse_requests_total",
      MetricType::Counter,
      "Requests answered, by verb, status code and decision."
  );
  for (std::size_t verb = 0; verb < worker::verb_names.size(); ++verb) {
    for (std::size_t decision = 0; decision < worker::decision_names.size(); ++decision) {
      for (std::size_t code = 0; code < worker::codes; ++code) {
        const auto n = page.sum([&](const Metrics& metrics) {
          return metrics.requests[verb][decision][code].read();
        });
        if (n == 0) continue;
        Page::row(
            family,
            n,
            {{"verb", std::string(worker::verb_names[verb])},
             {"code", std::to_string(code + 100)},
             {"decision", std::string(worker::decision_names[decision])}}
        );
      }
    }
  }
}

void add_tokens(Page& page) {
  MetricFamily& family = page.family(
      "gatehouse_bearer_tokens_total",
      MetricType::Counter,
      "Bearer tokens of requests, by who knew them: the cache, gatehouse itself, or an API server "
      "that was asked (TokenReview)."
  );
  const auto row = [&](const char* by, Counter Metrics::* counter) {
    const auto n = page.sum([&](const Metrics& metrics) { return (metrics.*counter).read(); });
    if (n > 0) Page::row(family, n, {{"by", by}});
  };
  row("cache", &Metrics::tokens_cached);
  row("gatehouse", &Metrics::tokens_judged);
  row("api_server", &Metrics::tokens_asked);
}

void add_requests(Page& page) {
  add_requests_by_verb(page);
  MetricFamily& versions = page.family(
      "gatehouse_http_requests_total", MetricType::Counter, "Requests received, by HTTP version."
  );
  for (std::size_t i = 0; i < 3; ++i) {
    const auto n =
        page.sum([i](const Metrics& metrics) { return metrics.requests_by_version[i].read(); });
    Page::row(
        versions, n, {{"version", std::string(http::name_of(static_cast<http::Version>(i)))}}
    );
  }
  MetricFamily& errors = page.family(
      "gatehouse_session_errors_total",
      MetricType::Counter,
      "HTTP connections ended by the client's fault or a bound."
  );
  for (std::size_t i = 0; i < std::tuple_size_v<decltype(Metrics::session_errors)>; ++i) {
    const auto n =
        page.sum([i](const Metrics& metrics) { return metrics.session_errors[i].read(); });
    if (n > 0)
      Page::row(
          errors, n, {{"error", std::string(http::name_of(static_cast<http::SessionError>(i)))}}
      );
  }
  page.gauge("gatehouse_requests_active", "Requests running now.", &Metrics::requests_active);
  page.gauge(
      "gatehouse_tunnels_active",
      "Upgraded connections (exec, attach, port-forward) open now.",
      &Metrics::tunnels_active
  );
  page.counter("gatehouse_tunnels_total", "Upgraded connections.", &Metrics::tunnels_total);
  page.counter(
      "gatehouse_identities_unforwardable_total",
      "Requests refused because the user cannot be passed on unchanged in headers.",
      &Metrics::identities_unforwardable
  );
  page.counter(
      "gatehouse_admission_refused_total",
      "Requests of nodes that NodeRestriction refused.",
      &Metrics::admission_refused
  );
  page.counter(
      "gatehouse_open_requests_ended_total",
      "Watches, logs and tunnels ended because their caller lost the right or the proof.",
      &Metrics::open_requests_ended
  );
  add_tokens(page);
}

void add_latencies(Page& page) {
  MetricFamily& stages = page.family(
      "gatehouse_stage_duration_seconds",
      MetricType::Histogram,
      "Time in each stage. tls: the whole handshake; authorize: the decision; forward: to the "
      "response head."
  );
  for (std::size_t i = 0; i < stage_names.size(); ++i) {
    page.histogram(
        stages,
        {{"stage", std::string(stage_names[i])}},
        [i](const Metrics& metrics) -> const LatencyHistogram& { return metrics.stage_latency[i]; }
    );
  }
  MetricFamily& requests = page.family(
      "gatehouse_request_duration_seconds",
      MetricType::Histogram,
      "From the request head to the end of the answer; not watches, logs and upgrades."
  );
  page.histogram(requests, {}, [](const Metrics& metrics) -> const LatencyHistogram& {
    return metrics.request_latency;
  });
}

void add_upstream(Page& page) {
  using proxy::ReplicaMetrics;
  const auto rows =
      [&](const char* name, MetricType type, const char* help, Counter ReplicaMetrics::* member) {
        MetricFamily& family = page.family(name, type, help);
        for (std::size_t i = 0; i < page.view().replicas.size(); ++i) {
          const auto n = page.sum([&](const Metrics& metrics) {
            return i < metrics.replicas.size() ? (metrics.replicas[i].*member).read() : 0;
          });
          Page::row(family, n, {{"replica", page.view().replicas[i]}});
        }
      };
  constexpr auto counter = MetricType::Counter;
  rows(
      "gatehouse_upstream_connections_opened_total",
      counter,
      "Connections opened to an API server.",
      &ReplicaMetrics::connections_opened
  );
  rows(
      "gatehouse_upstream_connections_failed_total",
      counter,
      "Connections that could not be made.",
      &ReplicaMetrics::connections_failed
  );
  rows(
      "gatehouse_upstream_connections_open",
      MetricType::Gauge,
      "Connections open now.",
      &ReplicaMetrics::connections_open
  );
  rows("gatehouse_upstream_requests_total", counter, "Requests sent.", &ReplicaMetrics::requests);
  rows(
      "gatehouse_upstream_responses_5xx_total",
      counter,
      "Answers with a status from 500.",
      &ReplicaMetrics::responses_5xx
  );
  rows("gatehouse_upstream_resets_total", counter, "Answers broken off.", &ReplicaMetrics::resets);
  rows(
      "gatehouse_upstream_retries_total",
      counter,
      "Requests sent again, to another replica or connection.",
      &ReplicaMetrics::retries
  );
  rows(
      "gatehouse_upstream_ejections_total",
      counter,
      "Times a worker began to skip the replica.",
      &ReplicaMetrics::ejections
  );
  rows(
      "gatehouse_upstream_ejected",
      MetricType::Gauge,
      "Workers that skip the replica now.",
      &ReplicaMetrics::ejected
  );
  page.counter(
      "gatehouse_upstream_unavailable_total",
      "Requests answered 503 for want of a replica.",
      &Metrics::upstream_unavailable
  );
}

void add_control(Page& page) {
  const Status& status = *page.view().status;
  MetricFamily& reloads = page.family(
      "gatehouse_reloads_total", MetricType::Counter, "Reads of policy and certificates, by result."
  );
  for (std::size_t i = 0; i < source_kinds; ++i) {
    const std::string kind(name_of(static_cast<SourceKind>(i)));
    Page::row(reloads, status.sources[i].successes.read(), {{"kind", kind}, {"result", "success"}});
    Page::row(reloads, status.sources[i].failures.read(), {{"kind", kind}, {"result", "failure"}});
  }
  MetricFamily& last = page.family(
      "gatehouse_reload_last_success_timestamp_seconds",
      MetricType::Gauge,
      "When what is in force was last read without a fault."
  );
  MetricFamily& ok = page.family(
      "gatehouse_reload_last_ok",
      MetricType::Gauge,
      "1 when the last read was good, 0 when an older one stays in force."
  );
  for (std::size_t i = 0; i < source_kinds; ++i) {
    const std::string kind(name_of(static_cast<SourceKind>(i)));
    if (status.sources[i].successes.read() + status.sources[i].failures.read() == 0) continue;
    Page::row(last, static_cast<double>(status.sources[i].last_success.load()), {{"kind", kind}});
    Page::row(ok, status.sources[i].last_ok.load() ? 1.0 : 0.0, {{"kind", kind}});
  }
  page.gauge(
      "gatehouse_policy_generation",
      "Number of the policy in force; grows with each change.",
      static_cast<double>(status.policy_generation.load())
  );
  page.gauge(
      "gatehouse_policy_bindings",
      "Bindings in the policy in force.",
      static_cast<double>(status.policy_bindings.load())
  );
  page.gauge(
      "gatehouse_policy_bytes",
      "Memory of the compiled policy.",
      static_cast<double>(status.policy_bytes.load())
  );
  page.gauge(
      "gatehouse_workers", "Workers running.", static_cast<double>(status.workers_running.load())
  );
  std::uint64_t dropped = 0;
  for (const LogQueue* log : page.view().logs) dropped += log->dropped();
  Page::row(
      page.family(
          "gatehouse_log_lines_dropped_total",
          MetricType::Counter,
          "Log lines lost to a full queue."
      ),
      dropped
  );
  page.counter("gatehouse_loop_turns_total", "Turns of the workers' loops.", &Metrics::loop_turns);
  MetricFamily& build = page.family(
      "gatehouse_build_info", MetricType::Gauge, "Always 1; the build is in the labels."
  );
  Page::row(build, 1.0, {{"version", std::string(version())}, {"compiler", compiler()}});
}

// ---- the dpdk road ----

// Names of ports.h become families; rows of causes that never came up are left out.
void add_ports(Page& page) {
  if (page.view().ports == nullptr) return;
  std::map<std::string, MetricFamily*> families;
  page.view().ports->each_sample([&](const net::dpdk::Sample& sample) {
    const std::string name = "gatehouse_dpdk_" + std::string(sample.name) + "_total";
    MetricFamily*& family = families[name];
    if (family == nullptr) {
      std::string help(sample.name);
      std::replace(help.begin(), help.end(), '_', ' ');
      family = &page.family(name, MetricType::Counter, "Of the dpdk road: " + help + ".");
    }
    if (sample.value == 0 && !sample.kind.empty()) return;
    Labels labels = {{"port", *sample.port}};
    if (sample.worker >= 0) labels.push_back({"worker", std::to_string(sample.worker)});
    if (!sample.kind.empty()) labels.push_back({"kind", std::string(sample.kind)});
    Page::row(*family, sample.value, std::move(labels));
  });
}

// ---- the process, by the names of Prometheus' client libraries ----

struct ProcessStat {
  double cpu_seconds = 0;
  double start_seconds = 0;  // after boot
  double virtual_bytes = 0;
  double resident_bytes = 0;
  double threads = 0;
};

// Fields of /proc/self/stat after the command's name, which may hold anything (proc(5)).
ProcessStat read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 2)));
  std::vector<double> numbers;
  std::string word;
  while (fields >> word) numbers.push_back(std::strtod(word.c_str(), nullptr));
  constexpr std::size_t utime = 11, stime = 12, threads = 17, start = 19, vsize = 20,
                        rss = 21;  // field 3 is number 0
  if (numbers.size() <= rss) return {};
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return {
      (numbers[utime] + numbers[stime]) / ticks,
      numbers[start] / ticks,
      numbers[vsize],
      numbers[rss] * static_cast<double>(sysconf(_SC_PAGESIZE)),
      numbers[threads]
  };
}

double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

double open_files() {
  std::error_code error;
  double n = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++n;
  return n;
}

void add_process(Page& page) {
  const ProcessStat stat = read_stat();
  Page::row(
      page.family("process_cpu_seconds_total", MetricType::Counter, "User and system CPU time."),
      stat.cpu_seconds
  );
  page.gauge(
      "process_start_time_seconds", "When the process began.", boot_time() + stat.start_seconds
  );
  page.gauge("process_virtual_memory_bytes", "Virtual memory.", stat.virtual_bytes);
  page.gauge("process_resident_memory_bytes", "Resident memory.", stat.resident_bytes);
  page.gauge("process_threads", "Threads.", stat.threads);
  page.gauge("process_open_fds", "Open file descriptors.", open_files());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    page.gauge(
        "process_max_fds",
        "Most file descriptors there may be.",
        static_cast<double>(limit.rlim_cur)
    );
  }
}

}  // namespace

std::string render_metrics(const View& view) {
  Page page(view);
  add_connections(page);
  add_handshakes(page);
  add_identity_cache(page);
  add_crypto(page);
  add_requests(page);
  add_latencies(page);
  add_upstream(page);
  add_control(page);
  add_ports(page);
  add_process(page);
  return page.text();
}

}  // namespace gh::control
