// SPDX-License-Identifier: Apache-2.0
#include "bench/load/stats.h"

#include "base/limits.h"
#include "bench/load/report.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::load {
namespace {

using std::chrono::milliseconds;

TEST(LoadTally, threads_add_up) {
  Tally a, b;
  a.done = 3;
  a.latency.record(milliseconds(1), 3);
  a.fail(Failure::status, "answered 403");
  b.done = 1;
  b.resumed = 1;
  b.latency.record(milliseconds(9));
  b.fail(Failure::status, "answered 403");
  b.fail(Failure::timeout, "");
  b.protocols["TLSv1.3 h2"] = 1;
  a.add(b);
  EXPECT_EQ(a.done, 4U);
  EXPECT_EQ(a.resumed, 1U);
  EXPECT_EQ(a.errors(), 3U);
  EXPECT_EQ(a.texts.at("status: answered 403"), 2U);
  EXPECT_EQ(a.texts.at("timeout"), 1U);
  EXPECT_EQ(a.latency.count(), 4U);
  EXPECT_EQ(a.protocols.at("TLSv1.3 h2"), 1U);
}

TEST(LoadTally, texts_are_bounded_and_still_counted) {
  Tally tally;
  for (int i = 0; i < 1000; ++i) tally.fail(Failure::tls, std::to_string(i));
  EXPECT_EQ(tally.errors(), 1000U);
  EXPECT_LE(tally.texts.size(), limits::load_error_texts_max + 1);
}

struct Ended {
  Options options;
  Report report;

  Ended() { report.seconds = 2; }

  int code(std::initializer_list<const char*> expectations = {}) {
    for (const char* text : expectations) options.expectations.push_back(*Expectation::parse(text));
    return exit_code(options, report, judge(options, report));
  }
};

TEST(LoadExitCode, a_good_run_is_0) {
  Ended run;
  run.report.total.done = 10;
  EXPECT_EQ(run.code(), 0);
}

TEST(LoadExitCode, errors_are_1_unless_expectations_say_otherwise) {
  Ended run;
  run.report.total.done = 10;
  run.report.total.fail(Failure::status, "");
  EXPECT_EQ(run.code(), 1);
  EXPECT_EQ(run.code({"errors<=1", "rate=5"}), 0);
  EXPECT_EQ(run.code({"errors=0"}), 1);
}

TEST(LoadExitCode, what_was_not_measured_does_not_hold) {
  Ended run;
  run.report.total.done = 1;
  EXPECT_EQ(run.code({"p99<5ms"}), 1);
}

TEST(LoadExitCode, nothing_done_is_1_and_nobody_there_is_3) {
  Ended nothing;
  EXPECT_EQ(nothing.code(), 1);
  Ended nobody;
  nobody.report.total.fail(Failure::connect, "refused");
  EXPECT_EQ(nobody.code({"errors<5"}), 3);
}

TEST(LoadReport, texts_of_the_server_cannot_break_json_or_html) {
  Ended run;
  run.options.url = "https://h/</script><b>\"\\\n";
  run.report.total.fail(Failure::tls, "\x01\"<img>");
  const std::string json = report_json(run.options, run.report, {});
  EXPECT_NE(json.find("\\u0001\\\"<img>"), std::string::npos);
  EXPECT_NE(json.find("\"schema\": \"gatehouse-load/1\""), std::string::npos);
  const std::string html = report_html(run.options, run.report, {});
  EXPECT_EQ(html.find("<img>"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
}

}  // namespace
}  // namespace gh::load
