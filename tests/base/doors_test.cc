// SPDX-License-Identifier: Apache-2.0
// The three doors between cores, and the log queue built on one: each with its two threads.
#include "base/counters.h"
#include "base/log.h"
#include "base/per_core.h"
#include "base/rcu.h"
#include "base/spsc_ring.h"
#include "base/units.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace gh {
namespace {

TEST(SpscRing, a_full_ring_says_no_and_keeps_what_it_has) {
  SpscRing<int> ring(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(i));
  EXPECT_FALSE(ring.push(99));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ring.pop(), i);
  EXPECT_EQ(ring.pop(), std::nullopt);
  EXPECT_TRUE(ring.push(5));
  EXPECT_EQ(ring.pop(), 5);
}

TEST(SpscRing, the_capacity_is_rounded_up_to_a_power_of_two) {
  SpscRing<int> ring(5);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(ring.push(i));
  EXPECT_FALSE(ring.push(8));
}

TEST(SpscRing, two_threads_pass_everything_in_order) {
  constexpr int count = 200'000;
  SpscRing<std::unique_ptr<int>> ring(64);
  std::thread writer([&] {
    for (int i = 0; i < count;) {
      if (ring.push(std::make_unique<int>(i))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (int expected = 0; expected < count;) {
    if (auto value = ring.pop()) {
      ASSERT_EQ(**value, expected);
      ++expected;
    } else {
      std::this_thread::yield();
    }
  }
  writer.join();
}

// Its life is counted, and it knows when it is read after its end.
struct Snapshot {
  explicit Snapshot(int number) : value(number), check(~number) { ++alive; }

  ~Snapshot() {
    value = 0;
    --alive;
  }

  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  int value;
  int check;
  static inline std::atomic<int> alive{0};
};

TEST(Rcu, version_tells_one_snapshot_from_the_next_wherever_they_lie) {
  Rcu<int> box;
  EXPECT_EQ(box.version(), 0u);
  std::uint64_t before = 0;
  for (int i = 0; i < 3; ++i) {
    box.publish(std::make_unique<const int>(i));
    EXPECT_GT(box.version(), before);
    before = box.version();
  }
}

TEST(Rcu, nothing_is_read_before_the_first_publish) {
  Rcu<Snapshot> rcu;
  EXPECT_EQ(rcu.read(), nullptr);
  rcu.publish(std::make_unique<Snapshot>(1));
  EXPECT_EQ(rcu.read()->value, 1);
  rcu.publish(nullptr);
  EXPECT_EQ(rcu.read(), nullptr);
  EXPECT_EQ(Snapshot::alive, 0);
}

TEST(Rcu, readers_never_see_a_freed_snapshot) {
  Rcu<Snapshot> rcu(std::make_unique<Snapshot>(1));
  std::atomic<bool> stop{false};
  std::atomic<int> ready{0};
  const auto worker = [&] {
    RcuReader reader;
    ready.fetch_add(1);
    int last = 0;
    for (unsigned turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
      const Snapshot* seen = rcu.read();
      ASSERT_EQ(seen->check, ~seen->value);
      ASSERT_GE(seen->value, last);
      last = seen->value;
      reader.quiet();
      if (turn % 16 == 0) {
        reader.sleep();
        std::this_thread::yield();
        reader.awake();
      }
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(worker);
  while (ready.load() < 3) std::this_thread::yield();
  for (int i = 2; i < 300; ++i) rcu.publish(std::make_unique<Snapshot>(i));
  EXPECT_EQ(Snapshot::alive, 1);
  stop.store(true);
  for (auto& each : readers) each.join();
}

TEST(Rcu, a_publish_waits_for_a_reader_that_holds_the_old_snapshot) {
  Rcu<Snapshot> rcu(std::make_unique<Snapshot>(1));
  std::atomic<int> step{0};
  std::thread worker([&] {
    RcuReader reader;
    const Snapshot* held = rcu.read();
    step.store(1);
    while (rcu.read() == held)
      std::this_thread::yield();  // the new one is out, the old one is still ours
    EXPECT_EQ(held->check, ~1);
    EXPECT_EQ(Snapshot::alive, 2);
    reader.quiet();
  });
  while (step.load() == 0) std::this_thread::yield();
  rcu.publish(std::make_unique<Snapshot>(2));
  EXPECT_EQ(Snapshot::alive, 1);
  worker.join();
}

TEST(Rcu, a_sleeping_reader_delays_nobody) {
  Rcu<Snapshot> rcu(std::make_unique<Snapshot>(1));
  std::atomic<int> step{0};
  std::thread worker([&] {
    RcuReader reader;
    reader.sleep();
    step.store(1);
    while (step.load() != 2) std::this_thread::yield();
    reader.awake();
    EXPECT_EQ(rcu.read()->value, 2);
  });
  while (step.load() == 0) std::this_thread::yield();
  rcu.publish(std::make_unique<Snapshot>(2));  // would hang
  step.store(2);
  worker.join();
}

TEST(Counter, one_core_writes_and_another_reads) {
  Counter counter;
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) counter.add();
    counter.sub(7);
  });
  std::uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t seen = counter.read();
    EXPECT_LE(seen, 100'000u);
    last = std::max(last, seen);
  }
  writer.join();
  EXPECT_EQ(counter.read(), 99'993u);
}

TEST(LatencyHistogram, each_value_lands_in_the_bucket_of_its_power_of_two) {
  LatencyHistogram histogram;

  struct Case {
    std::int64_t ns;
    std::size_t bucket;  // counts values below 2^bucket µs
  };

  const std::vector<Case> cases = {
      {-5, 0},
      {0, 0},
      {999, 0},
      {1000, 1},
      {1999, 1},
      {2000, 2},
      {4000, 3},
      {1'000'000, 10},
      {std::int64_t{3600} * 1'000'000'000, 25},
  };
  for (const Case& each : cases) {
    const std::uint64_t before = histogram.count(each.bucket);
    histogram.record(each.ns);
    EXPECT_EQ(histogram.count(each.bucket), before + 1) << each.ns;
  }
  LatencyHistogram sums;
  sums.record(-1);
  sums.record(10);
  sums.record(20);
  EXPECT_EQ(sums.sum_ns(), 30u);
}

TEST(PerCore, neighbours_do_not_share_a_cache_line) {
  PerCore<Counter> counters(3);
  const Core core(CoreId{1});
  counters.on(core).add(5);
  EXPECT_EQ(counters.slot(1).read(), 5u);
  const auto* a = reinterpret_cast<const std::byte*>(&counters.slot(0));
  const auto* b = reinterpret_cast<const std::byte*>(&counters.slot(1));
  EXPECT_EQ(static_cast<std::size_t>(b - a), cache_line);
}

TEST(LogQueue, a_full_queue_drops_and_counts) {
  LogQueue queue;
  for (std::size_t i = 0; i < limits::log_queue_lines + 3; ++i)
    queue.push({LogLevel::info, false, std::to_string(i)});
  EXPECT_EQ(queue.dropped(), 3u);
  EXPECT_EQ(queue.pop()->text, "0");
}

TEST(LogLimiter, a_burst_a_second_passes_and_the_rest_is_counted) {
  LogLimiter limiter(2);
  Instant now{5'000'000'000};
  std::uint64_t held = 99;
  EXPECT_TRUE(limiter.allow(now, held));
  EXPECT_EQ(held, 0u);
  EXPECT_TRUE(limiter.allow(now, held));
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(limiter.allow(now + std::chrono::milliseconds(i), held));
  now = now + std::chrono::seconds(1);
  EXPECT_TRUE(limiter.allow(now, held));
  EXPECT_EQ(held, 10u);
  EXPECT_TRUE(limiter.allow(now, held));
  EXPECT_EQ(held, 0u);
}

TEST(Instant, sums_beyond_the_end_of_time_are_never) {
  EXPECT_EQ(Instant::never() + std::chrono::seconds(1), Instant::never());
  EXPECT_EQ((Instant{5} + Duration(7)).ns, 12);
  EXPECT_LT(Instant{5}, Instant::never());
}

}  // namespace
}  // namespace gh
