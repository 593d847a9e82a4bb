// SPDX-License-Identifier: Apache-2.0
// The HTTP/2 client session: what it sends, what it takes for an answer, how streams end.
#include "base/limits.h"
#include "tests/http/h2_wire.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gh::http::test {
namespace {

const Fields ok = {{":status", "200"}};

class Back {
 public:
  Back() : session(make_h2_client(events, pool)) {}

  Back& start(const std::string& settings = {}) {
    const std::string hello = produce_all(*session);
    EXPECT_TRUE(hello.starts_with(preface));
    hello_frames = reader.take(std::string_view(hello).substr(preface.size()));
    give(frame(h2::settings, 0, 0, settings) + frame(h2::settings, h2::flag_ack, 0));
    return *this;
  }

  std::vector<GotFrame> give(std::string_view bytes) {
    result = session->on_plaintext(as_bytes(bytes), Instant{1'000'000'000});
    return take();
  }

  std::vector<GotFrame> take() { return reader.take(produce_all(*session)); }

  Stream& open(std::string_view method = "GET", bool end = true, std::string_view path = "/api") {
    RequestHead head;
    head.method = method;
    head.target = path;
    head.scheme = "https";
    head.authority = "kube";
    return open(head, end);
  }

  Stream& open(const RequestHead& head, bool end) {
    events.inside_command = true;
    Stream& stream = session->open(head, end, this);
    events.inside_command = false;
    events.streams[stream.id].stream = &stream;
    return stream;
  }

  std::string headers(std::uint32_t id, const Fields& fields, bool end = false) {
    return hpack.headers(id, fields, end);
  }

  SessionError error() const { return result ? SessionError::none : result.error(); }

  const Told& told(std::uint32_t id) { return events.streams[id]; }

  BufferPool pool;
  ClientRecorder events;
  std::unique_ptr<ClientSession> session;
  Hpack hpack;
  FrameReader reader{hpack};
  std::vector<GotFrame> hello_frames;
  Result<void, SessionError> result;
};

int rst_code(const std::vector<GotFrame>& frames, std::uint32_t id) {
  const GotFrame* reset = first_of(frames, h2::rst_stream, id);
  return reset == nullptr ? -1 : static_cast<int>(reset->number());
}

TEST(H2Client, hello_forbids_push_and_opens_windows) {
  Back back;
  back.start();
  const GotFrame* settings = first_of(back.hello_frames, h2::settings, 0);
  ASSERT_NE(settings, nullptr);
  std::map<int, std::uint32_t> values;
  for (std::size_t at = 0; at + 6 <= settings->payload.size(); at += 6) {
    values[static_cast<unsigned char>(settings->payload[at + 1])] = settings->number(at + 2);
  }
  EXPECT_EQ(values.at(NGHTTP2_SETTINGS_ENABLE_PUSH), 0u);
  EXPECT_EQ(values.at(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE), limits::h2_stream_window_bytes);
  EXPECT_EQ(
      65535 + first_of(back.hello_frames, h2::window_update, 0)->number(),
      limits::h2_connection_window_bytes
  );
}

TEST(H2Client, request_and_response) {
  Back back;
  back.start();
  RequestHead head;
  head.method = "POST";
  head.target = "/api/v1/pods?x=1";
  head.scheme = "https";
  head.authority = "kube:6443";
  head.content_length = 5;
  head.te_trailers = true;
  head.expect_continue = true;
  head.headers.add("X-Remote-User", "alice");
  head.headers.add("connection", "close");
  Stream& stream = back.open(head, false);
  EXPECT_EQ(stream.user, &back);
  back.session->send_body(stream, as_bytes("hello"));
  back.session->end_body(stream, nullptr);
  auto frames = back.take();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(
      frames[0].fields,
      (Fields{
          {":method", "POST"},
          {":scheme", "https"},
          {":authority", "kube:6443"},
          {":path", "/api/v1/pods?x=1"},
          {"content-length", "5"},
          {"te", "trailers"},
          {"expect", "100-continue"},
          {"x-remote-user", "alice"}
      })
  );
  EXPECT_EQ(frames[1].payload, "hello");
  EXPECT_TRUE(frames[1].ends());
  EXPECT_EQ(back.told(1).sent, 5u);

  back.give(back.headers(1, {{":status", "100"}}));
  back.give(back.headers(1, {{":status", "201"}, {"content-length", "3"}, {"content-type", "x/y"}})
  );
  back.give(data(1, "abc"));
  back.give(back.headers(1, {{"grpc-status", "0"}, {"set-cookie", "x"}}, true));
  EXPECT_EQ(back.told(1).log, "interim response body end closed ");
  EXPECT_EQ(back.told(1).response.status, 201);
  EXPECT_EQ(back.told(1).response.content_length, 3u);
  EXPECT_EQ(text_of(back.told(1).response.headers), "content-type=x/y;");
  EXPECT_EQ(back.told(1).trailers, "grpc-status=0;");
  EXPECT_EQ(back.told(1).why, Reset::none);
  EXPECT_EQ(back.session->open_streams(), 0u);
}

TEST(H2Client, head_response_keeps_its_content_length) {
  Back back;
  back.start();
  back.open("HEAD");
  back.take();
  back.give(back.headers(1, {{":status", "200"}, {"content-length", "700"}}, true));
  EXPECT_EQ(back.told(1).response.content_length, 700u);
  EXPECT_EQ(back.told(1).why, Reset::none);
}

// Answers that must not be believed: RST_STREAM PROTOCOL_ERROR, on_closed(peer_error), the
// connection goes on.
TEST(H2Client, malformed_answers_reset_the_stream) {
  const std::vector<Fields> malformed = {
      {{"x", "y"}},
      {{":status", "99"}},
      {{":status", "600"}},
      {{":status", "20x"}},
      {{":status", "101"}},
      {{":status", "0200"}},
      {{":status", "200"}, {":status", "200"}},
      {{":status", "200"}, {":path", "/"}},
      {{"x", "y"}, {":status", "200"}},
      {{":status", "200"}, {"connection", "close"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"content-length", "1"}, {"content-length", "1"}},
      {{":status", "200"}, {"content-length", "x"}},
      {{":status", "200"}, {"x", " y"}},
      {{":status", "200"}, {"", "y"}},
      {{":status", "200"}, {"x", "a\nb"}}
  };
  for (const Fields& fields : malformed) {
    Back back;
    back.start();
    back.open();
    back.take();
    EXPECT_EQ(rst_code(back.give(back.headers(1, fields)), 1), NGHTTP2_PROTOCOL_ERROR)
        << fields.back().first << fields.back().second;
    EXPECT_EQ(back.told(1).why, Reset::peer_error);
    EXPECT_EQ(back.told(1).log, "closed ");
    EXPECT_EQ(back.error(), SessionError::none);
    EXPECT_EQ(back.pool.in_use(), 0u);
  }
}

TEST(H2Client, body_other_than_content_length_resets_the_stream) {
  for (const std::string_view body : {"ab", "abcd"}) {
    Back back;
    back.start();
    back.open();
    back.take();
    back.give(back.headers(1, {{":status", "200"}, {"content-length", "3"}}));
    EXPECT_EQ(rst_code(back.give(data(1, body, true)), 1), NGHTTP2_PROTOCOL_ERROR);
    EXPECT_EQ(back.told(1).why, Reset::peer_error);
    EXPECT_EQ(back.told(1).log.find("end"), std::string::npos);  // never a silent success
  }
}

TEST(H2Client, interim_head_that_ends_the_stream_is_malformed) {
  Back back;
  back.start();
  back.open();
  back.take();
  EXPECT_EQ(
      rst_code(back.give(back.headers(1, {{":status", "103"}}, true)), 1), NGHTTP2_PROTOCOL_ERROR
  );
}

TEST(H2Client, head_and_trailers_beyond_their_bounds_reset_the_stream) {
  Back back;
  back.start();
  back.open();
  back.open();
  back.take();
  Fields large = ok;
  for (int i = 0; i < 9; ++i) large.emplace_back("x", std::string(8000, 'v'));
  EXPECT_EQ(rst_code(back.give(back.headers(1, large)), 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(back.told(1).why, Reset::too_large);
  back.give(back.headers(3, ok));
  EXPECT_EQ(
      rst_code(
          back.give(back.headers(3, {{"x", std::string(limits::trailer_bytes_max, 't')}}, true)), 3
      ),
      NGHTTP2_PROTOCOL_ERROR
  );
  EXPECT_EQ(back.told(3).why, Reset::too_large);
  EXPECT_EQ(back.error(), SessionError::none);
}

TEST(H2Client, interim_heads_without_end_are_a_flood) {
  Back back;
  back.start();
  back.open();
  back.take();
  int n = 0;
  while (n < 5000 && back.error() == SessionError::none) {
    back.give(back.headers(1, {{":status", "103"}}));
    ++n;
  }
  EXPECT_LT(n, 1100);
  EXPECT_EQ(back.error(), SessionError::h2_flood);
  EXPECT_EQ(back.told(1).why, Reset::connection_lost);
}

// An upload in small pieces, answered late and all at once: the connection is not the upload's
// alone.
TEST(H2Client, window_updates_that_come_late_for_many_small_pieces_are_no_flood) {
  Back back;
  back.start();
  Stream& stream = back.open("POST", false);
  std::string updates;
  for (int i = 0; i < 5000; ++i) {
    back.session->send_body(stream, as_bytes("x"));
    back.take();
    updates += window_update(0, 1) + window_update(1, 1);
  }
  back.give(updates);
  EXPECT_EQ(back.error(), SessionError::none);
  for (int i = 0; i < 5000 && back.error() == SessionError::none; ++i) {
    back.give(window_update(0, 1));
  }
  EXPECT_EQ(back.error(), SessionError::h2_flood);
}

TEST(H2Client, push_is_a_protocol_error) {
  Back back;
  back.start();
  back.open();
  back.take();
  back.give(
      frame(h2::push_promise, 4, 1, u32(2) + back.hpack.pack({{":method", "GET"}, {":path", "/"}}))
  );
  EXPECT_EQ(back.error(), SessionError::h2_protocol);
  EXPECT_EQ(back.told(1).why, Reset::connection_lost);
}

// ---- capacity ----

TEST(H2Client, capacity_follows_settings) {
  Back back;
  EXPECT_EQ(back.session->free_streams(), limits::upstream_streams_default);
  back.start(setting(3, 2));
  EXPECT_EQ(back.session->free_streams(), 2u);
  EXPECT_EQ(back.events.capacities, 1);
  back.open();
  back.open();
  EXPECT_EQ(back.session->free_streams(), 0u);
  back.take();
  back.give(back.headers(1, ok, true));
  EXPECT_EQ(back.session->free_streams(), 1u);
  EXPECT_EQ(back.events.capacities, 2);
  back.give(frame(h2::settings, 0, 0, setting(3, 1)));
  EXPECT_EQ(back.session->free_streams(), 0u);
  back.give(frame(h2::settings, 0, 0, setting(3, 0xffffffff)));
  EXPECT_EQ(back.session->free_streams(), limits::h2_client_streams_max - 1);
}

TEST(H2Client, requests_opened_from_events_go_out) {
  Back back;
  back.start(setting(3, 1));
  int opened = 0;
  back.events.capacity = [&] {
    RequestHead head;
    head.method = "GET";
    head.target = "/next";
    while (back.session->free_streams() > 0 && opened < 3) {
      back.session->open(head, true, nullptr);
      ++opened;
    }
  };
  back.open();
  back.take();
  for (const std::uint32_t id : {1u, 3u, 5u}) {
    const auto frames = back.give(back.headers(id, ok, true));
    EXPECT_NE(first_of(frames, h2::headers, id + 2), nullptr);
  }
  EXPECT_EQ(opened, 3);
}

// ---- ends ----

TEST(H2Client, resets_by_the_server_carry_their_reason) {
  const std::vector<std::pair<std::uint32_t, Reset>> codes = {
      {NGHTTP2_REFUSED_STREAM, Reset::refused},
      {NGHTTP2_CANCEL, Reset::cancelled},
      {NGHTTP2_INTERNAL_ERROR, Reset::internal_error},
      {NGHTTP2_PROTOCOL_ERROR, Reset::peer_error},
      {NGHTTP2_ENHANCE_YOUR_CALM, Reset::peer_error},
      {NGHTTP2_NO_ERROR, Reset::cancelled}
  };
  for (const auto& [code, why] : codes) {
    Back back;
    back.start();
    back.open("POST", false);
    back.take();
    back.give(rst(1, code));
    EXPECT_EQ(back.told(1).why, why);
    EXPECT_EQ(back.told(1).log, "closed ");
  }
}

TEST(H2Client, no_error_reset_after_a_whole_answer_is_a_good_end) {
  Back back;
  back.start();
  Stream& stream = back.open("POST", false);
  back.session->send_body(stream, as_bytes("part"));
  back.take();
  back.give(back.headers(1, {{":status", "413"}}, true));
  EXPECT_EQ(back.told(1).log, "response end ");
  back.give(rst(1, NGHTTP2_NO_ERROR));
  EXPECT_EQ(back.told(1).why, Reset::none);
}

TEST(H2Client, reset_by_us_at_any_point) {
  for (int point = 0; point < 5; ++point) {
    Back back;
    back.start();
    Stream& stream = back.open("POST", false);
    if (point >= 1) back.take();
    if (point >= 2) back.session->send_body(stream, as_bytes(std::string(100'000, 'x')));
    if (point >= 3) back.take();
    if (point >= 4) back.give(back.headers(1, ok) + data(1, "abc"));
    back.events.inside_command = true;
    back.session->reset(stream, Reset::cancelled);
    back.session->reset(stream, Reset::cancelled);
    back.session->send_body(stream, as_bytes("late"));
    back.session->consumed(stream, 3);
    back.events.inside_command = false;
    const auto frames = back.take();
    // A request that never went out needs no reset on the wire.
    EXPECT_EQ(rst_code(frames, 1), point == 0 ? -1 : NGHTTP2_CANCEL) << point;
    EXPECT_EQ(back.told(1).closed, 1);
    EXPECT_EQ(back.told(1).why, Reset::cancelled);
    EXPECT_EQ(back.pool.in_use(), 0u);
    EXPECT_EQ(back.session->free_streams(), 1000u);
    if (point > 0) back.give(data(1, "late"));
    EXPECT_EQ(back.error(), SessionError::none);
    back.open();
    EXPECT_NE(first_of(back.take(), h2::headers, 3), nullptr);
  }
}

TEST(H2Client, streams_above_goaway_may_be_sent_again) {
  Back back;
  back.start();
  back.open();
  back.open();
  back.open();
  back.take();
  back.give(frame(h2::goaway, 0, 0, u32(3) + u32(NGHTTP2_NO_ERROR)));
  EXPECT_EQ(back.told(5).why, Reset::refused);
  EXPECT_EQ(back.told(1).closed, 0);
  EXPECT_EQ(back.session->free_streams(), 0u);
  EXPECT_FALSE(back.session->finished());
  std::string answers = back.headers(1, ok, true);
  answers += back.headers(3, ok, true);
  back.give(answers);
  EXPECT_EQ(back.told(1).why, Reset::none);
  EXPECT_EQ(back.told(3).why, Reset::none);
  EXPECT_TRUE(back.session->finished());
}

TEST(H2Client, goaway_refuses_a_request_that_is_not_out_yet) {
  Back back;
  back.start();
  back.open();
  back.give(frame(h2::goaway, 0, 0, u32(0) + u32(NGHTTP2_NO_ERROR)));
  EXPECT_EQ(back.told(1).why, Reset::refused);
  EXPECT_TRUE(back.session->finished());
}

TEST(H2Client, graceful_goaway_in_two_steps) {
  Back back;
  back.start();
  back.open();
  back.take();
  back.give(frame(h2::goaway, 0, 0, u32(0x7fffffff) + u32(NGHTTP2_NO_ERROR)));
  EXPECT_EQ(back.session->free_streams(), 0u);
  EXPECT_EQ(back.told(1).closed, 0);
  back.give(frame(h2::goaway, 0, 0, u32(1) + u32(NGHTTP2_NO_ERROR)));
  back.give(back.headers(1, ok, true));
  EXPECT_EQ(back.told(1).why, Reset::none);
  EXPECT_TRUE(back.session->finished());
}

TEST(H2Client, drain_lets_streams_finish) {
  Back back;
  back.start();
  back.open();
  back.take();
  back.session->begin_drain();
  EXPECT_EQ(back.session->free_streams(), 0u);
  EXPECT_FALSE(back.session->finished());
  const auto frames = back.give(back.headers(1, ok, true));
  EXPECT_NE(goaway_of(frames), nullptr);
  EXPECT_EQ(back.told(1).why, Reset::none);
  EXPECT_TRUE(back.session->finished());
}

TEST(H2Client, drain_with_nothing_open_ends_at_once) {
  Back back;
  back.start();
  back.session->begin_drain();
  EXPECT_NE(goaway_of(back.take()), nullptr);
  EXPECT_TRUE(back.session->finished());
}

TEST(H2Client, end_of_input_mid_answer_is_truncated) {
  Back back;
  back.start();
  back.open();
  back.take();
  back.give(back.headers(1, ok) + data(1, "par"));
  back.result = back.session->on_eof();
  EXPECT_EQ(back.error(), SessionError::truncated);
  EXPECT_EQ(back.told(1).why, Reset::connection_lost);
  EXPECT_EQ(back.session->free_streams(), 0u);
}

TEST(H2Client, lost_connection_tells_every_stream) {
  Back back;
  back.start();
  back.open();
  back.open("POST", false);
  back.take();
  back.session->on_lost();
  EXPECT_EQ(back.told(1).why, Reset::connection_lost);
  EXPECT_EQ(back.told(3).why, Reset::connection_lost);
  EXPECT_TRUE(back.session->finished());
}

TEST(H2Client, response_windows_grow_only_by_what_was_consumed) {
  Back back;
  back.start();
  Stream& stream = back.open();
  back.take();
  back.give(back.headers(1, ok));
  std::map<std::uint32_t, std::size_t> grown;
  const auto note = [&](const std::vector<GotFrame>& frames) {
    for (const GotFrame& f : frames) {
      if (f.type == h2::window_update) grown[f.stream] += f.number();
    }
  };
  for (int i = 0; i < 16; ++i) note(back.give(data(1, std::string(16384, 'x'))));
  EXPECT_TRUE(grown.empty());
  back.session->consumed(stream, 16u * 16384);
  note(back.take());
  EXPECT_EQ(grown[1], 16u * 16384);
}

// One upstream connection serves many clients: one that does not read holds up its own stream only.
TEST(H2Client, answers_nobody_reads_leave_the_connection_window_open) {
  Back back;
  back.start();
  std::size_t window = limits::h2_connection_window_bytes;
  for (std::uint32_t id = 1; id <= 39; id += 2) {
    back.open();
    back.take();
    back.give(back.headers(id, ok));
    for (int i = 0; i < 16; ++i) {
      ASSERT_GE(window, 16384u);
      window -= 16384;
      for (const GotFrame& f : back.give(data(id, std::string(16384, 'x')))) {
        ASSERT_EQ(f.type, h2::window_update);
        ASSERT_EQ(f.stream, 0u);
        window += f.number();
      }
    }
  }
  EXPECT_EQ(back.error(), SessionError::none);
  EXPECT_EQ(back.told(39).body.size(), limits::h2_stream_window_bytes);
}

TEST(H2Client, bytes_one_at_a_time_mean_the_same) {
  Back back;
  back.start();
  back.open();
  back.take();
  std::string all = Hpack::split(
      1, back.hpack.pack({{":status", "200"}, {"x-long", std::string(300, 'v')}}), false, 30
  );
  all += data(1, "hello");
  all += back.headers(1, {{"t", "u"}}, true);
  for (const char c : all) back.give({&c, 1});
  EXPECT_EQ(back.told(1).body, "hello");
  EXPECT_EQ(back.told(1).trailers, "t=u;");
  EXPECT_EQ(back.told(1).why, Reset::none);
}

TEST(H2Client, garbage_instead_of_http2_is_a_protocol_error) {
  Back back;
  back.open();
  back.take();
  back.give("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_NE(back.error(), SessionError::none);
  EXPECT_EQ(back.told(1).why, Reset::connection_lost);
}

}  // namespace
}  // namespace gh::http::test
