// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/side_request.h"

#include "tests/proxy/fakes.h"

#include <gtest/gtest.h>

#include <optional>

namespace gh::proxy {
namespace {

using namespace std::chrono_literals;
using test::Bench;
using test::FakeStream;

struct Scene final : SideRequest::Asker {
  explicit Scene(std::size_t replicas = 1) : bench(replicas), request(bench) {}

  void on_answer(SideRequest&, int got, std::string_view text) noexcept override {
    status = got;
    body = text;
  }

  void start() {
    http::RequestHead head;
    head.method = "POST";
    head.target = "/apis/authentication.k8s.io/v1/tokenreviews";
    request.start(std::move(head), "{}", *this);
  }

  FakeStream& up(std::size_t link = 0) { return bench.dialer.links[link].client->streams.back(); }

  void answer(int code, std::string_view text) {
    http::ResponseHead head;
    head.status = code;
    request.on_response(head);
    request.on_up_body(as_bytes(text));
  }

  Bench bench;
  SideRequest request;
  std::optional<int> status;
  std::string body;
};

TEST(SideRequest, gives_the_whole_answer_once) {
  Scene s;
  s.start();
  s.bench.ready(0);
  EXPECT_EQ(s.up().body, "{}");
  EXPECT_TRUE(s.up().ended);
  s.answer(201, "yes");
  EXPECT_EQ(s.up().consumed, 3u);
  EXPECT_FALSE(s.status.has_value());
  s.request.on_up_closed(http::Reset::none);
  EXPECT_EQ(s.status, 201);
  EXPECT_EQ(s.body, "yes");
  EXPECT_FALSE(s.request.running());
}

TEST(SideRequest, goes_to_another_replica_when_one_is_lost) {
  Scene s(2);
  s.start();
  s.bench.ready(0);
  s.request.on_up_closed(http::Reset::connection_lost);
  ASSERT_EQ(s.bench.dialer.links.size(), 2u);
  EXPECT_NE(s.bench.dialer.links[1].replica, s.bench.dialer.links[0].replica);
  s.bench.ready(1);
  s.answer(201, "yes");
  s.request.on_up_closed(http::Reset::none);
  EXPECT_EQ(s.status, 201);
}

TEST(SideRequest, answer_that_breaks_off_is_none) {
  Scene s;
  s.start();
  s.bench.ready(0);
  s.answer(201, "half");
  s.request.on_up_closed(http::Reset::connection_lost);
  EXPECT_EQ(s.status, 0);
  EXPECT_EQ(s.body, "");
}

TEST(SideRequest, answer_over_its_bound_is_none) {
  Scene s;
  s.start();
  s.bench.ready(0);
  s.answer(200, std::string(limits::side_answer_bytes_max, 'x'));
  s.request.on_up_body(as_bytes("y"));
  s.request.on_up_closed(http::Reset::none);
  EXPECT_EQ(s.status, 0);
}

TEST(SideRequest, no_answer_in_time_is_none_and_the_stream_is_reset) {
  Scene s;
  s.start();
  s.bench.ready(0);
  s.bench.advance(limits::side_request_timeout + 1s);
  EXPECT_EQ(s.status, 0);
  EXPECT_EQ(s.up().reset, http::Reset::cancelled);
}

TEST(SideRequest, cancelled_one_never_answers) {
  Scene s;
  s.start();
  s.request.cancel();
  s.bench.ready(0);
  EXPECT_FALSE(s.status.has_value());
  s.start();
  EXPECT_TRUE(s.request.running());
}

}  // namespace
}  // namespace gh::proxy
