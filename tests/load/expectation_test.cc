// SPDX-License-Identifier: Apache-2.0
#include "bench/load/expectation.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::load {
namespace {

TEST(LoadExpectation, figures_relations_and_units_are_read) {
  struct Row {
    const char* text;
    const char* figure;
    double bound, holds, breaks;
  };

  // clang-format off
  const Row rows[] = {
      {"p99<5ms", "p99", 5e6, 4.9e6, 5e6},
      {"p99.9 <= 1.5s", "p99.9", 1.5e9, 1.5e9, 1.6e9},
      {"handshake-p50<800us", "handshake-p50", 8e5, 7e5, 8e5},
      {"mean<1ms", "mean", 1e6, 0, 1e6},
      {"rate>1000", "rate", 1000, 1001, 1000},
      {"rate>=1e3", "rate", 1000, 1000, 999},
      {"errors=0", "errors", 0, 0, 1},
      {"cpu<400us", "cpu", 4e5, 3e5, 5e5},
      {"memory<12KiB", "memory", 12288, 12000, 12288},
  };
  // clang-format on
  for (const Row& row : rows) {
    const auto parsed = Expectation::parse(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->figure, row.figure);
    EXPECT_DOUBLE_EQ(parsed->bound, row.bound) << row.text;
    EXPECT_TRUE(parsed->holds(row.holds)) << row.text;
    EXPECT_FALSE(parsed->holds(row.breaks)) << row.text;
  }
}

TEST(LoadExpectation, anything_else_is_refused_with_a_sentence) {
  for (const char* text :
       {"",
        "p99",
        "<5ms",
        "p99<",
        "p99<5",
        "p0<5ms",
        "p101<5ms",
        "pp<5ms",
        "speed>5",
        "rate>fast",
        "rate>-1",
        "errors=nan",
        "cpu<5",
        "memory<5 parsecs",
        "p99<<5ms",
        "rate>inf"}) {
    const auto parsed = Expectation::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_FALSE(parsed.error().text.empty());
  }
}

TEST(LoadExpectation, values_are_written_for_people) {
  EXPECT_EQ(format_value(2'310'000, Unit::nanoseconds), "2.31 ms");
  EXPECT_EQ(format_value(999, Unit::nanoseconds), "999 ns");
  EXPECT_EQ(format_value(18 * 1024, Unit::bytes), "18 KiB");
  EXPECT_EQ(format_value(1520, Unit::number), "1520");
  EXPECT_EQ(format_value(0.25, Unit::number), "0.25");
}

}  // namespace
}  // namespace gh::load
