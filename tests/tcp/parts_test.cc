// SPDX-License-Identifier: Apache-2.0
// The parts of TCP that scripts do not reach alone: the wheel, the table, congestion, cookies.
#include "dataplane/net/wire/memory_frames.h"
#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/connection_table.h"
#include "dataplane/tcp/deadline_wheel.h"
#include "dataplane/tcp/handshake.h"
#include "dataplane/tcp/receiver.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/send_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace gh::tcp {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since) { return Instant{1'000'000'000} + since; }

TEST(TcpSeq, order_holds_across_the_wrap) {
  EXPECT_LT(Seq{0xfffffff0}, Seq{5});
  EXPECT_EQ(Seq{5} - Seq{0xfffffff0}, 21u);
  EXPECT_EQ(later(Seq{0xfffffff0}, Seq{5}), Seq{5});
}

TEST(TcpDeadlineWheel, each_fires_once_at_or_after_its_deadline_and_never_before) {
  std::mt19937_64 random(4);
  Instant now{5'000'000'000};
  DeadlineWheel wheel(now);

  struct Entry : WheelLink {
    Instant due;
    bool fired = false;
  };

  std::vector<Entry> entries(3000);
  for (Entry& e : entries) {
    e.due = now + Duration(static_cast<std::int64_t>(random() % (1ull << (10 + random() % 36))));
    wheel.arm(e, e.due);
  }
  std::size_t fired = 0;
  while (wheel.armed() > 0) {
    const Instant next = wheel.next_deadline();
    ASSERT_NE(next, Instant::never());
    now = std::max(
        now + Duration(1), next + Duration(static_cast<std::int64_t>(random() % 3'000'000))
    );
    wheel.expire(now, [&](WheelLink& link) {
      Entry& e = static_cast<Entry&>(link);
      EXPECT_LE(e.due, now);
      EXPECT_FALSE(e.fired);
      e.fired = true;
      ++fired;
    });
    for (const Entry& e : entries) {
      if (!e.fired) {
        ASSERT_GT(e.due + 1ms, now);
      }
    }
  }
  EXPECT_EQ(fired, entries.size());
}

TEST(TcpConnectionTable, memory_of_an_idle_connection_is_as_promised) {
  EXPECT_LE(sizeof(Connection), 512u);
  ConnectionPool pool(1000);
  std::size_t made = 0;
  while (pool.make() != nullptr) ++made;
  EXPECT_EQ(made, 1000u);
}

TEST(TcpRtt, timeout_follows_rfc_6298) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.rto(), 1s);
  rtt.on_sample(100ms);
  EXPECT_EQ(rtt.rto(), 300ms);
  rtt.back_off();
  EXPECT_EQ(rtt.rto(), 600ms);
  for (int i = 0; i < 20; ++i) rtt.back_off();
  EXPECT_EQ(rtt.rto(), 60s);
  rtt.on_sample(1s);
  EXPECT_GT(rtt.rto(), 1s);
}

// Karn's rule is not enough: what waited behind a hole was sent once, and its ACK comes when the
// hole is filled. Taken as a round trip it doubles the timeout each time, without end.
TEST(TcpSendQueue, an_ack_for_something_resent_measures_nothing_that_waited_behind_it) {
  wire::MemoryFrames frames(8);
  tcp::FrameBudget budget{.held = 0, .most = 8};
  tcp::SendQueue queue;
  queue.start(tcp::Seq{1000});
  const std::uint8_t bytes[200] = {};
  ASSERT_EQ(queue.append({bytes, 200}, 100, frames, budget), 200u);
  wire::Frame* first = queue.unsent();
  queue.on_sent(first, at(0ms));
  queue.on_sent(queue.unsent(), at(0ms));
  queue.mark_head_lost();
  ASSERT_EQ(queue.next_lost(), first);
  queue.on_sent(first, at(9000ms));
  EXPECT_LT(queue.on_ack(tcp::Seq{1200}, nullptr, 0, at(9010ms), budget).rtt.count(), 0);

  ASSERT_EQ(queue.append({bytes, 100}, 100, frames, budget), 100u);
  queue.on_sent(queue.unsent(), at(9020ms));
  EXPECT_EQ(queue.on_ack(tcp::Seq{1300}, nullptr, 0, at(9030ms), budget).rtt, Duration(10ms));
  EXPECT_EQ(frames.in_use(), 0u);
}

TEST(TcpCongestion, slow_start_doubles_and_a_loss_reduces) {
  for (const auto kind : {CongestionKind::cubic, CongestionKind::new_reno}) {
    Congestion cc;
    cc.start(kind, 1000);
    EXPECT_EQ(cc.cwnd(), 10'000u);
    for (int i = 0; i < 10; ++i) cc.on_ack(1000, 10ms, Instant{1});
    EXPECT_EQ(cc.cwnd(), 20'000u);
    cc.on_loss(20'000);
    EXPECT_EQ(cc.cwnd(), kind == CongestionKind::cubic ? 14'000u : 10'000u);
    cc.on_timeout(14'000, true);
    EXPECT_EQ(cc.cwnd(), 1000u);
  }
}

TEST(TcpCongestion, cubic_comes_back_to_its_old_window_and_beyond) {
  Congestion cc;
  cc.start(CongestionKind::cubic, 1000);
  for (int i = 0; i < 190; ++i) cc.on_ack(1000, 10ms, Instant{1});
  cc.on_loss(200'000);
  Instant now{1'000'000'000};
  std::uint32_t last = cc.cwnd();
  for (int ms = 0; ms < 20'000; ms += 10) {
    now = now + 10ms;
    for (std::uint32_t acked = 0; acked < cc.cwnd(); acked += 2000) cc.on_ack(2000, 10ms, now);
    EXPECT_GE(cc.cwnd(), last);
    last = cc.cwnd();
  }
  EXPECT_GT(last, 200'000u);
}

TEST(TcpHandshake, cookies_open_for_their_own_connection_only) {
  const HandshakeSecrets secrets({1, 2});
  const Endpoint us{*wire::IpAddress::parse("10.0.0.1"), 443};
  const Endpoint peer{*wire::IpAddress::parse("10.0.0.2"), 5000};
  const Endpoint other{*wire::IpAddress::parse("10.0.0.2"), 5001};
  const Instant now{77'000'000'000};
  const Seq cookie = secrets.cookie(us, peer, Seq{9}, 1460, now);
  EXPECT_EQ(secrets.open_cookie(us, peer, Seq{9}, cookie, now), 1460);
  EXPECT_EQ(secrets.open_cookie(us, peer, Seq{9}, cookie, now + 60s), 1460);
  EXPECT_FALSE(secrets.open_cookie(us, peer, Seq{9}, cookie, now + 200s));
  EXPECT_FALSE(secrets.open_cookie(us, other, Seq{9}, cookie, now));
  EXPECT_FALSE(secrets.open_cookie(us, peer, Seq{10}, cookie, now));
}

TEST(TcpHandshake, initial_sequence_numbers_move_with_time_and_differ_by_peer) {
  const HandshakeSecrets secrets({1, 2});
  const Endpoint us{*wire::IpAddress::parse("10.0.0.1"), 443};
  const Endpoint peer{*wire::IpAddress::parse("10.0.0.2"), 5000};
  const Endpoint other{*wire::IpAddress::parse("10.0.0.2"), 5001};
  const Seq first = secrets.initial_sequence(us, peer, Instant{0});
  EXPECT_EQ(secrets.initial_sequence(us, peer, Instant{4'000'000}) - first, 1000u);
  EXPECT_NE(secrets.initial_sequence(us, other, Instant{0}), first);
}

TEST(TcpHandshake, a_packed_timestamp_is_never_ahead_of_the_clock) {
  for (std::uint32_t ts = 1000; ts < 1100; ++ts) {
    const std::uint32_t packed = HandshakeSecrets::pack_timestamp(ts, {1460, 14, true});
    EXPECT_LE(packed, ts);
    EXPECT_EQ(HandshakeSecrets::unpack_timestamp(packed).window_shift, 14);
    EXPECT_TRUE(HandshakeSecrets::unpack_timestamp(packed).sack);
  }
}

}  // namespace
}  // namespace gh::tcp
