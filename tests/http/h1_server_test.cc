// SPDX-License-Identifier: Apache-2.0
// What an HTTP/1.1 server session does with understood requests: order, answers, credit, tunnels,
// ends, time.
#include "tests/http/h1_rig.h"

#include <gtest/gtest.h>

namespace gh::http::test {
namespace {

constexpr std::string_view plain = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string post(std::string_view fields, std::string_view body = "") {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string head_request(std::string_view first, std::string_view fields = "") {
  return std::string(first) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

ResponseHead response(int status, std::optional<std::uint64_t> length = {}) {
  ResponseHead head;
  head.status = status;
  head.content_length = length;
  return head;
}

Instant at(Duration time) { return Instant{1} + time; }

// ---- answers ----

TEST(H1ServerAnswer, with_a_length_keeps_the_connection) {
  ServerRig rig;
  rig.feed(plain);
  EXPECT_EQ(rig.output, ok);
  EXPECT_EQ(rig.sent, 2u);
  EXPECT_FALSE(rig.session->finished());
  EXPECT_EQ(rig.session->open_streams(), 0u);
  rig.feed(plain);
  EXPECT_EQ(rig.output, std::string(ok) + std::string(ok));
  EXPECT_EQ(rig.last->id, 2u);
}

TEST(H1ServerAnswer, without_a_length_is_chunked_a_chunk_for_a_piece) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    ResponseHead head = response(200);
    head.headers.add("Content-Type", "text/plain");
    rig.session->respond(stream, head, false);
    rig.session->send_body(stream, as_bytes("hello"));
    rig.session->send_body(stream, {});
    rig.session->send_body(stream, as_bytes(std::string(26, 'x')));
    HeaderList trailers;
    trailers.add("grpc-status", "0");
    rig.session->end_body(stream, &trailers);
  };
  rig.feed(plain);
  EXPECT_EQ(
      rig.output,
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n1a\r\n" +
          std::string(26, 'x') + "\r\n0\r\ngrpc-status: 0\r\n\r\n"
  );
  EXPECT_EQ(rig.sent, 31u);
  EXPECT_FALSE(rig.session->finished());
}

TEST(H1ServerAnswer, without_a_length_to_http_1_0_ends_with_the_connection) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
    rig.session->send_body(stream, as_bytes("hello"));
    rig.session->end_body(stream, nullptr);
  };
  rig.feed(head_request("GET /x HTTP/1.0", "Connection: keep-alive\r\n"));
  EXPECT_EQ(rig.output, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(rig.session->finished());
  EXPECT_FALSE(rig.session->aborted());
}

TEST(H1ServerAnswer, to_http_1_0_keeps_the_connection_only_when_asked) {
  ServerRig once;
  once.feed(head_request("GET /x HTTP/1.0"));
  EXPECT_NE(once.output.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(once.session->finished());

  ServerRig kept;
  kept.feed(head_request("GET /x HTTP/1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_NE(kept.output.find("Connection: keep-alive"), std::string::npos);
  EXPECT_FALSE(kept.session->finished());
  kept.feed(plain);
  EXPECT_TRUE(kept.output.ends_with(ok));
}

TEST(H1ServerAnswer, after_connection_close_ends_the_connection) {
  ServerRig rig;
  rig.feed(head_request("GET /x HTTP/1.1", "Connection: x, CLOSE\r\n") + std::string(plain));
  EXPECT_EQ(rig.output, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  EXPECT_TRUE(rig.session->finished());
  EXPECT_EQ(rig.seen.text(), "request GET /x HTTP/1.1 host=a\nend\nclosed none\n");
}

TEST(H1ServerAnswer, to_head_has_the_length_and_no_body) {
  ServerRig rig;
  rig.feed(head_request("HEAD /x HTTP/1.1"));
  EXPECT_EQ(rig.output, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(rig.sent, 2u);  // its credit comes back all the same
  rig.feed(plain);
  EXPECT_TRUE(rig.output.ends_with(ok));
  EXPECT_EQ(rig.sent, 4u);
}

TEST(H1ServerAnswer, of_204_and_304_has_no_body_and_no_coding) {
  for (const auto& [status, expected] :
       {std::pair{204, "HTTP/1.1 204 No Content\r\n\r\n"},
        std::pair{304, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"}}) {
    ServerRig rig;
    rig.at_end = [&](Stream& stream, RequestHead&) {
      rig.session->respond(stream, response(status, 9), true);
    };
    rig.feed(plain);
    EXPECT_EQ(rig.output, expected);
    EXPECT_FALSE(rig.session->finished());
  }
}

TEST(H1ServerAnswer, without_a_body_says_length_0) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(404), true);
  };
  rig.feed(plain);
  EXPECT_EQ(rig.output, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

TEST(H1ServerAnswer, interim_heads_come_before_it) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    ResponseHead hints = response(103);
    hints.headers.add("link", "</x>");
    rig.session->respond(stream, hints, false);
    rig.answer(stream, 200, "ok");
  };
  rig.feed(plain);
  EXPECT_EQ(rig.output, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + std::string(ok));
  rig.output.clear();
  rig.feed(head_request("GET /x HTTP/1.0"));
  EXPECT_TRUE(rig.output.starts_with("HTTP/1.1 200"));
}

TEST(H1ServerAnswer, shorter_than_its_length_breaks_the_connection) {
  for (const bool without_body : {false, true}) {
    ServerRig rig;
    rig.at_end = [&](Stream& stream, RequestHead&) {
      rig.session->respond(stream, response(200, 5), without_body);
      if (without_body) return;
      rig.session->send_body(stream, as_bytes("abc"));
      rig.session->end_body(stream, nullptr);
    };
    rig.feed(plain);
    EXPECT_TRUE(rig.seen.text().ends_with("closed internal_error\n"));
    EXPECT_TRUE(rig.session->finished());
    EXPECT_TRUE(rig.session->aborted());
  }
}

TEST(H1ServerAnswer, longer_than_its_length_breaks_the_connection) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200, 5), false);
    rig.session->send_body(stream, as_bytes("abcdef"));
    rig.session->end_body(stream, nullptr);
  };
  rig.feed(plain);
  EXPECT_TRUE(rig.seen.text().ends_with("closed internal_error\n"));
  EXPECT_TRUE(rig.session->aborted());
  EXPECT_EQ(rig.output.find("abcdef"), std::string::npos);
}

TEST(H1ServerAnswer, reset_in_the_middle_is_never_a_whole_answer) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
    rig.session->send_body(stream, as_bytes("abc"));
    rig.session->reset(stream, Reset::connection_lost);
    rig.session->end_body(stream, nullptr);
  };
  rig.feed(plain);
  EXPECT_TRUE(rig.output.ends_with("\r\n\r\n3\r\nabc\r\n"));  // no last chunk
  EXPECT_TRUE(rig.seen.text().ends_with("closed connection_lost\n"));
  EXPECT_TRUE(rig.session->finished());
  EXPECT_TRUE(rig.session->aborted());
}

TEST(H1ServerAnswer, a_large_head_is_sent_whole) {
  ServerRig rig;
  const std::string value(40'000, 'v');
  rig.at_end = [&](Stream& stream, RequestHead&) {
    ResponseHead head = response(200, 0);
    head.headers.add("a", value);
    rig.session->respond(stream, head, true);
  };
  rig.feed(plain);
  EXPECT_EQ(rig.output, "HTTP/1.1 200 OK\r\na: " + value + "\r\nContent-Length: 0\r\n\r\n");
}

// ---- order ----

TEST(H1ServerPipelining, the_next_request_waits_for_the_answer) {
  ServerRig rig;
  std::vector<Stream*> waiting;
  rig.at_end = [&](Stream& stream, RequestHead&) { waiting.push_back(&stream); };
  rig.feed(std::string(plain) + post("Content-Length: 3\r\n", "abc") + std::string(plain));
  EXPECT_EQ(rig.seen.text(), "request GET /x HTTP/1.1 host=a\nend\n");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(waiting.size(), std::size_t(i) + 1);
    rig.answer(*waiting.back(), 200, "ok");
    rig.pump();
  }
  EXPECT_EQ(rig.output, std::string(ok) + std::string(ok) + std::string(ok));
  EXPECT_NE(rig.seen.text().find("body abc"), std::string::npos);
}

TEST(H1ServerPipelining, what_waits_is_bounded_by_pausing) {
  ServerRig rig;
  rig.at_end = nullptr;
  rig.feed(plain);
  EXPECT_FALSE(rig.session->reading_paused());
  std::size_t fed = 0;
  while (!rig.session->reading_paused()) {
    rig.feed(plain);
    fed += plain.size();
    ASSERT_LE(fed, 2 * limits::h1_pipelined_bytes_max);
  }
  rig.at_end = [&](Stream& stream, RequestHead&) { rig.answer(stream, 200, "ok"); };
  rig.answer(*rig.last, 200, "ok");
  rig.pump();
  EXPECT_FALSE(rig.session->reading_paused());
  EXPECT_EQ(rig.output.size(), (1 + fed / plain.size()) * ok.size());
  EXPECT_EQ(rig.pool.in_use(), 0u);
}

TEST(H1ServerPipelining, a_broken_second_request_is_refused_in_its_turn) {
  ServerRig rig;
  rig.feed(std::string(plain) + "GET /y HTTP/1.1\r\nHost : a\r\n\r\n" + std::string(plain));
  EXPECT_TRUE(rig.output.starts_with(std::string(ok) + "HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(rig.session->finished());
  EXPECT_EQ(rig.seen.text(), "request GET /x HTTP/1.1 host=a\nend\nclosed none\n");
}

TEST(H1ServerPipelining, fifty_in_one_delivery_are_answered_in_order) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead& head) { rig.answer(stream, 200, head.target); };
  std::string bytes;
  std::string expected;
  for (int i = 10; i < 60; ++i) {
    bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
    expected += "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n/" + std::to_string(i);
  }
  rig.feed(bytes);
  EXPECT_EQ(rig.output, expected);
}

// ---- bodies, credit ----

TEST(H1ServerCredit, reading_pauses_until_the_body_is_consumed) {
  ServerRig rig;
  rig.auto_consume = false;
  rig.feed(post("Content-Length: 1000000\r\n"));
  std::size_t fed = 0;
  const std::string piece(16'384, 'x');
  while (!rig.session->reading_paused()) {
    rig.feed(piece);
    fed += piece.size();
  }
  EXPECT_EQ(fed, limits::h1_body_unread_max);
  rig.session->consumed(*rig.last, 1);
  EXPECT_FALSE(rig.session->reading_paused());
  rig.feed(piece);
  EXPECT_TRUE(rig.session->reading_paused());
}

TEST(H1ServerCredit, on_sent_never_runs_ahead_of_the_bytes) {
  ServerRig rig;
  rig.auto_drain = false;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
    for (int i = 0; i < 100; ++i) rig.session->send_body(stream, as_bytes(std::string(100, 'x')));
  };
  rig.feed(plain);
  std::uint8_t block[333];
  std::size_t produced = 0;
  while (rig.session->wants_output()) {
    produced += rig.session->produce(block);
    EXPECT_LE(rig.sent, produced);
  }
  EXPECT_EQ(rig.sent, 10'000u);
}

TEST(H1ServerExpect, the_body_follows_100) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead& head) {
    EXPECT_TRUE(head.expect_continue);
    rig.session->respond(stream, response(100), false);
  };
  rig.feed(post("Expect: 100-CONTINUE\r\nContent-Length: 3\r\n"));
  EXPECT_EQ(rig.output, "HTTP/1.1 100 Continue\r\n\r\n");
  rig.feed("abc");
  EXPECT_TRUE(rig.output.ends_with("\r\n\r\n" + std::string(ok)));
  EXPECT_FALSE(rig.session->finished());
}

TEST(H1ServerExpect, an_answer_instead_of_100_closes) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead&) { rig.answer(stream, 403, "no"); };
  rig.at_end = nullptr;
  rig.feed(post("Expect: 100-continue\r\nContent-Length: 3\r\n"));
  EXPECT_EQ(
      rig.output, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
  );
  EXPECT_TRUE(rig.session->finished());
  EXPECT_FALSE(rig.session->aborted());
}

TEST(H1ServerEarlyAnswer, a_short_rest_is_drained_and_the_connection_kept) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead& head) {
    if (head.has_body) rig.answer(stream, 403, "no");
  };
  rig.at_end = [&](Stream& stream, RequestHead& head) {
    if (!head.has_body) rig.answer(stream, 200, "ok");
  };
  rig.feed(post("Content-Length: 1000\r\n"));
  EXPECT_EQ(rig.output, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(rig.session->open_streams(), 0u);
  const std::string seen = rig.seen.text();
  rig.feed(std::string(500, 'G'));
  rig.feed(std::string(500, 'T') + std::string(plain));
  EXPECT_TRUE(rig.output.ends_with(ok));
  EXPECT_EQ(rig.seen.text(), seen + "request GET /x HTTP/1.1 host=a\nend\nclosed none\n");
}

TEST(H1ServerEarlyAnswer, a_long_or_unknown_rest_closes) {
  for (const std::string& request :
       {post("Content-Length: 65537\r\n"),
        post("Transfer-Encoding: chunked\r\n"),
        post("Transfer-Encoding: chunked\r\n", "5\r\nab")}) {
    ServerRig rig;
    rig.at_request = [&](Stream& stream, RequestHead&) { rig.answer(stream, 403, "no"); };
    rig.feed(request);
    EXPECT_EQ(
        rig.output, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    );
    EXPECT_TRUE(rig.session->finished());
    EXPECT_FALSE(rig.session->aborted());
  }
}

TEST(H1ServerEarlyAnswer, is_whole_when_the_rest_is_broken_or_missing) {
  for (const bool cut : {false, true}) {
    ServerRig rig;
    rig.auto_drain = false;
    rig.at_request = [&](Stream& stream, RequestHead&) { rig.answer(stream, 403, "no"); };
    rig.feed(post("Transfer-Encoding: chunked\r\n", cut ? "5\r\nab" : "zz\r\n"));
    if (cut) rig.eof();
    rig.pump();
    EXPECT_TRUE(rig.output.ends_with("Connection: close\r\n\r\nno")) << rig.output;
    EXPECT_TRUE(rig.session->finished());
    EXPECT_FALSE(rig.session->aborted());
  }
}

TEST(H1ServerEarlyAnswer, a_streaming_answer_may_overlap_the_body) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
  };
  rig.at_end = [&](Stream& stream, RequestHead&) { rig.session->end_body(stream, nullptr); };
  rig.feed(post("Transfer-Encoding: chunked\r\n"));
  rig.feed("3\r\nabc\r\n");
  rig.session->send_body(*rig.last, as_bytes("x"));
  rig.feed("0\r\n\r\n");
  EXPECT_TRUE(rig.output.ends_with("\r\n\r\n1\r\nx\r\n0\r\n\r\n"));
  EXPECT_EQ(rig.seen.text(), "request POST /x HTTP/1.1 host=a body\nbody abc\nend\nclosed none\n");
  EXPECT_TRUE(rig.session->finished());  // said with the head, when the rest was not known
}

TEST(H1ServerBrokenBody, is_refused_while_no_answer_has_begun) {
  ServerRig rig;
  rig.feed(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nzz\r\n"));
  EXPECT_TRUE(rig.output.starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(rig.seen.text().ends_with("body abc\nclosed peer_error\n"));
}

TEST(H1ServerBrokenBody, breaks_an_answer_that_has_begun) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
  };
  rig.feed(post("Transfer-Encoding: chunked\r\n", "zz\r\n"));
  EXPECT_EQ(rig.error, SessionError::bad_framing);
  EXPECT_TRUE(rig.output.ends_with("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(rig.session->aborted());
}

// ---- tunnels ----

class H1ServerTunnel : public testing::Test {
 protected:
  H1ServerTunnel() {
    rig.at_end = [this](Stream& stream, RequestHead& head) {
      ResponseHead answer = response(101);
      answer.upgrade = head.upgrade;
      answer.headers.add("sec-websocket-accept", "x");
      rig.session->respond(stream, answer, false);
    };
  }

  void open(std::string_view then = "") {
    rig.feed(
        head_request("GET /exec HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n") +
        std::string(then)
    );
    EXPECT_EQ(
        rig.output,
        "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: x\r\nConnection: "
        "Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    rig.output.clear();
  }

  ServerRig rig;
};

TEST_F(H1ServerTunnel, carries_raw_bytes_both_ways) {
  open("early");
  rig.feed("GET /y HTTP/1.1\n\n");
  rig.session->send_body(*rig.last, as_bytes("frame"));
  rig.pump();
  EXPECT_EQ(rig.output, "frame");
  EXPECT_EQ(rig.sent, 5u);
  EXPECT_TRUE(rig.seen.text().ends_with("end\ntunnel earlyGET /y HTTP/1.1\n\n\n"));
  EXPECT_EQ(rig.session->next_deadline(), Instant::never());
}

TEST_F(H1ServerTunnel, ends_when_both_sides_have_ended) {
  open();
  rig.eof();
  EXPECT_TRUE(rig.seen.text().ends_with("tunnel end\n"));
  EXPECT_FALSE(rig.session->finished());
  rig.session->send_body(*rig.last, as_bytes("last"));
  rig.session->end_body(*rig.last, nullptr);
  rig.pump();
  EXPECT_EQ(rig.output, "last");
  EXPECT_TRUE(rig.seen.text().ends_with("closed none\n"));
  EXPECT_TRUE(rig.session->finished());
  EXPECT_FALSE(rig.session->aborted());
}

TEST_F(H1ServerTunnel, says_when_our_side_has_ended) {
  open();
  rig.session->send_body(*rig.last, as_bytes("last"));
  rig.session->end_body(*rig.last, nullptr);
  EXPECT_FALSE(rig.session->sending_ended());
  rig.pump();
  EXPECT_TRUE(rig.session->sending_ended());
  rig.feed("more");
  EXPECT_TRUE(rig.seen.text().ends_with("tunnel more\n"));
  rig.eof();
  EXPECT_TRUE(rig.session->finished());
}

TEST_F(H1ServerTunnel, half_closed_by_us_and_silent_is_cancelled) {
  open();
  rig.session->end_body(*rig.last, nullptr);
  rig.pump();
  rig.deadline(at(std::chrono::seconds(1)));  // counts from here
  rig.deadline(at(std::chrono::seconds(1) + limits::idle_timeout));
  EXPECT_TRUE(rig.seen.text().ends_with("closed cancelled\n"));
  EXPECT_TRUE(rig.session->finished());
}

TEST_F(H1ServerTunnel, obeys_credit) {
  open();
  rig.auto_consume = false;
  rig.feed(std::string(limits::h1_body_unread_max, 'x'));
  EXPECT_TRUE(rig.session->reading_paused());
  rig.session->consumed(*rig.last, limits::h1_body_unread_max);
  EXPECT_FALSE(rig.session->reading_paused());
}

TEST_F(H1ServerTunnel, bytes_before_the_101_are_held_for_it) {
  auto at_end = std::move(rig.at_end);
  rig.at_end = nullptr;
  rig.feed(
      head_request("GET /exec HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "early"
  );
  EXPECT_EQ(rig.seen.text(), "request GET /exec HTTP/1.1 host=a upgrade=websocket\nend\n");
  RequestHead head;
  head.upgrade = "websocket";
  at_end(*rig.last, head);
  rig.pump();
  EXPECT_TRUE(rig.seen.text().ends_with("end\ntunnel early\n"));
}

TEST_F(H1ServerTunnel, early_bytes_and_an_end_before_the_101_arrive_in_order) {
  auto at_end = std::move(rig.at_end);
  rig.at_end = nullptr;
  rig.feed(
      head_request("GET /exec HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "early"
  );
  rig.eof();
  RequestHead head;
  head.upgrade = "websocket";
  at_end(*rig.last, head);
  rig.pump();
  EXPECT_TRUE(rig.seen.text().ends_with("end\ntunnel early\ntunnel end\n"));
}

TEST_F(H1ServerTunnel, nobody_asked_for_breaks_the_connection) {
  rig.feed(plain);
  EXPECT_TRUE(rig.seen.text().ends_with("closed internal_error\n"));
  EXPECT_EQ(rig.output, "");
}

TEST_F(H1ServerTunnel, refused_leaves_a_connection_for_requests) {
  rig.at_end = [this](Stream& stream, RequestHead&) { rig.answer(stream, 403, "no"); };
  rig.feed(
      head_request("GET /exec HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n") +
      std::string(plain)
  );
  EXPECT_EQ(rig.session->finished(), false);
  EXPECT_TRUE(rig.seen.text().ends_with("request GET /x HTTP/1.1 host=a\nend\nclosed none\n"));
}

// ---- ends ----

TEST(H1ServerEnd, an_idle_connection_just_ends) {
  ServerRig rig;
  rig.eof();
  EXPECT_EQ(rig.all(), "error none finished\n");
}

TEST(H1ServerEnd, in_a_head_is_truncated) {
  ServerRig rig;
  rig.feed("GET /x HT");
  rig.eof();
  EXPECT_EQ(rig.error, SessionError::truncated);
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerEnd, in_a_body_loses_the_stream) {
  for (const std::string& request :
       {post("Content-Length: 3\r\n", "ab"),
        post("Content-Length: 3\r\n"),
        post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r")}) {
    ServerRig rig;
    rig.feed(request);
    rig.eof();
    EXPECT_EQ(rig.error, SessionError::truncated);
    EXPECT_TRUE(rig.seen.text().ends_with("closed connection_lost\n"));
    EXPECT_TRUE(rig.session->finished());
  }
}

TEST(H1ServerEnd, after_whole_requests_lets_them_be_answered) {
  ServerRig rig;
  std::vector<Stream*> waiting;
  rig.at_end = [&](Stream& stream, RequestHead&) { waiting.push_back(&stream); };
  rig.feed(std::string(plain) + std::string(plain));
  rig.eof();
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(waiting.size(), i + 1);
    rig.answer(*waiting[i], 200, "ok");
    rig.pump();
  }
  EXPECT_EQ(
      rig.output,
      std::string(ok) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
  );
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerEnd, an_answer_that_does_not_end_is_cancelled_after_a_while) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
  };
  rig.feed(plain);
  rig.eof();
  rig.deadline(at(std::chrono::seconds(100)));  // counts from here
  EXPECT_EQ(rig.session->open_streams(), 1u);
  EXPECT_EQ(
      rig.session->next_deadline(), at(std::chrono::seconds(100) + limits::h1_half_closed_timeout)
  );
  rig.deadline(rig.session->next_deadline());
  EXPECT_TRUE(rig.seen.text().ends_with("closed cancelled\n"));
  EXPECT_TRUE(rig.session->finished());
  EXPECT_TRUE(rig.session->aborted());
}

TEST(H1ServerEnd, is_not_hidden_by_a_pipelined_request_behind_one_that_does_not_end) {
  ServerRig rig;
  rig.at_end = nullptr;
  rig.feed(std::string(plain) + std::string(plain));
  rig.eof();
  rig.deadline(at(std::chrono::seconds(100)));  // counts from here
  EXPECT_EQ(
      rig.session->next_deadline(), at(std::chrono::seconds(100) + limits::h1_half_closed_timeout)
  );
  rig.deadline(rig.session->next_deadline());
  EXPECT_TRUE(rig.seen.text().ends_with("closed cancelled\n"));
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerEnd, of_a_lost_connection_closes_the_stream_once) {
  ServerRig rig;
  rig.at_end = nullptr;
  rig.feed(plain);
  rig.session->on_lost();
  EXPECT_TRUE(rig.seen.text().ends_with("end\nclosed connection_lost\n"));
  EXPECT_TRUE(rig.session->finished());
  EXPECT_FALSE(rig.session->wants_output());
}

TEST(H1ServerDrain, an_idle_connection_is_finished_at_once) {
  ServerRig rig;
  rig.feed(plain);
  rig.session->begin_drain();
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerDrain, a_running_request_is_answered_with_close) {
  ServerRig rig;
  rig.at_end = nullptr;
  rig.feed(std::string(plain) + std::string(plain));
  rig.session->begin_drain();
  EXPECT_FALSE(rig.session->finished());
  rig.answer(*rig.last, 200, "ok");
  rig.pump();
  EXPECT_EQ(rig.output, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  EXPECT_TRUE(rig.session->finished());
  EXPECT_EQ(rig.seen.text(), "request GET /x HTTP/1.1 host=a\nend\nclosed none\n");
}

TEST(H1ServerDrain, an_answer_already_begun_finishes_and_the_connection_ends) {
  ServerRig rig;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
  };
  rig.feed(plain);
  rig.session->begin_drain();
  rig.session->end_body(*rig.last, nullptr);
  rig.pump();
  EXPECT_TRUE(rig.output.ends_with("0\r\n\r\n"));
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerReset, raises_no_event_from_inside_the_command) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead&) {
    rig.session->reset(stream, Reset::refused);
    rig.session->send_body(stream, as_bytes("x"));
    rig.session->consumed(stream, 5);
    EXPECT_EQ(rig.session->open_streams(), 1u);
    EXPECT_TRUE(rig.session->wants_output());
  };
  rig.feed(post("Content-Length: 3\r\n", "abc"));
  EXPECT_EQ(rig.seen.text(), "request POST /x HTTP/1.1 host=a body length=3\nclosed refused\n");
  EXPECT_EQ(rig.output, "");
}

TEST(H1ServerReset, cancelled_drops_what_is_queued) {
  ServerRig rig;
  rig.auto_drain = false;
  rig.at_end = [&](Stream& stream, RequestHead&) {
    rig.session->respond(stream, response(200), false);
    rig.session->send_body(stream, as_bytes("secret"));
  };
  rig.feed(plain);
  rig.session->reset(*rig.last, Reset::cancelled);
  rig.pump();
  EXPECT_EQ(rig.output, "");
  EXPECT_TRUE(rig.session->finished());
  EXPECT_EQ(rig.pool.in_use(), 0u);
}

// ---- time ----

TEST(H1ServerTime, a_head_that_does_not_end_is_answered_408) {
  ServerRig rig;
  rig.now = at(std::chrono::seconds(100));
  rig.feed("GET /x HTTP/1.1\r\n");
  rig.now = at(std::chrono::seconds(120));
  rig.feed("Host: a\r\n");  // more of it buys no more time
  EXPECT_EQ(rig.session->next_deadline(), at(std::chrono::seconds(100) + limits::head_timeout));
  rig.deadline(at(std::chrono::seconds(129)));
  EXPECT_EQ(rig.error, SessionError::none);
  rig.deadline(at(std::chrono::seconds(130)));
  EXPECT_EQ(rig.error, SessionError::head_timeout);
  EXPECT_TRUE(rig.output.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerTime, an_idle_connection_is_closed) {
  ServerRig rig;
  rig.deadline(rig.session->next_deadline());
  EXPECT_EQ(rig.error, SessionError::idle_timeout);
  EXPECT_EQ(rig.output, "");
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerTime, idleness_counts_from_the_end_of_a_long_answer) {
  ServerRig rig;
  rig.at_end = nullptr;
  rig.feed(plain);
  EXPECT_EQ(rig.session->next_deadline(), Instant::never());
  rig.answer(*rig.last, 200, "ok");
  rig.pump();  // hours later; produce() knows no time
  rig.deadline(at(std::chrono::hours(2)));
  EXPECT_EQ(rig.error, SessionError::none);
  EXPECT_EQ(rig.session->next_deadline(), at(std::chrono::hours(2) + limits::idle_timeout));
  rig.feed(plain);
  EXPECT_EQ(rig.session->next_deadline(), Instant::never());
}

TEST(H1ServerTime, a_rest_that_is_not_sent_ends_the_connection) {
  ServerRig rig;
  rig.at_request = [&](Stream& stream, RequestHead&) { rig.answer(stream, 403, "no"); };
  rig.feed(post("Content-Length: 1000\r\n"));
  rig.deadline(at(std::chrono::seconds(40)));
  rig.deadline(at(std::chrono::seconds(40) + limits::head_timeout));
  EXPECT_TRUE(rig.session->finished());
}

TEST(H1ServerTime, last_bytes_nobody_takes_are_dropped) {
  ServerRig rig;
  rig.auto_drain = false;
  rig.feed("bad\r\n\r\n");
  EXPECT_FALSE(rig.session->finished());
  static_cast<void>(rig.session->on_deadline(at(limits::h1_closing_timeout)));
  EXPECT_TRUE(rig.session->finished());
}

// ---- memory ----

TEST(H1ServerMemory, idle_connections_hold_no_pooled_memory) {
  ServerRig rig;
  for (int i = 0; i < 3; ++i) rig.feed(plain);
  EXPECT_EQ(rig.pool.in_use(), 0u);
}

}  // namespace
}  // namespace gh::http::test
