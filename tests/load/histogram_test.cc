// SPDX-License-Identifier: Apache-2.0
#include "bench/load/histogram.h"

#include <gtest/gtest.h>

namespace gh::load {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(LoadHistogram, nothing_recorded_is_all_zero) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.percentile(99), Duration(0));
  EXPECT_EQ(empty.mean(), Duration(0));
  EXPECT_EQ(empty.min(), Duration(0));
}

TEST(LoadHistogram, small_values_are_exact) {
  for (std::int64_t ns = 0; ns < 2048; ++ns) {
    Histogram one;
    one.record(Duration(ns));
    EXPECT_EQ(one.percentile(50), Duration(ns));
  }
}

TEST(LoadHistogram, every_value_is_off_by_less_than_a_thousandth) {
  for (std::int64_t ns = 1; ns < std::int64_t{1} << 41; ns += ns / 7 + 1) {
    Histogram two;
    two.record(Duration(ns));
    two.record(Duration(ns * 2));
    const auto found = two.percentile(50).count();
    EXPECT_GE(found, ns);
    EXPECT_LE(found - ns, ns / 1000 + 1);
  }
}

TEST(LoadHistogram, percentiles_are_by_rank) {
  Histogram hundred;
  for (int i = 1; i <= 100; ++i) hundred.record(Duration(i));
  EXPECT_EQ(hundred.percentile(50), Duration(50));
  EXPECT_EQ(hundred.percentile(99), Duration(99));
  EXPECT_EQ(hundred.percentile(99.1), Duration(100));
  EXPECT_EQ(hundred.percentile(100), Duration(100));
  EXPECT_EQ(hundred.mean(), Duration(50));
}

TEST(LoadHistogram, negative_and_endless_values_are_kept_in_range) {
  Histogram odd;
  odd.record(Duration(-5));
  odd.record(hours(24 * 365));
  EXPECT_EQ(odd.min(), Duration(0));
  EXPECT_EQ(odd.count(), 2U);
  EXPECT_EQ(odd.percentile(100), odd.max());
}

TEST(LoadHistogram, threads_add_up) {
  Histogram a, b;
  a.record(microseconds(1), 3);
  b.record(milliseconds(1));
  a.add(b);
  EXPECT_EQ(a.count(), 4U);
  EXPECT_EQ(a.max(), milliseconds(1));
  EXPECT_EQ(a.percentile(75), microseconds(1));
}

TEST(LoadHistogram, a_correction_adds_what_a_waiting_client_left_out) {
  Histogram closed;
  closed.record(milliseconds(100));
  const Histogram corrected = closed.corrected(milliseconds(10));
  EXPECT_EQ(corrected.count(), 10U);  // 100, 90, … 10
  EXPECT_EQ(corrected.max(), closed.max());
  EXPECT_LT(corrected.percentile(50), milliseconds(60));
  EXPECT_EQ(closed.corrected(Duration(0)).count(), 1U);
}

}  // namespace
}  // namespace gh::load
