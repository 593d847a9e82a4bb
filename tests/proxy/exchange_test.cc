// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/exchange.h"

#include "tests/proxy/fakes.h"

#include <gtest/gtest.h>

namespace gh::proxy {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::FakeClient;
using test::FakeLink;
using test::FakeServer;
using test::FakeStream;

struct Leg final : DownLeg {
  void mark_dirty() noexcept override { ++dirty; }

  int dirty = 0;
};

// A request from a client, and the replicas it may go to.
struct Scene {
  explicit Scene(std::size_t replicas = 1) : bench(replicas), exchange(bench) {
    leg.session = &server;
  }

  void get(std::string_view method = "GET") {
    head.method = method;
    head.target = "/api/v1/pods";
    exchange.begin(leg, down, head);
    exchange.forward();
  }

  void post() {
    head.method = "POST";
    head.target = "/api/v1/pods";
    head.has_body = true;
    exchange.begin(leg, down, head);
    exchange.forward();
  }

  FakeStream& up(std::size_t link = 0) { return bench.dialer.links[link].client->streams.back(); }

  void answer(int status, std::optional<std::uint64_t> length = std::nullopt) {
    http::ResponseHead response;
    response.status = status;
    response.content_length = length;
    exchange.on_response(response);
  }

  // As the upstream's connection does it.
  void up_closed(http::Reset reset) { exchange.on_up_closed(reset); }

  Bench bench;
  FakeServer server;
  FakeStream down;
  Leg leg;
  http::RequestHead head;
  Exchange exchange;
};

TEST(Exchange, answer_and_body_reach_the_client_and_credit_comes_back) {
  Scene s;
  s.get();
  s.bench.ready(0);
  EXPECT_TRUE(s.up().ended);
  s.answer(200);
  s.exchange.on_up_body(as_bytes("hello"));
  s.exchange.on_response_end(nullptr);
  EXPECT_EQ(s.down.response.status, 200);
  EXPECT_EQ(s.down.body, "hello");
  EXPECT_TRUE(s.down.ended);
  EXPECT_EQ(s.up().consumed, 0u);
  s.exchange.on_down_sent(5);
  EXPECT_EQ(s.up().consumed, 5u);
  s.exchange.on_down_closed(http::Reset::none);
  EXPECT_EQ(s.bench.done, 1);
}

TEST(Exchange, body_sent_before_a_connection_is_there_waits_and_credit_is_kept) {
  Scene s;
  s.post();
  s.exchange.on_down_body(as_bytes("abc"));
  s.exchange.on_down_body(as_bytes("def"));
  EXPECT_EQ(s.down.consumed, 0u);
  s.exchange.on_down_end(nullptr);
  s.bench.ready(0);
  EXPECT_EQ(s.up().body, "abcdef");
  EXPECT_TRUE(s.up().ended);
  s.exchange.on_up_sent(6);
  EXPECT_EQ(s.down.consumed, 6u);
}

TEST(Exchange, held_request_keeps_its_body_in_the_clients_window_until_it_goes_on) {
  Scene s;
  s.head.method = "POST";
  s.head.has_body = true;
  s.exchange.begin(s.leg, s.down, s.head);
  s.exchange.hold();
  s.exchange.on_down_body(as_bytes("abc"));
  EXPECT_EQ(s.down.consumed, 0u);
  EXPECT_TRUE(s.bench.dialer.links.empty());
  s.exchange.on_down_end(nullptr);
  s.exchange.forward();
  s.bench.ready(0);
  EXPECT_EQ(s.up().body, "abc");
  EXPECT_TRUE(s.up().ended);
  s.exchange.on_up_sent(3);
  EXPECT_EQ(s.down.consumed, 3u);
}

TEST(Exchange, held_request_that_is_refused_gives_its_credit_back) {
  Scene s;
  s.head.method = "POST";
  s.head.has_body = true;
  s.exchange.begin(s.leg, s.down, s.head);
  s.exchange.hold();
  s.exchange.on_down_body(as_bytes("abc"));
  s.exchange.refuse({.code = 401, .message = "Unauthorized"});
  EXPECT_EQ(s.down.consumed, 3u);
  EXPECT_EQ(s.down.response.status, 401);
}

// A body to be read whole before the request is judged.
struct CollectScene : Scene {
  explicit CollectScene(std::size_t bytes_max, bool expect_continue = false) {
    head.method = "POST";
    head.has_body = true;
    head.expect_continue = expect_continue;
    exchange.begin(leg, down, head);
    exchange.collect(bytes_max);
  }

  using What = ExchangeHost::Collected;
};

TEST(Exchange, collected_body_is_credited_once_and_sent_whole) {
  CollectScene s(1'000'000);
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 3; ++i) s.exchange.on_down_body(as_bytes(piece));
  EXPECT_EQ(s.down.consumed, 300'000u);
  EXPECT_TRUE(s.bench.collected.empty());
  s.exchange.on_down_end(nullptr);
  EXPECT_EQ(s.bench.collected, std::vector{CollectScene::What::whole});
  EXPECT_EQ(s.exchange.collected().size(), 300'000u);
  s.exchange.forward();
  s.bench.ready(0);
  EXPECT_EQ(s.up().body.size(), 300'000u);
  s.exchange.on_up_sent(300'000);
  EXPECT_EQ(s.down.consumed, 300'000u);
}

TEST(Exchange, collecting_ends_at_its_bound_and_at_its_time) {
  CollectScene big(10);
  big.exchange.on_down_body(as_bytes("12345678901"));
  EXPECT_EQ(big.bench.collected, std::vector{CollectScene::What::too_long});
  big.exchange.refuse({.code = 413, .message = "too long"});
  EXPECT_EQ(big.down.consumed, 11u);
  CollectScene slow(10);
  slow.exchange.on_down_body(as_bytes("1"));
  slow.bench.advance(limits::collect_timeout + 1s);
  EXPECT_EQ(slow.bench.collected, std::vector{CollectScene::What::too_slow});
}

TEST(Exchange, collecting_asks_a_client_that_waits_for_100_to_go_on) {
  CollectScene s(10, true);
  EXPECT_EQ(s.server.interim, std::vector{100});
  s.exchange.on_down_end(nullptr);
  s.exchange.forward();
  s.bench.ready(0);
  EXPECT_FALSE(s.up().request.expect_continue);
}

TEST(Exchange, request_trailers_lose_what_only_we_may_say) {
  Scene s;
  s.post();
  s.bench.ready(0);
  http::HeaderList trailers;
  trailers.add("grpc-timeout", "1");
  trailers.add("x-remote-user", "root");
  s.exchange.on_down_end(&trailers);
  EXPECT_EQ(s.up().trailer_names, std::vector<std::string>{"grpc-timeout"});
}

TEST(Exchange, refused_stream_is_repeated_elsewhere_with_its_body_and_credit_given_once) {
  Scene s(2);
  s.post();
  s.exchange.on_down_body(as_bytes("abc"));
  s.exchange.on_down_end(nullptr);
  s.bench.ready(0);
  s.exchange.on_up_sent(3);
  EXPECT_EQ(s.down.consumed, 3u);
  s.up_closed(http::Reset::refused);
  ASSERT_EQ(s.bench.dialer.links.size(), 2u);
  EXPECT_NE(s.bench.dialer.links[1].replica, s.bench.dialer.links[0].replica);
  s.bench.ready(1);
  EXPECT_EQ(s.up(1).body, "abc");
  EXPECT_TRUE(s.up(1).ended);
  s.exchange.on_up_sent(3);
  EXPECT_EQ(s.down.consumed, 3u);
}

TEST(Exchange, safe_request_is_repeated_when_the_connection_is_lost_before_an_answer) {
  Scene s(2);
  s.get();
  s.bench.ready(0);
  s.up_closed(http::Reset::connection_lost);
  s.bench.ready(1);
  s.answer(200, 0);
  EXPECT_EQ(s.down.response.status, 200);
}

TEST(Exchange, unsafe_request_whose_connection_is_lost_gets_503_and_is_not_repeated) {
  Scene s(2);
  s.post();
  s.exchange.on_down_end(nullptr);
  s.bench.ready(0);
  s.up_closed(http::Reset::connection_lost);
  EXPECT_EQ(s.bench.dialer.links.size(), 1u);
  EXPECT_EQ(s.down.response.status, 503);
  EXPECT_NE(s.down.body.find("\"reason\":\"ServiceUnavailable\""), std::string::npos);
}

TEST(Exchange, large_body_is_not_kept_so_even_a_refused_stream_cannot_be_repeated) {
  Scene s(2);
  s.post();
  s.bench.ready(0);
  const std::string piece(limits::replay_body_bytes_max + 1, 'x');
  s.exchange.on_down_body(as_bytes(piece));
  s.up_closed(http::Reset::refused);
  EXPECT_EQ(s.down.response.status, 503);
}

TEST(Exchange, attempts_are_bounded) {
  Scene s(2);
  s.get();
  for (std::size_t i = 0; i < limits::upstream_attempts_max; ++i) {
    if (i < s.bench.dialer.links.size() && s.bench.dialer.links[i].client == nullptr)
      s.bench.ready(i);
    s.up_closed(http::Reset::refused);
  }
  EXPECT_EQ(s.down.response.status, 503);
}

TEST(Exchange, upstream_that_dies_mid_answer_resets_the_client_never_a_silent_success) {
  Scene s;
  s.get();
  s.bench.ready(0);
  s.answer(200);
  s.exchange.on_up_body(as_bytes("half"));
  s.up_closed(http::Reset::connection_lost);
  EXPECT_FALSE(s.down.ended);
  EXPECT_EQ(s.down.reset, http::Reset::internal_error);
}

TEST(Exchange, answer_that_is_not_http_gives_502) {
  Scene s;
  s.post();
  s.bench.ready(0);
  s.up_closed(http::Reset::peer_error);
  EXPECT_EQ(s.down.response.status, 502);
}

TEST(Exchange, client_that_goes_away_cancels_the_upstream_stream) {
  Scene s;
  s.get();
  s.bench.ready(0);
  s.exchange.on_down_closed(http::Reset::cancelled);
  EXPECT_EQ(s.up().reset, http::Reset::cancelled);
  EXPECT_EQ(s.up().user, nullptr);
  EXPECT_EQ(s.bench.done, 1);
}

TEST(Exchange, client_that_goes_away_while_waiting_leaves_the_line) {
  Scene s;
  s.get();
  EXPECT_EQ(s.bench.pool_.waiting(), 1u);
  s.exchange.on_down_closed(http::Reset::connection_lost);
  EXPECT_EQ(s.bench.pool_.waiting(), 0u);
}

TEST(Exchange, no_connection_in_time_is_503_and_no_answer_in_time_is_504) {
  Scene waiting;
  waiting.get();
  waiting.bench.advance(limits::upstream_wait_timeout + 1s);
  EXPECT_EQ(waiting.down.response.status, 503);
  Scene silent;
  silent.get();
  silent.bench.ready(0);
  silent.bench.advance(limits::upstream_head_timeout + 1s);
  EXPECT_EQ(silent.down.response.status, 504);
  EXPECT_EQ(silent.up().reset, http::Reset::cancelled);
}

TEST(Exchange, upload_that_makes_progress_is_not_a_silent_server) {
  Scene s;
  s.post();
  s.bench.ready(0);
  for (int i = 0; i < 5; ++i) {
    s.exchange.on_down_body(as_bytes("slow"));
    s.exchange.on_up_sent(4);
    s.bench.advance(limits::upstream_head_timeout - 1s);
  }
  EXPECT_EQ(s.down.response.status, 0);
  s.bench.advance(2s);
  EXPECT_EQ(s.down.response.status, 504);
}

TEST(Exchange, long_running_request_may_take_its_time_to_answer) {
  Scene s;
  s.head.method = "GET";
  s.exchange.begin(s.leg, s.down, s.head);
  s.exchange.record.long_running = true;
  s.exchange.forward();
  s.bench.ready(0);
  s.bench.advance(10min);
  EXPECT_EQ(s.down.response.status, 0);
}

TEST(Exchange, interim_answers_pass) {
  Scene s;
  s.post();
  s.bench.ready(0);
  s.answer(100);
  EXPECT_EQ(s.server.interim, std::vector<int>{100});
  s.answer(201);
  EXPECT_EQ(s.down.response.status, 201);
}

TEST(Exchange, refused_request_reads_its_body_away) {
  Scene s;
  s.head.method = "POST";
  s.head.has_body = true;
  s.exchange.begin(s.leg, s.down, s.head);
  s.exchange.refuse({.code = 403, .message = "no"});
  s.exchange.on_down_body(as_bytes("secret"));
  EXPECT_EQ(s.down.consumed, 6u);
  EXPECT_EQ(s.down.response.status, 403);
  EXPECT_TRUE(s.bench.dialer.links.empty());
}

TEST(Exchange, http2_refusal_lets_a_short_body_end_first) {
  Scene s;
  s.head.method = "POST";
  s.head.has_body = true;
  s.head.version = http::Version::http_2;
  s.exchange.begin(s.leg, s.down, s.head);
  s.exchange.refuse({.code = 403, .message = "no"});
  s.exchange.on_down_body(as_bytes("{}"));
  EXPECT_EQ(s.down.response.status, 0);
  EXPECT_EQ(s.down.consumed, 2u);
  s.exchange.on_down_end(nullptr);
  EXPECT_EQ(s.down.response.status, 403);
}

TEST(Exchange, http2_refusal_waits_neither_for_a_long_body_nor_for_one_that_stalls) {
  for (const bool stalls : {false, true}) {
    Scene s;
    s.head.method = "POST";
    s.head.has_body = true;
    s.head.version = http::Version::http_2;
    s.exchange.begin(s.leg, s.down, s.head);
    s.exchange.refuse({.code = 403, .message = "no"});
    if (stalls) {
      s.bench.advance(limits::refused_body_timeout + 1s);
    } else {
      s.exchange.on_down_body(as_bytes(std::string(limits::refused_body_bytes_max + 1, 'x')));
    }
    EXPECT_EQ(s.down.response.status, 403) << stalls;
  }
}

TEST(Exchange, tunnel_carries_bytes_and_half_closes_both_ways) {
  Scene s;
  s.head.method = "GET";
  s.head.upgrade = "websocket";
  s.exchange.begin(s.leg, s.down, s.head);
  s.exchange.record.long_running = true;
  s.exchange.forward();
  ASSERT_TRUE(s.bench.dialer.links[0].h1_only);
  s.bench.ready(0, http::Version::http_1_1, 1);
  s.answer(101);
  EXPECT_EQ(s.down.response.status, 101);
  s.exchange.on_down_tunnel_bytes(as_bytes("ping"));
  EXPECT_EQ(s.up().body, "ping");
  s.exchange.on_up_sent(4);
  EXPECT_EQ(s.down.consumed, 4u);
  s.exchange.on_up_body(as_bytes("pong"));
  EXPECT_EQ(s.down.body, "pong");
  s.exchange.on_down_tunnel_end();
  s.exchange.on_up_tunnel_end();
  EXPECT_TRUE(s.down.ended);
}

TEST(Exchange, exchange_is_clean_when_it_is_used_again) {
  Scene s;
  s.post();
  s.exchange.on_down_body(as_bytes("old"));
  s.exchange.on_down_closed(http::Reset::cancelled);
  s.head.clear();
  s.get();
  s.bench.ready(0);
  EXPECT_EQ(s.up().body, "");
  EXPECT_TRUE(s.up().ended);
}

}  // namespace
}  // namespace gh::proxy
