// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 client session: what it sends, which answers it understands, which break the
// connection; whatever the cut.
#include "tests/http/h1_rig.h"

#include <gtest/gtest.h>

namespace gh::http::test {
namespace {

RequestHead request(std::string_view method, std::string_view target = "/x") {
  RequestHead head;
  head.method = method;
  head.target = target;
  head.authority = "api";
  return head;
}

struct Asked {
  std::string method = "GET";
  std::string upgrade;
};

std::string all_of(
    const Asked& asked, const std::string& answer, bool then_eof, std::size_t piece_bytes
) {
  ClientRig rig;
  RequestHead head = request(asked.method);
  head.upgrade = asked.upgrade;
  rig.open(head);
  rig.feed_cut(answer, piece_bytes);
  if (then_eof) rig.eof();
  return rig.all();
}

void expect_same_in_any_cut(
    const Asked& asked, const std::string& answer, bool then_eof, const std::string& all
) {
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    EXPECT_EQ(all_of(asked, answer, then_eof, piece), all) << "pieces of " << piece;
  }
}

// ---- what is sent ----

TEST(H1ClientRequest, is_sent_byte_for_byte) {
  ClientRig rig;
  RequestHead head = request("GET", "//a/../%2F;x?y=\"<>\\^`{|}");
  head.headers.add("Accept", "*/*");
  head.headers.add("x-a", "1");
  head.headers.add("x-a", "");
  rig.open(head);
  EXPECT_EQ(
      rig.output,
      "GET //a/../%2F;x?y=\"<>\\^`{|} HTTP/1.1\r\nHost: api\r\naccept: */*\r\nx-a: 1\r\nx-a: "
      "\r\n\r\n"
  );
}

TEST(H1ClientRequest, body_of_a_length) {
  ClientRig rig;
  RequestHead head = request("PUT");
  head.content_length = 5;
  Stream& stream = rig.open(head, false);
  rig.session->send_body(stream, as_bytes("ab"));
  rig.session->send_body(stream, as_bytes("cde"));
  rig.session->end_body(stream, nullptr);
  rig.pump();
  EXPECT_EQ(rig.output, "PUT /x HTTP/1.1\r\nHost: api\r\nContent-Length: 5\r\n\r\nabcde");
  EXPECT_EQ(rig.sent, 5u);
}

TEST(H1ClientRequest, body_without_a_length_is_chunked_with_trailers) {
  ClientRig rig;
  RequestHead head = request("POST");
  head.te_trailers = true;
  Stream& stream = rig.open(head, false);
  rig.session->send_body(stream, as_bytes("abc"));
  HeaderList trailers;
  trailers.add("x-t", "v");
  rig.session->end_body(stream, &trailers);
  rig.pump();
  EXPECT_EQ(
      rig.output,
      "POST /x HTTP/1.1\r\nHost: api\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nConnection: "
      "TE\r\n\r\n"
      "3\r\nabc\r\n0\r\nx-t: v\r\n\r\n"
  );
}

TEST(H1ClientRequest, without_a_body_says_so_where_one_is_usual) {
  for (const auto& [method, expected] :
       {std::pair{"POST", "Content-Length: 0\r\n"}, std::pair{"DELETE", ""}}) {
    ClientRig rig;
    rig.get("/x", method);
    EXPECT_EQ(
        rig.output, std::string(method) + " /x HTTP/1.1\r\nHost: api\r\n" + expected + "\r\n"
    );
  }
}

TEST(H1ClientRequest, upgrade_and_expect) {
  ClientRig rig;
  RequestHead head = request("POST", "/exec");
  head.upgrade = "SPDY/3.1";
  head.content_length = 0;
  head.expect_continue = true;
  rig.open(head);
  EXPECT_EQ(
      rig.output,
      "POST /exec HTTP/1.1\r\nHost: api\r\nExpect: 100-continue\r\nContent-Length: "
      "0\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
  );
}

TEST(H1ClientRequest, that_breaks_its_promise_breaks_the_connection) {
  for (const std::string body : {"abc", "abcdef"}) {
    ClientRig rig;
    RequestHead head = request("PUT");
    head.content_length = 5;
    Stream& stream = rig.open(head, false);
    rig.session->send_body(stream, as_bytes(body));
    rig.session->end_body(stream, nullptr);
    EXPECT_EQ(rig.seen.text(), "");
    rig.pump();
    EXPECT_EQ(rig.all(), "closed internal_error\nerror none finished\n");
  }
}

// ---- answers ----

struct Answer {
  Asked asked;
  std::string bytes;
  bool then_eof;
  std::string all;
};

TEST(H1ClientAnswer, well_formed_ones_are_understood) {
  const std::string kept = "end\nclosed none\nerror none free\n";
  const std::string ended = "end\nclosed none\nerror none finished\n";
  const std::vector<Answer> table = {
      {{},
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b \r\n\r\nhello",
       false,
       "response 200 length=5 a=b\nbody hello\n" + kept},
      {{}, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, "response 200 length=0\n" + kept},
      {{}, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", false, "response 200 length=0\n" + kept},
      {{},
       "HTTP/1.1 599 Some \x80 reason\r\nContent-Length: 0\r\n\r\n",
       false,
       "response 599 length=0\n" + kept},
      {{},
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: "
       "v\r\nX-Remote-User: r\r\n\r\n",
       false,
       "response 200\nbody abc\nend x-t=v\nclosed none\nerror none free\n"},
      {{},
       "HTTP/1.1 200 OK\r\nConnection: close, x-s\r\nX-S: 1\r\nX-O: 2\r\nKeep-Alive: "
       "5\r\nContent-Length: 1\r\n\r\na",
       false,
       "response 200 length=1 x-o=2\nbody a\n" + ended},
      {{}, "HTTP/1.1 200 OK\r\n\r\nhello", true, "response 200\nbody hello\n" + ended},
      {{}, "HTTP/1.1 200 OK\r\n\r\n", true, "response 200\n" + ended},
      {{},
       "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na",
       false,
       "response 200 length=1\nbody a\n" + ended},
      {{}, "HTTP/1.0 200 OK\r\n\r\nhello", true, "response 200\nbody hello\n" + ended},
      {{"HEAD", ""},
       "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
       false,
       "response 200 length=500\n" + kept},
      {{"HEAD", ""},
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
       false,
       "response 200\n" + kept},
      {{}, "HTTP/1.1 204 No Content\r\n\r\n", false, "response 204\n" + kept},
      {{}, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false, "response 204\n" + kept},
      {{},
       "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
       false,
       "response 304 length=9\n" + kept},
      {{},
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
       "OK\r\nContent-Length: 0\r\n\r\n",
       false,
       "interim 100\ninterim 103 link=x\nresponse 200 length=0\n" + kept},
      {{},
       "HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.3\r\nConnection: "
       "upgrade\r\nContent-Length: 0\r\n\r\n",
       false,
       "response 426 length=0\n" + kept},
      {{"GET", "a, websocket"},
       "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\nraw\r\n",
       false,
       "response 101 upgrade=WebSocket\ntunnel raw\r\n\nerror none\n"},
  };
  for (const Answer& row : table) {
    SCOPED_TRACE(testing::PrintToString(row.bytes));
    EXPECT_EQ(all_of(row.asked, row.bytes, row.then_eof, row.bytes.size()), row.all);
    expect_same_in_any_cut(row.asked, row.bytes, row.then_eof, row.all);
  }
}

TEST(H1ClientAnswer, heads_read_in_two_ways_break_the_connection) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string five = "Content-Length: 5\r\n\r\nhello";
  const std::vector<std::pair<Asked, std::string>> table = {
      {{}, "\x01garbage\r\n\r\n"},
      {{}, "ICY 200 OK\r\n" + five},
      {{}, "HTTP/1.1  200 OK\r\n" + five},
      {{}, "HTTP/2.0 200 OK\r\n" + five},
      {{}, "HTTP/1.2 200 OK\r\n" + five},
      {{}, "HTTP/1.1 20 OK\r\n" + five},
      {{}, "HTTP/1.1 2000 OK\r\n" + five},
      {{}, "HTTP/1.1 099 OK\r\n" + five},
      {{}, "HTTP/1.1 600 OK\r\n" + five},
      {{}, "HTTP/1.1 -20 OK\r\n" + five},
      {{}, "HTTP/1.1 OK\r\n" + five},
      {{}, std::string("HTTP/1.1 200 O\0K\r\n", 18) + five},
      {{}, "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"},
      {{}, "\r\n" + ok + five},
      {{}, ok + "A\r\n" + five},
      {{}, ok + "A : b\r\n" + five},
      {{}, ok + "A: b\r\n c\r\n" + five},
      {{}, ok + "A: b\rc\r\n" + five},
      {{}, ok + ": b\r\n" + five},
      {{}, ok + "Content-Length: 5\r\n" + five},
      {{}, ok + "Content-Length: 5, 5\r\n\r\nhello"},
      {{}, ok + "Content-Length: -1\r\n\r\nhello"},
      {{}, ok + "Content-Length: +5\r\n\r\nhello"},
      {{}, ok + "Content-Length:\r\n\r\nhello"},
      {{}, ok + "Content-Length: 18446744073709551621\r\n\r\nhello"},
      {{}, ok + "Transfer-Encoding: chunked\r\n" + five},
      {{}, ok + "Transfer-Encoding: gzip\r\n\r\nhello"},
      {{}, ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {{}, ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {{}, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {{}, "HTTP/1.1 204 No Content\r\n" + five},
      {{}, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {{}, "HTTP/1.1 100 Continue\r\n" + five},
      {{}, "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
      {{"GET", "websocket"}, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"},
      {{"GET", "websocket"}, "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n\r\n"},
      {{"GET", "websocket"},
       "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"},
      {{"GET", "websocket"},
       "HTTP/1.0 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
      {{}, ok + "A: " + std::string(100'000, 'v') + "\r\n" + five},
      {{}, "HTTP/1.1 200 " + std::string(200'000, 'O') + "\r\n" + five},
  };
  for (const auto& [asked, bytes] : table) {
    SCOPED_TRACE(testing::PrintToString(bytes.substr(0, 200)));
    const std::string all = "closed peer_error\nerror bad_response finished\n";
    EXPECT_EQ(all_of(asked, bytes, false, bytes.size()), all);
    expect_same_in_any_cut(asked, bytes, false, all);
  }
}

TEST(H1ClientAnswer, broken_or_cut_bodies_are_never_whole) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& bytes :
       {chunked + "zz\r\nhello\r\n0\r\n\r\n",
        chunked + "5\r\nhello\r\n-1\r\n\r\n",
        chunked + "5\r\nhelloX\r\n0\r\n\r\n",
        chunked + "5\nhello\r\n0\r\n\r\n",
        chunked + "10000000000000005\r\nhello\r\n0\r\n\r\n",
        chunked + "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
        chunked + "0\r\nA: " + std::string(20'000, 'v') + "\r\n\r\n",
        chunked + "5\r\nhel",
        chunked + "5\r\nhello\r\n",
        chunked + "5\r\nhello\r\n0\r\n",
        ok + "Content-Length: 50\r\n\r\nhello",
        ok + "Content-Length: 50\r\n\r\n",
        ok + "Content-Le",
        std::string("HTTP/1.1 200"),
        std::string()}) {
    SCOPED_TRACE(testing::PrintToString(bytes.substr(0, 200)));
    const std::string all = all_of({}, bytes, true, 100'000);
    EXPECT_EQ(all.find("end\n"), std::string::npos);
    EXPECT_TRUE(
        all.find("closed peer_error\nerror bad_response finished\n") != std::string::npos ||
        all.find("closed connection_lost\nerror truncated finished\n") != std::string::npos
    ) << all;
    expect_same_in_any_cut({}, bytes, true, all);
  }
}

TEST(H1ClientAnswer, bytes_after_it_break_the_connection_but_not_the_answer) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n";
  const std::string all =
      "response 200 length=5\nbody hello\nend\nclosed none\nerror bad_response finished\n";
  EXPECT_EQ(all_of({}, bytes, false, bytes.size()), all);
  expect_same_in_any_cut({}, bytes, false, all);
}

TEST(H1ClientAnswer, nobody_asked_for_breaks_the_connection) {
  ClientRig rig;
  rig.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(rig.all(), "error bad_response finished\n");
}

TEST(H1ClientAnswer, interim_heads_are_bounded) {
  ClientRig rig;
  rig.get();
  for (std::size_t i = 0; i <= limits::h1_interim_responses_max; ++i)
    rig.feed("HTTP/1.1 103 Hints\r\n\r\n");
  EXPECT_EQ(rig.error, SessionError::bad_response);
}

// ---- the connection ----

TEST(H1ClientReuse, one_exchange_at_a_time) {
  ClientRig rig;
  EXPECT_EQ(rig.session->free_streams(), 1u);
  for (std::uint32_t i = 1; i <= 3; ++i) {
    Stream& stream = rig.get();
    EXPECT_EQ(stream.id, i);
    EXPECT_EQ(stream.user, &rig);
    EXPECT_EQ(rig.session->free_streams(), 0u);
    rig.feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(rig.session->free_streams(), 1u);
    EXPECT_EQ(rig.capacity, i);
  }
  EXPECT_EQ(rig.pool.in_use(), 0u);
}

TEST(H1ClientReuse, not_after_an_answer_that_came_before_the_request_was_whole) {
  ClientRig rig;
  RequestHead head = request("PUT");
  head.content_length = 5;
  Stream& stream = rig.open(head, false);
  rig.session->send_body(stream, as_bytes("ab"));
  rig.feed("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(rig.all(), "response 413 length=0\nend\nclosed none\nerror none finished\n");
}

TEST(H1ClientReuse, not_when_draining_or_after_an_end) {
  ClientRig draining;
  draining.get();
  draining.session->begin_drain();
  EXPECT_FALSE(draining.session->finished());
  draining.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(draining.session->finished());
  EXPECT_EQ(draining.capacity, 0u);

  ClientRig ended;
  ended.eof();
  EXPECT_EQ(ended.session->free_streams(), 0u);
  EXPECT_TRUE(ended.session->finished());
}

TEST(H1ClientReuse, not_after_a_reset) {
  ClientRig rig;
  Stream& stream = rig.get();
  rig.feed("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc");
  rig.session->reset(stream, Reset::cancelled);
  EXPECT_EQ(rig.session->open_streams(), 1u);  // no event from inside the command
  rig.pump();
  EXPECT_EQ(rig.all(), "response 200 length=50\nbody abc\nclosed cancelled\nerror none finished\n");
}

TEST(H1ClientReuse, not_after_a_loss) {
  ClientRig rig;
  rig.get();
  rig.session->on_lost();
  EXPECT_EQ(rig.all(), "closed connection_lost\nerror none finished\n");
}

TEST(H1ClientReuse, an_answer_may_be_reset_from_inside_its_events) {
  ClientRig rig;
  rig.at_response = [&](Stream& stream, ResponseHead&) {
    rig.session->reset(stream, Reset::cancelled);
  };
  rig.get();
  rig.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(rig.all(), "response 200 length=5\nclosed cancelled\nerror none finished\n");
}

TEST(H1ClientCredit, reading_pauses_until_the_body_is_consumed) {
  ClientRig rig;
  rig.auto_consume = false;
  rig.get();
  rig.feed("HTTP/1.1 200 OK\r\n\r\n");
  rig.feed(std::string(limits::h1_body_unread_max - 1, 'x'));
  EXPECT_FALSE(rig.session->reading_paused());
  rig.feed("x");
  EXPECT_TRUE(rig.session->reading_paused());
  rig.session->consumed(*rig.last, 1);
  EXPECT_FALSE(rig.session->reading_paused());
}

TEST(H1ClientTunnel, carries_raw_bytes_and_half_closes) {
  ClientRig rig;
  RequestHead head = request("GET");
  head.upgrade = "websocket";
  Stream& stream = rig.open(head);
  rig.output.clear();
  rig.feed("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly");
  rig.session->send_body(stream, as_bytes("frame"));
  rig.pump();
  EXPECT_EQ(rig.output, "frame");
  rig.session->end_body(stream, nullptr);
  EXPECT_TRUE(rig.session->sending_ended());
  rig.feed("late");
  rig.eof();
  EXPECT_EQ(
      rig.all(),
      "response 101 upgrade=websocket\ntunnel earlylate\ntunnel end\nclosed none\nerror none "
      "finished\n"
  );
}

TEST(H1ClientTunnel, an_end_by_the_server_leaves_our_direction_open) {
  ClientRig rig;
  RequestHead head = request("GET");
  head.upgrade = "websocket";
  Stream& stream = rig.open(head);
  rig.feed("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  rig.eof();
  EXPECT_FALSE(rig.session->finished());
  rig.output.clear();
  rig.session->send_body(stream, as_bytes("bye"));
  rig.session->end_body(stream, nullptr);
  rig.pump();
  EXPECT_EQ(rig.output, "bye");
  EXPECT_TRUE(rig.session->finished());
}

}  // namespace
}  // namespace gh::http::test
