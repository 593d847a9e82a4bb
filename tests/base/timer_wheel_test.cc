// SPDX-License-Identifier: Apache-2.0
#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <vector>

namespace gh {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant start{1'234'567'890'123};

// A timer that notes when it fired, on a clock the test moves.
struct Probe {
  explicit Probe(TimerWheel& of, const Instant& clock) : wheel(of), now(clock) {}

  void arm(Instant at) { wheel.arm(timer, at); }

  static void fire(void* self) noexcept {
    auto& probe = *static_cast<Probe*>(self);
    probe.fired.push_back(probe.now);
    if (probe.then) probe.then();
  }

  TimerWheel& wheel;
  const Instant& now;
  Timer timer{this, &fire};
  std::vector<Instant> fired;
  std::function<void()> then;
};

struct WheelTest : testing::Test {
  TimerWheel wheel{start};
  Instant now = start;

  void advance(Duration by) { go_to(now + by); }

  void go_to(Instant at) {
    now = at;
    wheel.expire(now);
  }
};

TEST_F(WheelTest, a_timer_is_never_early_and_at_most_a_slot_late) {
  std::deque<Probe> probes;
  std::vector<Instant> deadlines;
  for (int i = 0; i < 2000; ++i) {
    deadlines.push_back(start + Duration(std::int64_t{i} * 30'000'077));
    probes.emplace_back(wheel, now).arm(deadlines.back());
  }
  for (int i = 0; i < 70'000; ++i) advance(milliseconds(1));
  for (std::size_t i = 0; i < probes.size(); ++i) {
    ASSERT_EQ(probes[i].fired.size(), 1u);
    EXPECT_GE(probes[i].fired[0], deadlines[i]);
    EXPECT_LE(probes[i].fired[0] - deadlines[i], TimerWheel::slot + milliseconds(1));
  }
}

TEST_F(WheelTest, deadlines_beyond_one_round_of_the_wheel_wait_for_theirs) {
  Probe far(wheel, now), farther(wheel, now);
  far.arm(start + seconds(45));
  farther.arm(start + seconds(180));
  for (int i = 0; i < 4495; ++i) advance(milliseconds(10));
  EXPECT_TRUE(far.fired.empty());
  for (int i = 0; i < 10; ++i) advance(milliseconds(10));
  EXPECT_EQ(far.fired.size(), 1u);
  EXPECT_TRUE(farther.fired.empty());
  for (int i = 0; i < 18'000; ++i) advance(milliseconds(10));
  EXPECT_EQ(farther.fired.size(), 1u);
}

TEST_F(WheelTest, a_long_sleep_fires_everything_due_and_nothing_else) {
  Probe early(wheel, now), late(wheel, now);
  early.arm(start + milliseconds(5));
  late.arm(start + seconds(300));
  advance(seconds(200));
  EXPECT_EQ(early.fired.size(), 1u);
  EXPECT_TRUE(late.fired.empty());
  advance(seconds(101));
  EXPECT_EQ(late.fired.size(), 1u);
}

TEST_F(WheelTest, a_deadline_already_past_fires_within_a_slot) {
  Probe probe(wheel, now);
  advance(seconds(1));
  probe.arm(start);
  advance(TimerWheel::slot);
  EXPECT_EQ(probe.fired.size(), 1u);
}

TEST_F(WheelTest, arming_again_moves_the_deadline) {
  Probe probe(wheel, now);
  probe.arm(start + milliseconds(50));
  probe.arm(start + milliseconds(500));
  EXPECT_EQ(wheel.armed(), 1u);
  advance(milliseconds(200));
  EXPECT_TRUE(probe.fired.empty());
  advance(milliseconds(400));
  EXPECT_EQ(probe.fired.size(), 1u);
  EXPECT_FALSE(probe.timer.armed());
  advance(seconds(100));
  EXPECT_EQ(probe.fired.size(), 1u);
}

TEST_F(WheelTest, a_cancelled_timer_does_not_fire) {
  Probe probe(wheel, now);
  probe.arm(start + milliseconds(50));
  wheel.cancel(probe.timer);
  wheel.cancel(probe.timer);
  advance(seconds(1));
  EXPECT_TRUE(probe.fired.empty());
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST_F(WheelTest, a_destroyed_timer_cancels_itself) {
  {
    Probe probe(wheel, now);
    probe.arm(start + milliseconds(50));
  }
  EXPECT_EQ(wheel.armed(), 0u);
  advance(seconds(1));
}

TEST_F(WheelTest, a_timer_outlives_its_wheel) {
  auto other = std::make_unique<TimerWheel>(start);
  Timer timer(nullptr, [](void*) noexcept { FAIL(); });
  other->arm(timer, start + seconds(1));
  other.reset();
  EXPECT_FALSE(timer.armed());
}

TEST_F(WheelTest, a_callback_may_arm_its_own_timer_again) {
  Probe probe(wheel, now);
  probe.then = [&] { probe.arm(now + milliseconds(100)); };
  probe.arm(start + milliseconds(100));
  for (int i = 0; i < 200; ++i) advance(milliseconds(10));
  EXPECT_GE(probe.fired.size(), 15u);
  EXPECT_LE(probe.fired.size(), 20u);
  for (std::size_t i = 1; i < probe.fired.size(); ++i) {
    EXPECT_GE(probe.fired[i] - probe.fired[i - 1], Duration(milliseconds(100)));
  }
}

TEST_F(WheelTest, a_callback_that_arms_at_once_does_not_loop) {
  Probe probe(wheel, now);
  probe.then = [&] { probe.arm(now); };
  probe.arm(start);
  for (int i = 0; i < 10; ++i) advance(milliseconds(10));
  EXPECT_LE(probe.fired.size(), 10u);
}

TEST_F(WheelTest, a_callback_may_cancel_a_timer_of_the_same_slot) {
  Probe first(wheel, now), second(wheel, now), third(wheel, now);
  first.then = [&] {
    wheel.cancel(second.timer);
    third.arm(now + seconds(1));
  };
  for (Probe* each : {&first, &second, &third}) each->arm(start + milliseconds(50));
  advance(milliseconds(100));
  EXPECT_EQ(first.fired.size(), 1u);
  EXPECT_TRUE(second.fired.empty());
  EXPECT_TRUE(third.fired.empty());
  advance(seconds(2));
  EXPECT_EQ(third.fired.size(), 1u);
}

TEST_F(WheelTest, a_callback_may_destroy_its_timer) {
  auto probe = std::make_unique<Probe>(wheel, now);
  probe->then = [&probe] { delete probe.release(); };
  // The function dies with the probe while it runs: hold a copy.
  const auto keep = probe->then;
  Timer killer(const_cast<std::function<void()>*>(&keep), [](void* call) noexcept {
    (*static_cast<std::function<void()>*>(call))();
  });
  probe->timer.deadline();
  wheel.arm(killer, start + milliseconds(50));
  probe->arm(start + milliseconds(50));
  advance(milliseconds(100));
  EXPECT_EQ(probe, nullptr);
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST_F(WheelTest, next_deadline_is_never_without_timers) {
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
  Probe probe(wheel, now);
  probe.arm(start + seconds(1));
  EXPECT_LT(wheel.next_deadline(), Instant::never());
  wheel.cancel(probe.timer);
  EXPECT_EQ(wheel.next_deadline(), Instant::never());
}

TEST_F(WheelTest, waiting_for_next_deadline_fires_each_timer_in_a_slot_of_its_time) {
  std::deque<Probe> probes;
  std::vector<Instant> deadlines;
  std::uint32_t random = 7;
  for (int i = 0; i < 300; ++i) {
    random = random * 1664525 + 1013904223;
    deadlines.push_back(start + Duration(std::int64_t{random} * 30));  // up to 128 s: three rounds
    probes.emplace_back(wheel, now).arm(deadlines.back());
  }
  int wakes = 0;
  while (wheel.next_deadline() != Instant::never()) {
    ASSERT_GT(wheel.next_deadline(), now);
    go_to(wheel.next_deadline());
    ASSERT_LT(++wakes, 2000);
  }
  for (std::size_t i = 0; i < probes.size(); ++i) {
    ASSERT_EQ(probes[i].fired.size(), 1u);
    EXPECT_GE(probes[i].fired[0], deadlines[i]);
    EXPECT_LE(probes[i].fired[0] - deadlines[i], TimerWheel::slot);
  }
}

TEST_F(WheelTest, cancelled_timers_do_not_wake_the_loop) {
  Probe other(wheel, now);
  other.arm(start + seconds(30));
  for (int i = 0; i < 1000; ++i) {
    Probe probe(wheel, now);
    probe.arm(start + milliseconds(10 * i));
  }
  EXPECT_GE(wheel.next_deadline(), start + seconds(30));
}

TEST_F(WheelTest, a_deadline_of_never_stays_armed) {
  Probe probe(wheel, now);
  probe.arm(Instant::never());
  advance(seconds(1000));
  EXPECT_TRUE(probe.fired.empty());
  EXPECT_TRUE(probe.timer.armed());
}

TEST_F(WheelTest, a_clock_that_stands_still_changes_nothing) {
  Probe probe(wheel, now);
  probe.arm(start + milliseconds(50));
  for (int i = 0; i < 10; ++i) go_to(start);
  EXPECT_TRUE(probe.fired.empty());
}

// Against a plain list: random arming, cancelling and jumps of the clock.
TEST_F(WheelTest, random_use_agrees_with_a_list) {
  std::uint64_t state = 99;
  const auto random = [&state](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  std::deque<Probe> probes;
  std::vector<Instant> due(50, Instant::never());
  for (std::size_t i = 0; i < due.size(); ++i) probes.emplace_back(wheel, now);
  for (int step = 0; step < 20'000; ++step) {
    const auto i = static_cast<std::size_t>(random(probes.size()));
    if (random(4) == 0) {
      wheel.cancel(probes[i].timer);
      due[i] = Instant::never();
    } else {
      due[i] = now + Duration(static_cast<std::int64_t>(random(60'000'000'000)));
      probes[i].arm(due[i]);
    }
    const Duration jump(
        static_cast<std::int64_t>(random(20) == 0 ? random(90'000'000'000) : random(50'000'000))
    );
    advance(jump);
    for (std::size_t k = 0; k < probes.size(); ++k) {
      if (!probes[k].fired.empty()) {
        ASSERT_LE(due[k], now);
        due[k] = Instant::never();
        probes[k].fired.clear();
      }
      ASSERT_FALSE(due[k] != Instant::never() && now - due[k] > TimerWheel::slot)
          << "late at step " << step;
    }
  }
}

}  // namespace
}  // namespace gh
