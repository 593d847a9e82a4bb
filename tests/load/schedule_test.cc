// SPDX-License-Identifier: Apache-2.0
#include "bench/load/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace gh::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LoadSchedule, nothing_is_due_before_the_start) {
  Schedule schedule(1000, 0, 1);
  EXPECT_EQ(schedule.next(), Instant::never());
  EXPECT_FALSE(schedule.due(Instant{5'000'000'000}));
}

TEST(LoadSchedule, operations_are_evenly_spaced) {
  Schedule schedule(1000, 0, 1);
  schedule.start(Instant{0});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(schedule.take_next(), Instant{0} + milliseconds(i));
}

TEST(LoadSchedule, threads_together_make_the_rate) {
  std::vector<std::int64_t> all;
  for (std::size_t thread = 0; thread < 3; ++thread) {
    Schedule schedule(300, thread, 3);
    schedule.start(Instant{0});
    while (schedule.next() < Instant{0} + seconds(1)) all.push_back(schedule.take_next().ns);
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), 300U);
  for (std::size_t i = 1; i < all.size(); ++i)
    EXPECT_NEAR(double(all[i] - all[i - 1]), 1e9 / 300, 2);
}

TEST(LoadSchedule, what_was_not_begun_in_time_stays_due_with_its_own_time) {
  Schedule schedule(100, 0, 1);
  schedule.start(Instant{0});
  const Instant late = Instant{0} + milliseconds(95);
  EXPECT_EQ(schedule.behind(late), 10U);
  EXPECT_EQ(schedule.take_next(), Instant{0});
  EXPECT_EQ(schedule.behind(late), 9U);
  EXPECT_EQ(schedule.behind(Instant{0}), 0U);
}

TEST(LoadSchedule, a_high_rate_does_not_drift) {
  Schedule schedule(3e6, 1, 2);
  schedule.start(Instant{0});
  Instant last{};
  for (int i = 0; i < 1'500'000; ++i) last = schedule.take_next();
  EXPECT_NEAR(double(last.ns), 1e9, 1e3);
}

}  // namespace
}  // namespace gh::load
