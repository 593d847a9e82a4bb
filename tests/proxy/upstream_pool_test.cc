// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/upstream_pool.h"

#include "tests/proxy/fakes.h"

#include <gtest/gtest.h>

namespace gh::proxy {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::FakeLink;

struct Want final : Demand {
  void on_link(Link& given) noexcept override {
    link = &given;
    --static_cast<FakeLink&>(given).client->free;
  }

  void on_unavailable(Unavailable why) noexcept override {
    unavailable = true;
    reason = why;
  }

  Link* link = nullptr;
  bool unavailable = false;
  Unavailable reason{};
};

TEST(UpstreamPool, first_demand_dials_and_waits_for_the_handshake) {
  Bench bench(1);
  Want want;
  bench.pool_.request(want);
  ASSERT_EQ(bench.dialer.links.size(), 1u);
  EXPECT_EQ(want.link, nullptr);
  bench.ready(0);
  EXPECT_EQ(want.link, &bench.dialer.links[0]);
}

TEST(UpstreamPool, one_h2_connection_serves_many) {
  Bench bench(1);
  Want wants[50];
  for (auto& want : wants) bench.pool_.request(want);
  EXPECT_EQ(bench.dialer.links.size(), 1u);
  bench.ready(0);
  for (auto& want : wants) EXPECT_NE(want.link, nullptr);
}

TEST(UpstreamPool, stream_limit_of_the_upstream_opens_more_connections) {
  Bench bench(1);
  Want wants[5];
  for (auto& want : wants) bench.pool_.request(want);
  bench.ready(0, http::Version::http_2, 2);
  EXPECT_NE(wants[1].link, nullptr);
  EXPECT_EQ(wants[2].link, nullptr);
  ASSERT_EQ(bench.dialer.links.size(), 2u);
  bench.ready(1, http::Version::http_2, 10);
  EXPECT_EQ(wants[4].link, &bench.dialer.links[1]);
}

TEST(UpstreamPool, http1_upstream_gets_a_connection_each) {
  Bench bench(1);
  Want wants[3];
  for (auto& want : wants) bench.pool_.request(want);
  bench.ready(0, http::Version::http_1_1, 1);
  ASSERT_EQ(bench.dialer.links.size(), 2u);  // now it is known to speak HTTP/1.1
  bench.ready(1, http::Version::http_1_1, 1);
  ASSERT_EQ(bench.dialer.links.size(), 3u);
  bench.ready(2, http::Version::http_1_1, 1);
  EXPECT_NE(wants[2].link, nullptr);
}

TEST(UpstreamPool, upgrade_has_a_connection_of_its_own_and_overtakes_nobody) {
  Bench bench(1);
  Want plain;
  bench.pool_.request(plain);
  bench.ready(0);
  Want upgrade;
  upgrade.needs_h1 = true;
  bench.pool_.request(upgrade);
  ASSERT_EQ(bench.dialer.links.size(), 2u);
  EXPECT_TRUE(bench.dialer.links[1].h1_only);
  bench.ready(1, http::Version::http_1_1, 1);
  EXPECT_EQ(upgrade.link, &bench.dialer.links[1]);
  Want next;
  bench.pool_.request(next);
  EXPECT_EQ(next.link, &bench.dialer.links[0]);
}

TEST(UpstreamPool, requests_spread_over_replicas_by_outstanding) {
  Bench bench(2);
  Want a;
  Want b;
  bench.pool_.request(a);
  bench.pool_.request(b);
  ASSERT_EQ(bench.dialer.links.size(), 2u);
  EXPECT_NE(bench.dialer.links[0].replica, bench.dialer.links[1].replica);
}

TEST(UpstreamPool, refused_connection_moves_those_waiting_to_another_replica) {
  Bench bench(2);
  Want want;
  bench.pool_.request(want);
  bench.pool_.on_link_failed(bench.dialer.links[0]);
  ASSERT_EQ(bench.dialer.links.size(), 2u);
  EXPECT_NE(bench.dialer.links[1].replica, bench.dialer.links[0].replica);
  bench.ready(1);
  EXPECT_NE(want.link, nullptr);
  EXPECT_EQ(bench.metrics_[bench.dialer.links[0].replica].ejected.read(), 1u);
}

TEST(UpstreamPool, no_replica_left_is_said_at_once) {
  Bench bench(1);
  Want want;
  bench.pool_.request(want);
  bench.pool_.on_link_failed(bench.dialer.links[0]);
  EXPECT_TRUE(want.unavailable);
  EXPECT_FALSE(bench.pool_.any_usable());
}

TEST(UpstreamPool, ejected_replica_comes_back_only_after_readyz) {
  Bench bench(2);
  Want first;
  bench.pool_.request(first);
  const std::size_t down = bench.dialer.links[0].replica;
  bench.pool_.on_link_failed(bench.dialer.links[0]);
  bench.ready(1);
  bench.advance(300ms);  // ejection_first has passed: dialled again
  ASSERT_EQ(bench.dialer.links.size(), 3u);
  FakeLink& probed = bench.ready(2);
  EXPECT_EQ(probed.replica, down);
  EXPECT_EQ(probed.probes, 1);
  Want meanwhile;
  bench.pool_.request(meanwhile);
  EXPECT_EQ(meanwhile.link, &bench.dialer.links[1]);
  bench.pool_.on_probe(probed, true);
  EXPECT_EQ(bench.metrics_[down].ejected.read(), 0u);
}

TEST(UpstreamPool, failing_readyz_keeps_it_out_and_asks_again_later) {
  Bench bench(2);
  Want first;
  bench.pool_.request(first);
  const std::size_t down = bench.dialer.links[0].replica;
  bench.pool_.on_link_failed(bench.dialer.links[0]);
  bench.ready(1);
  bench.advance(300ms);
  FakeLink& probed = bench.ready(2);
  bench.pool_.on_probe(probed, false);
  EXPECT_EQ(bench.metrics_[down].ejected.read(), 1u);
  bench.advance(6s);
  EXPECT_EQ(probed.probes, 2);
}

TEST(UpstreamPool, waiting_line_is_bounded) {
  Bench bench(1);
  std::deque<Want> wants(limits::upstream_waiting_max + 1);
  for (auto& want : wants) bench.pool_.request(want);
  EXPECT_TRUE(wants.back().unavailable);
  EXPECT_EQ(wants.back().reason, Unavailable::too_many_waiting);
  for (auto& want : wants) bench.pool_.cancel(want);
  EXPECT_EQ(bench.pool_.waiting(), 0u);
}

TEST(UpstreamPool, lost_connection_is_replaced_for_those_who_wait) {
  Bench bench(1);
  Want a;
  Want b;
  bench.pool_.request(a);
  bench.ready(0, http::Version::http_2, 1);
  bench.pool_.request(b);
  const std::size_t before = bench.dialer.links.size();
  bench.pool_.on_link_closed(bench.dialer.links[0]);
  EXPECT_GE(bench.dialer.links.size(), before);
  bench.ready(bench.dialer.links.size() - 1);
  EXPECT_NE(b.link, nullptr);
}

TEST(UpstreamPool, retired_connections_take_no_more_requests) {
  Bench bench(1);
  Want a;
  bench.pool_.request(a);
  bench.ready(0);
  bench.pool_.retire_all();
  EXPECT_TRUE(bench.dialer.links[0].retired);
  Want b;
  bench.pool_.request(b);
  EXPECT_EQ(b.link, nullptr);
  EXPECT_EQ(bench.dialer.links.size(), 2u);
}

}  // namespace
}  // namespace gh::proxy
