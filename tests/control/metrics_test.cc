// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.h"

#include "control/admin_pages.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace gh::control {
namespace {

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() {
    for (worker::Metrics& metrics : workers_) {
      metrics.replicas = std::vector<proxy::ReplicaMetrics>(2);
      view_.workers.push_back(&metrics);
    }
    view_.status = &status_;
    view_.replicas = {"https://a:1", "https://b\"\\:2"};
    status_.policy_generation.store(3);
    status_.tls_ready.store(true);
    status_.workers_running.store(2);
  }

  // Every sample line by its name and labels. Fails where the text is not of the format.
  std::map<std::string, double> parsed(const std::string& text) {
    static const std::regex sample(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (\S+))re"
    );
    static const std::regex comment(R"(# (HELP \S+ .*|TYPE \S+ (counter|gauge|histogram)))");
    std::map<std::string, double> samples;
    std::set<std::string> types;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::smatch match;
      if (line.starts_with("#")) {
        EXPECT_TRUE(std::regex_match(line, comment)) << line;
        const bool type = line.starts_with("# TYPE ");
        EXPECT_TRUE(!type || types.insert(line.substr(7, line.rfind(' ') - 7)).second) << line;
        continue;
      }
      EXPECT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_TRUE(samples.emplace(match[1].str() + match[2].str(), std::stod(match[3])).second)
          << "twice: " << line;
      const std::string family =
          std::regex_replace(match[1].str(), std::regex("_(bucket|sum|count)$"), "");
      EXPECT_TRUE(types.contains(match[1]) || types.contains(family)) << "no type: " << line;
    }
    return samples;
  }

  std::array<worker::Metrics, 2> workers_;
  Status status_;
  View view_;
};

TEST_F(MetricsTest, the_page_is_well_formed_and_sums_all_workers) {
  workers_[0].connections_accepted.add(2);
  workers_[1].connections_accepted.add(3);
  workers_[1].handshakes_resumed_tls13.add(7);
  workers_[0].requests[0][1][403 - 100].add(4);
  workers_[1].requests[0][1][403 - 100].add(1);
  workers_[0].handshakes_failed[std::size_t(tls::TlsError::expired)].add();
  workers_[0].session_errors[std::size_t(http::SessionError::h2_flood)].add();
  workers_[0].replicas[1].requests.add(9);
  workers_[1].replicas[0].ejected.add();
  status_.source(SourceKind::policy).successes.add(2);
  const auto samples = parsed(render_metrics(view_));
  EXPECT_EQ(samples.at("gatehouse_connections_accepted_total"), 5);
  EXPECT_EQ(
      samples.at("gatehouse_handshakes_total{kind=\"resumed\",version=\"TLSv1.3\",result=\"ok\"}"),
      7
  );
  EXPECT_EQ(samples.at("gatehouse_requests_total{verb=\"get\",code=\"403\",decision=\"deny\"}"), 5);
  const std::string expired(tls::name_of(tls::TlsError::expired));
  EXPECT_EQ(
      samples.at("gatehouse_handshakes_total{kind=\"\",version=\"\",result=\"" + expired + "\"}"), 1
  );
  EXPECT_EQ(samples.at("gatehouse_upstream_requests_total{replica=\"https://b\\\"\\\\:2\"}"), 9);
  EXPECT_EQ(samples.at("gatehouse_upstream_ejected{replica=\"https://a:1\"}"), 1);
  EXPECT_EQ(samples.at("gatehouse_reloads_total{kind=\"policy\",result=\"success\"}"), 2);
  EXPECT_EQ(samples.at("gatehouse_policy_generation"), 3);
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 0);
  EXPECT_GT(samples.at("process_start_time_seconds"), 1e9);
  EXPECT_GT(samples.at("process_open_fds"), 0);
}

TEST_F(MetricsTest, a_histogram_counts_below_each_bound_and_ends_with_infinity) {
  for (const std::int64_t us : {0, 1, 3, 1000, 100'000'000})
    workers_[0].request_latency.record(us * 1000);
  const auto samples = parsed(render_metrics(view_));
  const std::string name = "gatehouse_request_duration_seconds";
  EXPECT_EQ(samples.at(name + "_bucket{le=\"1e-06\"}"), 1);
  EXPECT_EQ(samples.at(name + "_bucket{le=\"2e-06\"}"), 2);
  EXPECT_EQ(samples.at(name + "_bucket{le=\"4e-06\"}"), 3);
  EXPECT_EQ(samples.at(name + "_bucket{le=\"0.001024\"}"), 4);
  EXPECT_EQ(samples.at(name + "_bucket{le=\"+Inf\"}"), 5);
  EXPECT_EQ(samples.at(name + "_count"), 5);
  EXPECT_DOUBLE_EQ(samples.at(name + "_sum"), 100.001004);
  std::map<std::string, int> buckets;
  for (const auto& [key, value] : samples) buckets[key.substr(0, key.find('{'))] += 1;
  EXPECT_EQ(buckets[name + "_bucket"], 26);
}

TEST_F(MetricsTest, rows_of_requests_that_never_came_are_left_out) {
  EXPECT_EQ(render_metrics(view_).find("gatehouse_requests_total{"), std::string::npos);
}

TEST_F(MetricsTest, ready_is_what_every_check_says) {
  EXPECT_EQ(admin_page(view_, {"/readyz", ""}).body, "ok");
  const auto broken = [&](std::string_view name) {
    const AdminResponse response = admin_page(view_, {"/readyz", ""});
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.body.find("[-]" + std::string(name) + " failed: "), std::string::npos)
        << response.body;
    EXPECT_TRUE(response.body.ends_with("readyz check failed\n")) << response.body;
  };
  status_.policy_generation.store(0);
  broken("policy");
  status_.policy_needed.store(false);
  EXPECT_EQ(admin_page(view_, {"/readyz", ""}).status, 200);
  status_.tls_ready.store(false);
  broken("tls");
  status_.tls_ready.store(true);
  status_.workers_running.store(1);
  broken("workers");
  status_.workers_running.store(2);
  status_.stopping.store(true);
  broken("shutdown");
  EXPECT_EQ(admin_page(view_, {"/livez", ""}).status, 200);
  status_.stopping.store(false);
  for (worker::Metrics& metrics : workers_) metrics.replicas[0].ejected.add();
  EXPECT_EQ(admin_page(view_, {"/readyz", ""}).status, 200);
  for (worker::Metrics& metrics : workers_) metrics.replicas[1].ejected.add();
  broken("upstream");
}

TEST_F(MetricsTest, verbose_health_lists_the_checks) {
  EXPECT_EQ(admin_page(view_, {"/livez", "verbose"}).body, "[+]ping ok\nlivez check passed\n");
  EXPECT_EQ(
      admin_page(view_, {"/readyz", "a=b&verbose=1"}).body,
      "[+]policy ok\n[+]tls ok\n[+]workers ok\n[+]upstream ok\n[+]shutdown ok\nreadyz check "
      "passed\n"
  );
}

TEST_F(MetricsTest, other_pages) {
  view_.config = "workers: \"2\"\n";
  EXPECT_EQ(admin_page(view_, {"/debug/config", ""}).body, view_.config);
  EXPECT_NE(admin_page(view_, {"/", ""}).body.find("/metrics"), std::string::npos);
  EXPECT_EQ(
      admin_page(view_, {"/metrics", ""}).content_type, "text/plain; version=0.0.4; charset=utf-8"
  );
  EXPECT_EQ(admin_page(view_, {"/metrics/", ""}).status, 404);
  EXPECT_EQ(admin_page(view_, {"//metrics", ""}).status, 404);
}

}  // namespace
}  // namespace gh::control
