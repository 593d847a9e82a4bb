// SPDX-License-Identifier: Apache-2.0
// The HTTP/2 server session by RFC section: each rule, and what attacks it.
#include "base/limits.h"
#include "tests/http/h2_wire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace gh::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Fields get = {
    {":method", "GET"}, {":scheme", "https"}, {":authority", "kube:6443"}, {":path", "/api/v1/pods"}
};
const Fields post = {
    {":method", "POST"},
    {":scheme", "https"},
    {":authority", "kube:6443"},
    {":path", "/api/v1/pods"}
};

Fields with(Fields fields, std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

Fields replaced(std::size_t at, std::string value) {
  Fields fields = get;
  fields[at].second = std::move(value);
  return fields;
}

// A server session with a client's bytes at hand.
class Front {
 public:
  explicit Front(std::uint32_t streams_max = 250)
      : session(make_h2_server(events, pool, {seconds(30), seconds(180), streams_max}, now)) {}

  // Preface, SETTINGS and their answers, so that only what a test does is seen after.
  Front& start() {
    give(std::string(preface) + frame(h2::settings, 0, 0) + frame(h2::settings, h2::flag_ack, 0));
    return *this;
  }

  std::vector<GotFrame> give(std::string_view bytes) {
    result = session->on_plaintext(as_bytes(bytes), now);
    return take();
  }

  std::vector<GotFrame> take() { return reader.take(produce_all(*session)); }

  template <class Command>
  void command(Command run) {
    events.inside_command = true;
    run();
    events.inside_command = false;
  }

  void respond(std::uint32_t id, int status, bool end, const Fields& fields = {}) {
    ResponseHead head;
    head.status = status;
    for (const auto& [name, value] : fields) head.headers.add(name, value);
    command([&] { session->respond(*stream(id), head, end); });
  }

  void body(std::uint32_t id, std::string_view bytes) {
    command([&] { session->send_body(*stream(id), as_bytes(bytes)); });
  }

  void end(std::uint32_t id, const HeaderList* trailers = nullptr) {
    command([&] { session->end_body(*stream(id), trailers); });
  }

  Stream* stream(std::uint32_t id) { return events.streams.at(id).stream; }

  std::string log(std::uint32_t id) { return events.streams[id].log; }

  SessionError error() const { return result ? SessionError::none : result.error(); }

  // One after the other: HPACK has an order, the operands of + have none.
  std::string gets(std::initializer_list<std::uint32_t> ids) {
    std::string all;
    for (const std::uint32_t id : ids) all += headers(id, get);
    return all;
  }

  std::string headers(std::uint32_t id, const Fields& fields, bool end = true) {
    return hpack.headers(id, fields, end);
  }

  Instant now{1'000'000'000};
  BufferPool pool;
  ServerRecorder events;
  std::unique_ptr<ServerSession> session;
  Hpack hpack;
  FrameReader reader{hpack};
  Result<void, SessionError> result;
};

// The code of the GOAWAY among `frames`, or -1.
int goaway_code(const std::vector<GotFrame>& frames) {
  const GotFrame* goaway = goaway_of(frames);
  return goaway == nullptr ? -1 : static_cast<int>(goaway->number(4));
}

// The code of a RST_STREAM for `id` among `frames`, or -1.
int rst_code(const std::vector<GotFrame>& frames, std::uint32_t id) {
  const GotFrame* reset = first_of(frames, h2::rst_stream, id);
  return reset == nullptr ? -1 : static_cast<int>(reset->number());
}

template <class Case>
std::string name_of_case(const testing::TestParamInfo<Case>& each) {
  std::string name = each.param.what;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

// ---- RFC 9113 §3.4: preface ----

TEST(H2Server, preface_is_answered_by_settings_with_our_bounds) {
  Front front;
  const auto frames = front.give(preface);
  const GotFrame* settings = first_of(frames, h2::settings, 0);
  ASSERT_NE(settings, nullptr);
  std::map<int, std::uint32_t> values;
  for (std::size_t at = 0; at + 6 <= settings->payload.size(); at += 6) {
    values[static_cast<unsigned char>(settings->payload[at + 1])] = settings->number(at + 2);
  }
  EXPECT_EQ(values[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], 250u);
  EXPECT_EQ(values[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE], limits::h2_stream_window_bytes);
  EXPECT_EQ(values[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], limits::head_bytes_max);
  EXPECT_EQ(values[NGHTTP2_SETTINGS_HEADER_TABLE_SIZE], 4096u);
  EXPECT_EQ(values.count(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 0u);
  const GotFrame* window = first_of(frames, h2::window_update, 0);
  ASSERT_NE(window, nullptr);
  EXPECT_EQ(65535 + window->number(), limits::h2_connection_window_bytes);
}

TEST(H2Server, wrong_preface_closes_the_connection) {
  for (const std::string_view start :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n"}) {
    Front front;
    EXPECT_EQ(goaway_code(front.give(start)), NGHTTP2_PROTOCOL_ERROR);
    EXPECT_EQ(front.error(), SessionError::h2_protocol);
    EXPECT_TRUE(front.session->finished());
  }
}

TEST(H2Server, first_frame_other_than_settings_is_a_protocol_error) {
  Front front;
  EXPECT_EQ(
      goaway_code(front.give(std::string(preface) + frame(h2::ping, 0, 0, "12345678"))),
      NGHTTP2_PROTOCOL_ERROR
  );
  EXPECT_EQ(front.error(), SessionError::h2_protocol);
}

TEST(H2Server, settings_are_acknowledged) {
  Front front;
  const auto frames =
      front.give(std::string(preface) + frame(h2::settings, 0, 0, setting(4, 100000)));
  EXPECT_TRUE(std::any_of(frames.begin(), frames.end(), [](const GotFrame& f) {
    return f.type == h2::settings && f.flags == h2::flag_ack && f.payload.empty();
  }));
}

TEST(H2Server, ping_is_answered_with_its_bytes) {
  Front front;
  const auto frames = front.start().give(frame(h2::ping, 0, 0, "abcdefgh"));
  const GotFrame* ping = first_of(frames, h2::ping, 0);
  ASSERT_NE(ping, nullptr);
  EXPECT_EQ(ping->payload, "abcdefgh");
  EXPECT_EQ(ping->flags, h2::flag_ack);
}

// ---- requests ----

TEST(H2Server, get_is_told_and_answered) {
  Front front;
  front.start().give(front.headers(1, with(get, "accept", "application/json")));
  EXPECT_EQ(front.log(1), "request end ");
  const RequestHead& head = front.events.streams[1].request;
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/api/v1/pods");
  EXPECT_EQ(head.scheme, "https");
  EXPECT_EQ(head.authority, "kube:6443");
  EXPECT_EQ(head.version, Version::http_2);
  EXPECT_FALSE(head.has_body);
  EXPECT_EQ(text_of(head.headers), "accept=application/json;");

  ResponseHead answer;
  answer.status = 200;
  answer.content_length = 5;
  answer.headers.add("content-type", "text/plain");
  front.command([&] { front.session->respond(*front.stream(1), answer, false); });
  front.body(1, "hello");
  front.end(1);
  const auto frames = front.take();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].field(":status"), "200");
  EXPECT_EQ(frames[0].field("content-length"), "5");
  EXPECT_EQ(frames[0].field("content-type"), "text/plain");
  EXPECT_EQ(frames[1].payload, "hello");
  EXPECT_TRUE(frames[1].ends());
  EXPECT_EQ(front.events.streams[1].sent, 5u);
  EXPECT_EQ(front.events.streams[1].closed, 1);
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
  EXPECT_EQ(front.session->open_streams(), 0u);
}

TEST(H2Server, response_without_body_ends_on_its_head) {
  Front front;
  front.start().give(front.headers(1, get));
  front.respond(1, 204, true);
  const auto frames = front.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].ends());
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
}

TEST(H2Server, post_body_comes_in_pieces_with_trailers) {
  Front front;
  front.start().give(front.headers(1, with(post, "content-length", "6"), false));
  EXPECT_TRUE(front.events.streams[1].request.has_body);
  EXPECT_EQ(front.events.streams[1].request.content_length, 6u);
  EXPECT_EQ(text_of(front.events.streams[1].request.headers), "");
  front.give(data(1, "abc"));
  front.give(data(1, "def"));
  front.give(front.headers(
      1,
      {{"grpc-status", "0"}, {"authorization", "Bearer x"}, {"x-remote-user", "root"}, {"host", "a"}
      }
  ));
  EXPECT_EQ(front.log(1), "request body body end ");
  EXPECT_EQ(front.events.streams[1].body, "abcdef");
  EXPECT_EQ(
      front.events.streams[1].trailers, "grpc-status=0;"
  );  // RFC 9110 §6.5.1: the others are dropped
}

TEST(H2Server, bytes_one_at_a_time_mean_the_same) {
  Front front;
  std::string all(preface);
  all += frame(h2::settings, 0, 0, setting(3, 10));
  all += Hpack::split(
      1, front.hpack.pack(with(post, "x-long", std::string(300, 'v'))), false, 40
  );  // CONTINUATION too
  all += data(1, "hello");
  all += front.headers(1, {{"x-trailer", "t"}}, true);
  all += frame(h2::ping, 0, 0, "12345678");
  for (const char c : all) {
    front.give({&c, 1});
    ASSERT_EQ(front.error(), SessionError::none);
  }
  EXPECT_EQ(front.events.streams[1].body, "hello");
  EXPECT_EQ(front.events.streams[1].trailers, "x-trailer=t;");
  EXPECT_EQ(front.events.streams[1].request.headers.find("x-long")->size(), 300u);
}

TEST(H2Server, cookie_crumbs_are_joined) {
  Front front;
  front.start().give(
      front.headers(1, with(with(with(get, "cookie", "a=1"), "x", "y"), "cookie", "b=2"))
  );
  EXPECT_EQ(text_of(front.events.streams[1].request.headers), "x=y;cookie=a=1; b=2;");
}

TEST(H2Server, te_trailers_and_expect_are_members_not_fields) {
  Front front;
  front.start().give(
      front.headers(1, with(with(post, "te", "trailers"), "expect", "100-continue"), false)
  );
  const RequestHead& head = front.events.streams[1].request;
  EXPECT_TRUE(head.te_trailers);
  EXPECT_TRUE(head.expect_continue);
  EXPECT_EQ(text_of(head.headers), "");
}

TEST(H2Server, expectation_we_do_not_know_is_answered_417) {
  Front front;
  const auto frames = front.start().give(front.headers(1, with(post, "expect", "200-ok"), false));
  ASSERT_NE(first_of(frames, h2::headers, 1), nullptr);
  EXPECT_EQ(first_of(frames, h2::headers, 1)->field(":status"), "417");
  EXPECT_TRUE(front.events.streams.empty());
}

TEST(H2Server, interim_heads_come_before_the_final_one) {
  Front front;
  front.start().give(front.headers(1, with(post, "expect", "100-continue"), false));
  front.respond(1, 100, false);
  auto frames = front.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].field(":status"), "100");
  EXPECT_FALSE(frames[0].ends());
  front.give(data(1, "x", true));
  front.respond(1, 200, true);
  frames = front.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].field(":status"), "200");
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
}

TEST(H2Server, host_serves_where_authority_is_missing) {
  Front front;
  front.start().give(
      front.headers(1, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "kube"}})
  );
  EXPECT_EQ(front.events.streams[1].request.authority, "kube");
  EXPECT_EQ(text_of(front.events.streams[1].request.headers), "");
}

TEST(H2Server, host_equal_to_authority_is_taken) {
  Front front;
  front.start().give(front.headers(1, with(get, "host", "KUBE:6443")));
  EXPECT_EQ(front.log(1), "request end ");
}

TEST(H2Server, scheme_is_what_tls_made_it) {
  for (const char* scheme : {"http", "HTTPS"}) {
    Front front;
    front.start().give(front.headers(1, replaced(1, scheme)));
    EXPECT_EQ(front.events.streams[1].request.scheme, "https");
  }
}

TEST(H2Server, options_asterisk_is_a_target) {
  Front front;
  front.start().give(front.headers(
      1, {{":method", "OPTIONS"}, {":scheme", "https"}, {":authority", "k"}, {":path", "*"}}
  ));
  EXPECT_EQ(front.events.streams[1].request.target, "*");
}

// A table of requests that must not be understood: each is reset by PROTOCOL_ERROR, the owner never
// hears of it, and the connection with its HPACK state lives on (RFC 9113 §8.1.1).
struct Malformed {
  const char* what;
  Fields fields;
};

class H2MalformedRequest : public testing::TestWithParam<Malformed> {};

TEST_P(H2MalformedRequest, is_reset_and_never_told) {
  Front front;
  front.start();
  const auto frames = front.give(front.headers(1, GetParam().fields));
  EXPECT_EQ(rst_code(frames, 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(front.error(), SessionError::none);
  EXPECT_TRUE(front.events.streams.empty());
  EXPECT_EQ(front.session->open_streams(), 0u);
  front.give(front.headers(3, get));
  EXPECT_EQ(front.log(3), "request end ");
}

Fields without(std::string_view name) {
  Fields fields = get;
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

Fields path(std::string value) {
  Fields fields = get;
  fields[3].second = std::move(value);
  return fields;
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9113Section8, H2MalformedRequest,
    testing::Values(
        Malformed{"no method", without(":method")}, Malformed{"no scheme", without(":scheme")},
        Malformed{"no path", without(":path")}, Malformed{"neither authority nor host", without(":authority")},
        Malformed{"method twice", with(get, ":method", "GET")}, Malformed{"path twice", with(get, ":path", "/")},
        Malformed{"unknown pseudo field", with(get, ":foo", "1")}, Malformed{"response pseudo field", with(get, ":status", "200")},
        Malformed{"extended CONNECT", with(get, ":protocol", "websocket")},
        Malformed{"pseudo field after a field",
                  {{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":path", "/"}, {":authority", "k"}}},
        Malformed{"empty path", path("")}, Malformed{"path without slash", path("api")}, Malformed{"asterisk with GET", path("*")},
        Malformed{"absolute form", path("https://kube/api")}, Malformed{"space in path", path("/a b")},
        Malformed{"fragment", path("/a#b")}, Malformed{"control byte in path", path("/a\x01")},
        Malformed{"eight-bit path", path("/\xc3\xa4")}, Malformed{"path too long", path("/" + std::string(limits::request_line_bytes_max, 'a'))},
        Malformed{"scheme of no HTTP", replaced(1, "ftp")}, Malformed{"empty method", replaced(0, "")},
        Malformed{"method too long", replaced(0, std::string(limits::method_bytes_max + 1, 'M'))},
        Malformed{"method with a space", replaced(0, "GE T")}, Malformed{"user information in authority", replaced(2, "u@kube")},
        Malformed{"empty authority", replaced(2, "")}, Malformed{"host differs", with(get, "host", "other")},
        Malformed{"host twice", with(with(get, "host", "kube:6443"), "host", "kube:6443")},
        Malformed{"connection", with(get, "connection", "close")}, Malformed{"keep-alive", with(get, "keep-alive", "1")},
        Malformed{"proxy-connection", with(get, "proxy-connection", "x")}, Malformed{"upgrade", with(get, "upgrade", "h2c")},
        Malformed{"transfer-encoding", with(get, "transfer-encoding", "chunked")}, Malformed{"te gzip", with(get, "te", "gzip")},
        Malformed{"te list", with(get, "te", "trailers, gzip")}, Malformed{"leading space in value", with(get, "x", " y")},
        Malformed{"trailing tab in value", with(get, "x", "y\t")}, Malformed{"newline in value", with(get, "x", "a\r\nb: c")},
        Malformed{"nul in value", with(get, "x", std::string("a\0b", 3))}, Malformed{"empty name", with(get, "", "v")},
        Malformed{"space in name", with(get, "a b", "v")}, Malformed{"colon in name", with(get, "a:b", "v")},
        Malformed{"content-length twice", with(with(get, "content-length", "0"), "content-length", "0")},
        Malformed{"content-length list", with(get, "content-length", "0, 0")},
        Malformed{"content-length signed", with(get, "content-length", "+0")},
        Malformed{"content-length empty", with(get, "content-length", "")},
        Malformed{"content-length over 63 bits", with(get, "content-length", "9223372036854775808")},
        Malformed{"content-length without a body", with(get, "content-length", "5")}),
    name_of_case<Malformed>);

TEST(H2Server, upper_case_name_is_malformed) {
  Front front;
  front.start();
  // nghttp2's deflater lowers names, so the field is written by hand: literal without indexing.
  std::string block = front.hpack.pack(get);
  block += std::string("\x00\x03", 2) + "X-A" + "\x01" + "b";
  EXPECT_EQ(rst_code(front.give(Hpack::split(1, block, true)), 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(front.events.streams.empty());
}

TEST(H2Server, body_longer_than_content_length_is_reset) {
  Front front;
  front.start().give(front.headers(1, with(post, "content-length", "3"), false));
  EXPECT_EQ(rst_code(front.give(data(1, "abcd")), 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(front.log(1), "request closed ");
  EXPECT_EQ(front.events.streams[1].why, Reset::peer_error);
}

TEST(H2Server, body_shorter_than_content_length_is_reset) {
  Front front;
  front.start().give(front.headers(1, with(post, "content-length", "3"), false));
  EXPECT_EQ(rst_code(front.give(data(1, "ab", true)), 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(front.log(1), "request body closed ");
}

TEST(H2Server, trailers_without_end_stream_are_reset) {
  Front front;
  front.start().give(front.headers(1, post, false));
  EXPECT_EQ(rst_code(front.give(front.headers(1, {{"x", "y"}}, false)), 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(front.events.streams[1].why, Reset::peer_error);
}

TEST(H2Server, pseudo_field_in_trailers_is_reset) {
  Front front;
  front.start().give(front.headers(1, post, false));
  EXPECT_EQ(
      rst_code(front.give(front.headers(1, {{":path", "/x"}}, true)), 1), NGHTTP2_PROTOCOL_ERROR
  );
}

TEST(H2Server, trailers_beyond_the_bound_are_reset) {
  Front front;
  front.start().give(front.headers(1, post, false));
  const auto frames =
      front.give(front.headers(1, {{"x", std::string(limits::trailer_bytes_max, 'y')}}, true));
  EXPECT_EQ(rst_code(frames, 1), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(front.events.streams[1].why, Reset::too_large);
  EXPECT_EQ(front.error(), SessionError::none);
}

TEST(H2Server, connect_is_refused) {
  Front front;
  const auto frames = front.start().give(
      front.headers(1, {{":method", "CONNECT"}, {":authority", "kube:443"}}, false)
  );
  const GotFrame* head = first_of(frames, h2::headers, 1);
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->field(":status"), "405");
  EXPECT_TRUE(front.events.streams.empty());
  EXPECT_EQ(rst_code(frames, 1), NGHTTP2_NO_ERROR);
  EXPECT_EQ(front.session->open_streams(), 0u);
}

TEST(H2Server, head_too_large_is_answered_431) {
  Front front;
  Fields fields = get;
  for (int i = 0; i < 9; ++i) fields.emplace_back("x-" + std::to_string(i), std::string(8000, 'v'));
  const auto frames = front.start().give(front.headers(1, fields));
  const GotFrame* head = first_of(frames, h2::headers, 1);
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->field(":status"), "431");
  const GotFrame* body = first_of(frames, h2::data, 1);
  ASSERT_NE(body, nullptr);
  EXPECT_NE(body->payload.find("\"kind\":\"Status\""), std::string::npos);
  EXPECT_TRUE(front.events.streams.empty());
  EXPECT_EQ(front.error(), SessionError::none);
  front.give(front.headers(3, get));  // HPACK goes on
  EXPECT_EQ(front.log(3), "request end ");
}

TEST(H2Server, too_many_fields_are_answered_431) {
  Front front;
  Fields fields = get;
  for (std::size_t i = 0; i < limits::header_fields_max; ++i) fields.emplace_back("x", "y");
  const auto frames = front.start().give(front.headers(1, fields));
  ASSERT_NE(first_of(frames, h2::headers, 1), nullptr);
  EXPECT_EQ(first_of(frames, h2::headers, 1)->field(":status"), "431");
  EXPECT_TRUE(front.events.streams.empty());
}

TEST(H2Server, hpack_bomb_is_reset_without_unpacking_it_all) {
  Front front;
  front.start();
  Fields fields = get;
  const std::string bulk(2900, 'b');
  for (int i = 0; i < 500; ++i)
    fields.emplace_back("x-bomb", bulk);  // one byte each after the first
  const auto frames = front.give(front.headers(1, fields));
  EXPECT_EQ(rst_code(frames, 1), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(front.events.streams.empty());
  front.give(front.headers(3, get));
  EXPECT_EQ(front.log(3), "request end ");
}

// ---- RFC 9113 §4, §5, §6: frames and streams ----

struct Broken {
  const char* what;
  std::string bytes;
  int code;
};

class H2ConnectionError : public testing::TestWithParam<Broken> {};

TEST_P(H2ConnectionError, ends_the_connection_with_goaway) {
  Front front;
  front.start().give(front.headers(1, post, false));
  const auto frames = front.give(GetParam().bytes);
  EXPECT_EQ(goaway_code(frames), GetParam().code);
  EXPECT_NE(front.error(), SessionError::none);
  EXPECT_EQ(front.log(1), "request closed ");
  EXPECT_EQ(front.events.streams[1].why, Reset::connection_lost);
  EXPECT_TRUE(front.session->finished());
  EXPECT_EQ(front.give(front.headers(3, get)).size(), 0u);  // deaf from now on
  EXPECT_NE(front.error(), SessionError::none);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9113, H2ConnectionError,
    testing::Values(
        Broken{"data on stream 0", data(0, "x"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"data on an idle stream", data(5, "x"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"headers on stream 0", frame(h2::headers, 5, 0, "\x82"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"headers on an even stream", frame(h2::headers, 5, 2, "\x82"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"frame over 16 KiB", frame(h2::data, 0, 1, std::string(16385, 'x')), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"ping of 7 bytes", frame(h2::ping, 0, 0, "1234567"), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"ping on a stream", frame(h2::ping, 0, 1, "12345678"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"settings of 5 bytes", frame(h2::settings, 0, 0, "12345"), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"settings ack with payload", frame(h2::settings, 1, 0, setting(1, 1)), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"settings ack nobody asked for", frame(h2::settings, 1, 0), NGHTTP2_PROTOCOL_ERROR},
        Broken{"settings on a stream", frame(h2::settings, 0, 1, setting(1, 1)), NGHTTP2_PROTOCOL_ERROR},
        Broken{"enable push 2", frame(h2::settings, 0, 0, setting(2, 2)), NGHTTP2_PROTOCOL_ERROR},
        Broken{"window over 2^31-1", frame(h2::settings, 0, 0, setting(4, 0x80000000)), NGHTTP2_FLOW_CONTROL_ERROR},
        Broken{"frame size 16383", frame(h2::settings, 0, 0, setting(5, 16383)), NGHTTP2_PROTOCOL_ERROR},
        Broken{"frame size 2^24", frame(h2::settings, 0, 0, setting(5, 1 << 24)), NGHTTP2_PROTOCOL_ERROR},
        Broken{"priority on stream 0", frame(h2::priority, 0, 0, std::string(5, '\0')), NGHTTP2_PROTOCOL_ERROR},
        Broken{"priority of 4 bytes", frame(h2::priority, 0, 1, std::string(4, '\0')), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"rst on stream 0", rst(0), NGHTTP2_PROTOCOL_ERROR},
        Broken{"rst on an idle stream", rst(7), NGHTTP2_PROTOCOL_ERROR},
        Broken{"rst of 3 bytes", frame(h2::rst_stream, 0, 1, "123"), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"push promise from a client", frame(h2::push_promise, 4, 1, u32(2) + "\x82"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"goaway on a stream", frame(h2::goaway, 0, 1, u32(0) + u32(0)), NGHTTP2_PROTOCOL_ERROR},
        Broken{"goaway of 7 bytes", frame(h2::goaway, 0, 0, "1234567"), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"window update of 0 on the connection", window_update(0, 0), NGHTTP2_PROTOCOL_ERROR},
        Broken{"window update of 0 on a stream", window_update(1, 0), NGHTTP2_PROTOCOL_ERROR},
        Broken{"window update of 3 bytes", frame(h2::window_update, 0, 0, "123"), NGHTTP2_FRAME_SIZE_ERROR},
        Broken{"window update on an idle stream", window_update(9, 1), NGHTTP2_PROTOCOL_ERROR},
        Broken{"connection window over 2^31-1", window_update(0, 0x7fffffff), NGHTTP2_FLOW_CONTROL_ERROR},
        Broken{"lone continuation", frame(h2::continuation, 4, 1, "\x82"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"ping inside a header block", frame(h2::headers, 0, 3, "\x82") + frame(h2::ping, 0, 0, "12345678"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"unknown frame inside a header block", frame(h2::headers, 0, 3, "\x82") + frame(0x42, 0, 0, "x"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"continuation of another stream", frame(h2::headers, 0, 3, "\x82") + frame(h2::continuation, 4, 5, "\x84"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"padding longer than the frame", frame(h2::data, 8, 1, "\x05" "abc"), NGHTTP2_PROTOCOL_ERROR},
        Broken{"bad HPACK index", frame(h2::headers, 5, 3, "\xff\xff\xff\x0f"), NGHTTP2_COMPRESSION_ERROR},
        Broken{"truncated HPACK string", frame(h2::headers, 5, 3, std::string("\x00\x10", 2) + "abc"), NGHTTP2_COMPRESSION_ERROR},
        Broken{"HPACK table beyond our setting", frame(h2::headers, 5, 3, "\x3f\xe2\x1f"), NGHTTP2_COMPRESSION_ERROR}),
    name_of_case<Broken>);

TEST(H2Server, lower_stream_number_than_before_is_a_protocol_error) {
  Front front;
  front.start().give(front.headers(5, get));
  EXPECT_EQ(goaway_code(front.give(front.headers(3, get))), NGHTTP2_PROTOCOL_ERROR);
}

TEST(H2Server, frames_on_a_stream_that_ended_are_stream_closed) {
  for (const bool headers : {true, false}) {
    Front front;
    front.start().give(front.headers(1, get));
    front.respond(1, 200, true);
    front.take();
    const auto frames = front.give(headers ? front.headers(1, get) : data(1, "x"));
    EXPECT_EQ(goaway_code(frames), NGHTTP2_STREAM_CLOSED);
  }
}

TEST(H2Server, data_on_a_half_closed_stream_is_stream_closed) {
  Front front;
  front.start().give(front.headers(1, get));
  EXPECT_EQ(goaway_code(front.give(data(1, "x"))), NGHTTP2_STREAM_CLOSED);
  EXPECT_EQ(front.log(1), "request end closed ");
}

TEST(H2Server, data_after_the_clients_own_reset_is_a_stream_error) {
  Front front;
  front.start().give(front.headers(1, post, false) + rst(1));
  EXPECT_EQ(front.events.streams[1].why, Reset::cancelled);
  const auto frames = front.give(data(1, "x"));
  EXPECT_EQ(rst_code(frames, 1), NGHTTP2_STREAM_CLOSED);
  EXPECT_EQ(front.error(), SessionError::none);
}

TEST(H2Server, frames_on_a_stream_we_reset_are_ignored_and_their_window_returned) {
  Front front;
  front.start().give(front.headers(1, post, false));
  front.command([&] { front.session->reset(*front.stream(1), Reset::internal_error); });
  EXPECT_EQ(rst_code(front.take(), 1), NGHTTP2_INTERNAL_ERROR);
  std::size_t returned = 0;
  for (int i = 0; i < 100; ++i) {
    for (const GotFrame& f : front.give(data(1, std::string(16384, 'x')))) {
      if (f.type == h2::window_update && f.stream == 0) returned += f.number();
    }
    ASSERT_EQ(front.error(), SessionError::none);
  }
  EXPECT_GT(returned, 100u * 16384 - limits::h2_connection_window_bytes);
  front.give(front.headers(1, {{"x", "y"}}, true));
  EXPECT_EQ(front.error(), SessionError::none);
  EXPECT_EQ(front.log(1), "request closed ");
}

TEST(H2Server, unknown_frames_and_settings_are_ignored) {
  Front front;
  front.start().give(
      frame(0x21, 0xff, 7, "whatever") + frame(h2::settings, 0, 0, setting(0x1234, 7))
  );
  EXPECT_EQ(front.error(), SessionError::none);
  front.give(front.headers(1, get));
  EXPECT_EQ(front.log(1), "request end ");
}

TEST(H2Server, padding_and_priority_in_frames_are_taken_off) {
  Front front;
  front.start();
  const std::string block = front.hpack.pack(post);
  front.give(frame(
      h2::headers,
      0x4 | 0x8 | 0x20,
      1,
      std::string("\x03") + u32(0) + "\x10" + block + std::string(3, '\0')
  ));
  front.give(frame(h2::data, 0x1 | 0x8, 1, std::string("\x02") + "body" + std::string(2, '\0')));
  EXPECT_EQ(front.events.streams[1].body, "body");
  EXPECT_EQ(front.log(1), "request body end ");
}

TEST(H2Server, stream_window_overrun_is_a_flow_control_error) {
  Front front;
  front.start().give(front.headers(1, post, false));
  int code = -1;
  for (int i = 0; i < 17 && code == -1; ++i)
    code = rst_code(front.give(data(1, std::string(16384, 'x'))), 1);
  EXPECT_EQ(code, NGHTTP2_FLOW_CONTROL_ERROR);
  EXPECT_LE(front.events.streams[1].body.size(), limits::h2_stream_window_bytes);
}

TEST(H2Server, connection_window_overrun_is_a_connection_error) {
  Front front;
  front.start();
  for (std::uint32_t id = 1; id < 20; id += 2) front.give(front.headers(id, post, false));
  std::size_t given = 0;
  while (front.error() == SessionError::none && given < 2 * limits::h2_connection_window_bytes) {
    for (std::uint32_t id = 1; id < 20 && front.error() == SessionError::none; id += 2) {
      front.give(data(id, std::string(16384, 'x')));
      given += 16384;
    }
  }
  EXPECT_EQ(front.error(), SessionError::h2_flow_control);
  EXPECT_LE(given, limits::h2_connection_window_bytes + 16384);
}

TEST(H2Server, window_overflow_on_a_stream_resets_it) {
  Front front;
  front.start().give(front.headers(1, post, false));
  EXPECT_EQ(rst_code(front.give(window_update(1, 0x7fffffff)), 1), NGHTTP2_FLOW_CONTROL_ERROR);
  EXPECT_EQ(front.events.streams[1].why, Reset::peer_error);
}

// ---- flow control by credit ----

TEST(H2Server, windows_grow_only_by_what_was_consumed) {
  Front front;
  front.start().give(front.headers(1, post, false));
  std::map<std::uint32_t, std::size_t> grown;
  const auto note = [&](const std::vector<GotFrame>& frames) {
    for (const GotFrame& f : frames) {
      if (f.type == h2::window_update) grown[f.stream] += f.number();
    }
  };
  for (int i = 0; i < 16; ++i) note(front.give(data(1, std::string(16384, 'x'))));
  EXPECT_TRUE(grown.empty());
  front.command([&] { front.session->consumed(*front.stream(1), 200'000); });
  note(front.take());
  EXPECT_EQ(grown[1], 200'000u);
  // More than was given up is not believed.
  front.command([&] { front.session->consumed(*front.stream(1), 1'000'000'000); });
  note(front.take());
  EXPECT_LE(grown[1], limits::h2_stream_window_bytes);
}

TEST(H2Server, closed_stream_returns_its_share_of_the_connection_window) {
  Front front;
  front.start();
  std::size_t returned = 0;
  for (std::uint32_t id = 1; id < 40; id += 2) {
    front.give(front.headers(id, post, false));
    for (int i = 0; i < 16; ++i) {
      for (const GotFrame& f : front.give(data(id, std::string(16384, 'x')))) {
        if (f.type == h2::window_update && f.stream == 0) returned += f.number();
      }
      ASSERT_EQ(front.error(), SessionError::none);
    }
    for (const GotFrame& f : front.give(rst(id))) {
      if (f.type == h2::window_update && f.stream == 0) returned += f.number();
    }
  }
  EXPECT_GT(returned, 20u * 16 * 16384 - limits::h2_connection_window_bytes);
}

TEST(H2Server, slow_reader_is_sent_no_more_than_its_window) {
  Front front;
  front.start().give(front.headers(1, get));
  front.respond(1, 200, false);
  front.body(1, std::string(200'000, 'b'));
  std::size_t got = 0;
  for (const GotFrame& f : front.take()) got += f.type == h2::data ? f.payload.size() : 0;
  EXPECT_EQ(got, 65535u);
  EXPECT_EQ(
      front.events.streams[1].sent, 65535u
  );  // the source is told of no more, so gives no more
  EXPECT_FALSE(front.session->wants_output());
  for (const GotFrame& f : front.give(window_update(1, 1000) + window_update(0, 5000)))
    got += f.type == h2::data ? f.payload.size() : 0;
  EXPECT_EQ(got, 66535u);
  EXPECT_EQ(front.events.streams[1].sent, 66535u);
}

TEST(H2Server, one_busy_stream_does_not_starve_another) {
  Front front;
  front.start().give(window_update(0, 1 << 30) + frame(h2::settings, 0, 0, setting(4, 1 << 30)));
  front.give(front.gets({1, 3}));
  front.respond(1, 200, false);
  front.respond(3, 200, false);
  front.body(1, std::string(250'000, 'a'));
  front.body(3, "small");
  std::string piece(64 * 1024, '\0');
  const std::size_t n =
      front.session->produce({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()});
  EXPECT_NE(
      first_of(front.reader.take(std::string_view(piece).substr(0, n)), h2::data, 3), nullptr
  );
}

TEST(H2Server, any_size_of_output_buffer_gives_the_same_frames) {
  for (const std::size_t each : {1u, 2u, 8u, 9u, 10u, 63u, 300u, 16393u, 100000u}) {
    Front front;
    front.start().give(front.gets({1, 3}));
    HeaderList trailers;
    trailers.add("grpc-status", "0");
    for (const std::uint32_t id : {1u, 3u}) {
      front.respond(id, 200, false, {{"x", std::string(500, 'h')}});
      front.body(id, std::string(20'000, static_cast<char>('0' + id)));
      front.end(id, &trailers);
    }
    std::map<std::uint32_t, std::string> bodies;
    for (const GotFrame& f : front.reader.take(produce_all(*front.session, each))) {
      if (f.type == h2::data) bodies[f.stream] += f.payload;
      if (f.type == h2::headers && f.ends()) {
        EXPECT_EQ(f.field("grpc-status"), "0");
      }
    }
    EXPECT_TRUE(front.reader.between_frames());
    EXPECT_EQ(bodies[1], std::string(20'000, '1'));
    EXPECT_EQ(bodies[3], std::string(20'000, '3'));
    EXPECT_EQ(front.events.streams[1].sent, 20'000u);
    EXPECT_EQ(front.events.streams[1].why, Reset::none);
    EXPECT_EQ(front.events.streams[3].closed, 1);
    EXPECT_EQ(front.pool.in_use(), 0u);
  }
}

// ---- answers ----

TEST(H2Server, connection_specific_fields_are_never_sent) {
  Front front;
  front.start().give(front.headers(1, get));
  front.respond(
      1,
      200,
      true,
      {{"connection", "close"},
       {"keep-alive", "1"},
       {"transfer-encoding", "chunked"},
       {"upgrade", "x"},
       {"proxy-connection", "x"},
       {"ok", "1"}}
  );
  const auto frames = front.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].fields, (Fields{{":status", "200"}, {"ok", "1"}}));
}

TEST(H2Server, trailers_end_the_stream) {
  Front front;
  front.start().give(front.headers(1, with(post, "te", "trailers")));
  front.respond(1, 200, false, {{"content-type", "application/grpc"}});
  HeaderList trailers;
  trailers.add("grpc-status", "5");
  trailers.add("grpc-message", "no");
  front.body(1, "x");
  front.end(1, &trailers);
  const auto frames = front.take();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_FALSE(frames[1].ends());
  EXPECT_TRUE(frames[2].ends());
  EXPECT_EQ(frames[2].fields, (Fields{{"grpc-status", "5"}, {"grpc-message", "no"}}));
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
}

TEST(H2Server, trailers_only_answer_of_grpc_passes) {
  Front front;
  front.start().give(front.headers(1, post));
  front.respond(1, 200, true, {{"content-type", "application/grpc"}, {"grpc-status", "12"}});
  const auto frames = front.take();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_TRUE(frames[0].ends());
  EXPECT_EQ(frames[0].field("grpc-status"), "12");
}

TEST(H2Server, head_response_has_no_body_and_loses_no_credit) {
  Front front;
  front.start().give(front.headers(
      1, {{":method", "HEAD"}, {":scheme", "https"}, {":authority", "k"}, {":path", "/"}}
  ));
  ResponseHead answer;
  answer.status = 200;
  answer.content_length = 7;
  front.command([&] { front.session->respond(*front.stream(1), answer, false); });
  front.body(1, "1234567");
  front.end(1);
  const auto frames = front.take();
  EXPECT_EQ(frames[0].field("content-length"), "7");
  for (const GotFrame& f : frames) EXPECT_TRUE(f.type != h2::data || f.payload.empty());
  EXPECT_EQ(front.events.streams[1].sent, 7u);
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
}

TEST(H2Server, early_answer_asks_the_client_to_stop) {
  Front front;
  front.start().give(front.headers(1, post, false) + data(1, "abc"));
  front.respond(1, 413, false);
  front.body(1, "too large");
  front.end(1);
  const auto frames = front.take();
  EXPECT_TRUE(first_of(frames, h2::data, 1)->ends());
  EXPECT_EQ(rst_code(frames, 1), NGHTTP2_NO_ERROR);
  EXPECT_EQ(frames.back().type == h2::rst_stream || frames.back().type == h2::window_update, true);
  EXPECT_EQ(front.log(1), "request body closed ");
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
  front.give(data(1, "more", true));
  EXPECT_EQ(front.error(), SessionError::none);
}

TEST(H2Server, head_beyond_what_we_send_resets_the_stream) {
  Front front;
  front.start().give(front.headers(1, get));
  Fields many;
  for (int i = 0; i < 80; ++i) many.emplace_back("x-" + std::to_string(i), std::string(4000, 'z'));
  front.respond(1, 200, true, many);
  EXPECT_EQ(rst_code(front.take(), 1), NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(front.events.streams[1].why, Reset::internal_error);
}

TEST(H2Server, resets_carry_their_code) {
  const std::vector<std::pair<Reset, int>> codes = {
      {Reset::cancelled, NGHTTP2_CANCEL},
      {Reset::refused, NGHTTP2_REFUSED_STREAM},
      {Reset::internal_error, NGHTTP2_INTERNAL_ERROR},
      {Reset::peer_error, NGHTTP2_PROTOCOL_ERROR},
      {Reset::too_large, NGHTTP2_PROTOCOL_ERROR}
  };
  for (const auto& [why, code] : codes) {
    Front front;
    front.start().give(front.headers(1, get));
    front.command([&] { front.session->reset(*front.stream(1), why); });
    EXPECT_EQ(rst_code(front.take(), 1), code);
    EXPECT_EQ(front.events.streams[1].why, why);
    EXPECT_EQ(front.events.streams[1].closed, 1);
  }
}

// Our own reset at each point of a stream's life; the queue is given back and nothing is told after
// on_closed.
TEST(H2Server, reset_by_us_at_any_point) {
  for (int point = 0; point < 5; ++point) {
    Front front;
    front.start().give(front.headers(1, post, false));
    if (point >= 1) front.give(data(1, "abc"));
    if (point >= 2) front.respond(1, 200, false);
    if (point >= 3) front.body(1, std::string(100'000, 'x'));
    if (point >= 4) front.take();
    front.command([&] {
      front.session->reset(*front.stream(1), Reset::internal_error);
      front.session->reset(*front.stream(1), Reset::cancelled);  // the first counts
      front.session->send_body(*front.stream(1), as_bytes("late"));
      front.session->end_body(*front.stream(1), nullptr);
      front.session->consumed(*front.stream(1), 3);
    });
    EXPECT_EQ(front.events.streams[1].closed, 0);
    EXPECT_TRUE(front.session->wants_output());
    EXPECT_EQ(rst_code(front.take(), 1), NGHTTP2_INTERNAL_ERROR);
    EXPECT_EQ(front.events.streams[1].closed, 1);
    EXPECT_EQ(front.events.streams[1].why, Reset::internal_error);
    EXPECT_EQ(front.pool.in_use(), 0u);
    EXPECT_EQ(front.session->open_streams(), 0u);
  }
}

TEST(H2Server, reset_by_the_client_at_any_point) {
  for (int point = 0; point < 6; ++point) {
    Front front;
    front.start().give(front.headers(1, post, false));
    if (point >= 1) front.give(data(1, "abc"));
    if (point >= 2) front.give(data(1, "", true));
    if (point >= 3) front.respond(1, 200, false);
    if (point >= 4) front.body(1, std::string(100'000, 'x'));
    if (point >= 5) front.take();
    front.give(rst(1));
    EXPECT_EQ(front.events.streams[1].closed, 1);
    EXPECT_EQ(front.events.streams[1].why, Reset::cancelled);
    EXPECT_EQ(front.pool.in_use(), 0u);
    EXPECT_EQ(front.session->open_streams(), 0u);
    EXPECT_EQ(front.error(), SessionError::none);
  }
}

// Commands are allowed inside every event: the owner answers, resets, consumes there.
TEST(H2Server, commands_inside_events) {
  for (const bool resets : {false, true}) {
    Front front;
    front.start();
    ServerSession& session = *front.session;
    const auto answer = [&](Stream& stream) {
      ResponseHead head;
      head.status = 403;
      session.respond(stream, head, false);
      session.send_body(stream, as_bytes("no"));
      session.end_body(stream, nullptr);
    };
    front.events.request = [&](Stream& stream, RequestHead&) {
      if (stream.id == 1) resets ? session.reset(stream, Reset::cancelled) : answer(stream);
    };
    front.events.body = [&](Stream& stream, ByteView piece) {
      session.consumed(stream, piece.size());
      if (stream.id == 3) resets ? session.reset(stream, Reset::cancelled) : answer(stream);
    };
    front.events.request_end = [&](Stream& stream) {
      if (stream.id == 5) resets ? session.reset(stream, Reset::cancelled) : answer(stream);
    };
    front.events.sent = [&](Stream& stream, std::size_t) {
      if (resets) session.reset(stream, Reset::cancelled);
    };
    front.events.closed = [&](Stream& stream) {
      session.reset(stream, Reset::internal_error);  // too late, harmless
      session.consumed(stream, 100);
      if (front.events.streams.contains(7) && front.events.streams[7].closed == 0)
        answer(*front.stream(7));
    };
    std::string all = front.headers(7, get);  // packed first, sent last
    std::string bytes;
    Hpack fresh;
    bytes += fresh.headers(1, post, false) + data(1, "abc") + data(1, "def", true);
    bytes += fresh.headers(3, post, false) + data(3, "abc") + data(3, "def", true);
    bytes += fresh.headers(5, post, false) + data(5, "abc", true);
    bytes += fresh.headers(7, get, true);
    front.give(bytes);
    front.take();
    EXPECT_EQ(front.error(), SessionError::none);
    for (const std::uint32_t id : {1u, 3u, 5u, 7u})
      EXPECT_EQ(front.events.streams[id].closed, 1) << id << resets;
    EXPECT_EQ(front.session->open_streams(), 0u);
    EXPECT_EQ(front.pool.in_use(), 0u);
  }
}

// ---- concurrency ----

TEST(H2Server, a_stream_beyond_the_bound_is_refused_and_the_others_live) {
  Front front;
  front.start();
  std::string all;
  for (std::uint32_t i = 0; i < 250; ++i) all += front.headers(2 * i + 1, get);
  front.give(all);
  EXPECT_EQ(front.session->open_streams(), 250u);
  const auto frames = front.give(front.headers(501, get));
  EXPECT_EQ(rst_code(frames, 501), NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(front.error(), SessionError::none);
  EXPECT_EQ(front.session->open_streams(), 250u);
  for (std::uint32_t i = 0; i < 250; ++i) front.respond(2 * i + 1, 200, true);
  front.take();
  EXPECT_EQ(front.session->open_streams(), 0u);
  front.give(front.headers(503, get));
  EXPECT_EQ(front.log(503), "request end ");
}

// ---- drain, goaway, time ----

TEST(H2Server, drain_announces_then_names_the_last_stream) {
  Front front;
  front.start().give(front.headers(1, get));
  front.command([&] { front.session->begin_drain(); });
  auto frames = front.take();
  ASSERT_NE(goaway_of(frames), nullptr);
  EXPECT_EQ(goaway_of(frames)->number(), 0x7fffffffu);
  const GotFrame* ping = first_of(frames, h2::ping, 0);
  ASSERT_NE(ping, nullptr);
  front.give(front.headers(3, get));  // it was on its way
  EXPECT_EQ(front.log(3), "request end ");
  frames = front.give(frame(h2::ping, h2::flag_ack, 0, ping->payload));
  ASSERT_NE(goaway_of(frames), nullptr);
  EXPECT_EQ(goaway_of(frames)->number(), 3u);
  EXPECT_EQ(goaway_code(frames), NGHTTP2_NO_ERROR);
  front.give(front.headers(5, get));
  EXPECT_FALSE(front.events.streams.contains(5));
  EXPECT_FALSE(front.session->finished());
  front.respond(1, 200, true);
  front.respond(3, 200, true);
  EXPECT_FALSE(front.session->finished());
  front.take();
  EXPECT_TRUE(front.session->finished());
  EXPECT_EQ(front.error(), SessionError::none);
}

TEST(H2Server, drain_does_not_wait_for_a_client_that_answers_no_ping) {
  Front front;
  front.start();
  front.now = front.now + seconds(100);
  front.session->begin_drain();
  front.take();
  for (int i = 0; i < 3 && !front.session->finished(); ++i) {
    front.now = std::max(front.now, front.session->next_deadline());
    ASSERT_TRUE(front.session->on_deadline(front.now));
    front.take();
  }
  EXPECT_TRUE(front.session->finished());
  EXPECT_LE((front.now - Instant{101'000'000'000}).count(), 2'000'000'000);
}

TEST(H2Server, finishes_after_the_clients_goaway) {
  Front front;
  front.start().give(front.headers(1, get));
  front.give(frame(h2::goaway, 0, 0, u32(0) + u32(0)));
  EXPECT_FALSE(front.session->finished());
  front.respond(1, 200, true);
  front.take();
  EXPECT_TRUE(front.session->finished());
  EXPECT_EQ(front.events.streams[1].why, Reset::none);
}

TEST(H2Server, idle_connection_gets_goaway) {
  Front front;
  front.start().give(front.headers(1, get));
  EXPECT_EQ(front.session->next_deadline(), Instant::never());
  front.now = front.now + seconds(1000);
  front.respond(1, 200, true);
  front.take();
  // The session was not told the time while it answered: the deadline may come early, but not the
  // end.
  front.result = front.session->on_deadline(front.now);
  EXPECT_EQ(front.error(), SessionError::none);
  EXPECT_EQ(front.session->next_deadline(), front.now + seconds(180));
  front.now = front.now + seconds(179);
  front.result = front.session->on_deadline(front.now);
  EXPECT_EQ(front.error(), SessionError::none);
  front.now = front.now + seconds(1);
  front.result = front.session->on_deadline(front.now);
  EXPECT_EQ(front.error(), SessionError::idle_timeout);
  EXPECT_EQ(goaway_code(front.take()), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(front.session->finished());
}

TEST(H2Server, preface_and_settings_must_come_in_time) {
  for (const std::string& start :
       {std::string(), std::string("PRI * HT"), std::string(preface), std::string(preface) + "\0\0"
       }) {
    Front front;
    front.give(start);
    EXPECT_EQ(front.session->next_deadline(), front.now + seconds(30));
    front.now = front.now + seconds(30);
    front.result = front.session->on_deadline(front.now);
    EXPECT_EQ(front.error(), SessionError::head_timeout);
    front.take();
    EXPECT_TRUE(front.session->finished());
  }
}

TEST(H2Server, header_block_must_end_in_time) {
  Front front;
  front.start();
  const std::string block = front.hpack.pack(get);
  front.now = front.now + seconds(10);
  front.give(frame(h2::headers, 1, 1, block.substr(0, 2)));
  front.now = front.now + seconds(29);
  front.give(frame(h2::continuation, 0, 1, block.substr(2, 1)));
  front.result = front.session->on_deadline(front.now);
  EXPECT_EQ(front.error(), SessionError::none);
  front.now = front.now + seconds(1);
  front.result = front.session->on_deadline(front.now);
  EXPECT_EQ(front.error(), SessionError::head_timeout);
  EXPECT_TRUE(front.events.streams.empty());
}

TEST(H2Server, end_of_input_closes_what_is_open) {
  Front front;
  front.start().give(front.headers(1, get));
  front.give(front.headers(3, post, false));
  front.result = front.session->on_eof();
  EXPECT_EQ(front.error(), SessionError::truncated);
  EXPECT_EQ(front.events.streams[1].why, Reset::connection_lost);
  EXPECT_EQ(front.events.streams[3].why, Reset::connection_lost);
  front.take();
  EXPECT_TRUE(front.session->finished());
}

TEST(H2Server, end_of_input_between_requests_is_no_error) {
  Front front;
  front.start();
  front.result = front.session->on_eof();
  EXPECT_EQ(front.error(), SessionError::none);
  front.take();
  EXPECT_TRUE(front.session->finished());
}

TEST(H2Server, lost_connection_tells_every_stream_once) {
  Front front;
  front.start().give(front.headers(1, get));
  front.give(front.headers(3, post, false));
  front.respond(1, 200, false);
  front.body(1, "abc");
  front.session->reset(*front.stream(3), Reset::cancelled);
  front.session->on_lost();
  EXPECT_EQ(front.events.streams[1].why, Reset::connection_lost);
  EXPECT_EQ(front.events.streams[3].why, Reset::cancelled);
  EXPECT_EQ(front.events.open(), 0u);
  EXPECT_EQ(front.pool.in_use(), 0u);
  EXPECT_FALSE(front.session->wants_output());
  EXPECT_TRUE(front.session->finished());
}

}  // namespace
}  // namespace gh::http::test
