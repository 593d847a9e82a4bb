// SPDX-License-Identifier: Apache-2.0
#include "bench/load/event_time.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::load {
namespace {

TEST(LoadEventTime, rfc3339_and_unix_microseconds_are_read) {
  const auto at = [](const std::string& value) {
    return sent_at("{\"a\":{\"t\": " + value + "}}", "t");
  };
  EXPECT_EQ(at("\"1970-01-01T00:00:01Z\""), 1'000'000'000);
  EXPECT_EQ(at("\"1970-01-02T00:00:00.000001Z\""), 86'400'000'001'000);
  EXPECT_EQ(at("\"2000-02-29T12:00:00.5Z\""), 951'825'600'500'000'000);
  EXPECT_EQ(at("1500000"), 1'500'000'000);
}

TEST(LoadEventTime, anything_else_is_no_time) {
  for (const char* value :
       {"",
        "null",
        "\"\"",
        "\"2000-02-30T12:00:00Z\"",
        "\"2000-02-29T12:00:00+01:00\"",
        "-5",
        "0",
        "\"2000-02-29\"",
        "\"2000-02-29T25:00:00Z\"",
        "99999999999999999999"}) {
    EXPECT_FALSE(sent_at("{\"t\":" + std::string(value), "t")) << value;
  }
  EXPECT_FALSE(sent_at("{}", "t"));
  EXPECT_FALSE(sent_at("{\"\":5}", ""));
  EXPECT_FALSE(age_of_event("{\"t\":\"2999-01-01T00:00:00Z\"}", "t"));
}

}  // namespace
}  // namespace gh::load
