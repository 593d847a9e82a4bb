// SPDX-License-Identifier: Apache-2.0
// The known ways to make an HTTP/2 server work or hoard for nothing (RFC 9113 §10.5): each is
// bounded and ends in ENHANCE_YOUR_CALM, and what honest clients do that looks alike is not taken
// for one.
#include "base/limits.h"
#include "tests/http/h2_wire.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gh::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Fields get = {
    {":method", "GET"}, {":scheme", "https"}, {":authority", "kube"}, {":path", "/"}
};
const Fields post = {
    {":method", "POST"}, {":scheme", "https"}, {":authority", "kube"}, {":path", "/"}
};

class Flood {
 public:
  explicit Flood(bool reads = true) : reads_(reads) {
    session = make_h2_server(events, pool, {seconds(30), seconds(180), 250}, now);
    give(std::string(preface) + frame(h2::settings, 0, 0));
    reader.take(produce_all(*session));
    give(frame(h2::settings, h2::flag_ack, 0));
  }

  bool give(std::string_view bytes) {
    const auto result = session->on_plaintext(as_bytes(bytes), now);
    if (!result) error = result.error();
    if (reads_) collect();
    return result.has_value();
  }

  void collect() {
    for (GotFrame& got : reader.take(produce_all(*session))) {
      if (got.type == h2::goaway) goaway = static_cast<int>(got.number(4));
      if (got.type == h2::data) data_bytes += got.payload.size();
      ++frames;
    }
  }

  // Gives `bytes(i)` again and again: how often until the connection ends.
  template <class Bytes>
  int until_end(Bytes bytes, int most = 1'000'000) {
    for (int i = 0; i < most; ++i) {
      if (!give(bytes(i))) {
        collect();
        return i;
      }
    }
    return -1;
  }

  void expect_calm(int count, int least, int most) {
    EXPECT_GE(count, least);
    EXPECT_LE(count, most);
    EXPECT_EQ(error, SessionError::h2_flood);
    EXPECT_EQ(goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    EXPECT_EQ(events.open(), 0u);
    EXPECT_EQ(pool.in_use(), 0u);
    EXPECT_TRUE(session->finished());
  }

  std::string request(std::uint32_t id, const Fields& fields, bool end) {
    return hpack.headers(id, fields, end);
  }

  Instant now{1'000'000'000};
  BufferPool pool;
  ServerRecorder events;
  std::unique_ptr<ServerSession> session;
  Hpack hpack;
  FrameReader reader{hpack};
  SessionError error = SessionError::none;
  int goaway = -1;
  std::size_t frames = 0;
  std::size_t data_bytes = 0;

 private:
  bool reads_;
};

std::uint32_t id_of(int i) { return 2 * static_cast<std::uint32_t>(i) + 1; }

TEST(H2Flood, rapid_reset_cve_2023_44487) {
  Flood flood;
  const int n =
      flood.until_end([&](int i) { return flood.request(id_of(i), get, true) + rst(id_of(i)); });
  flood.expect_calm(n, 150, 210);
}

TEST(H2Flood, rapid_reset_in_one_piece) {
  Flood flood;
  std::string all;
  for (int i = 0; i < 5000; ++i) all += flood.request(id_of(i), get, true) + rst(id_of(i));
  EXPECT_FALSE(flood.give(all));
  EXPECT_LE(flood.events.streams.size(), 210u);
  flood.expect_calm(1, 1, 1);
}

TEST(H2Flood, made_you_reset_by_window_overflow_cve_2025_8671) {
  Flood flood;
  const int n = flood.until_end([&](int i) {
    return flood.request(id_of(i), get, true) + window_update(id_of(i), 0x7fffffff);
  });
  flood.expect_calm(n, 150, 210);
}

TEST(H2Flood, made_you_reset_by_too_much_body) {
  Flood flood;
  Fields fields = post;
  fields.emplace_back("content-length", "1");
  const int n = flood.until_end([&](int i) {
    return flood.request(id_of(i), fields, false) + data(id_of(i), "xx");
  });
  flood.expect_calm(n, 150, 210);
}

TEST(H2Flood, made_you_reset_by_malformed_requests) {
  Flood flood;
  Fields fields = get;
  fields.emplace_back("connection", "close");
  const int n = flood.until_end([&](int i) { return flood.request(id_of(i), fields, true); });
  flood.expect_calm(n, 150, 210);
}

TEST(H2Flood, data_after_the_clients_own_reset_is_answered_once_then_counted) {
  Flood flood;
  flood.give(flood.request(1, post, false) + rst(1));
  const std::size_t before = flood.frames;
  const int n = flood.until_end([&](int) { return data(1, "x"); });
  flood.expect_calm(n, 900, 1010);
  EXPECT_EQ(flood.frames - before, 2u);  // RST_STREAM, GOAWAY
}

TEST(H2Flood, streams_beyond_the_bound) {
  Flood flood;
  const int n = flood.until_end([&](int i) { return flood.request(id_of(i), get, true); });
  flood.expect_calm(n, 250 + 150, 250 + 210);
}

TEST(H2Flood, resets_at_an_honest_pace_are_no_flood) {
  Flood flood;
  for (int i = 0; i < 2000; ++i) {
    flood.now = flood.now + milliseconds(11);
    ASSERT_TRUE(flood.give(flood.request(id_of(i), get, true) + rst(id_of(i))));
  }
}

TEST(H2Flood, cancelling_all_watches_at_once_is_no_flood) {
  Flood flood;
  for (int round = 0; round < 5; ++round) {
    std::string opens;
    std::string closes;
    for (int i = round * 250; i < round * 250 + 250; ++i) {
      opens += flood.request(id_of(i), get, true);
      closes += rst(id_of(i));
    }
    ASSERT_TRUE(flood.give(opens));
    ResponseHead head;
    head.status = 200;
    for (auto& [id, told] : flood.events.streams) {
      if (told.closed == 0) flood.session->respond(*told.stream, head, false);
    }
    flood.collect();
    flood.now = flood.now + seconds(1);
    ASSERT_TRUE(flood.give(closes));
  }
}

TEST(H2Flood, ping_cve_2019_9512) {
  Flood flood;
  flood.expect_calm(
      flood.until_end([](int) { return frame(h2::ping, 0, 0, "12345678"); }), 900, 1010
  );
}

TEST(H2Flood, ping_without_reading_the_answers) {
  Flood flood(false);
  const int n = flood.until_end([&](int) {
    flood.now = flood.now + milliseconds(10);  // slow enough for the rate
    return frame(h2::ping, 0, 0, "12345678");
  });
  flood.expect_calm(n, 900, 1010);
}

TEST(H2Flood, settings_cve_2019_9515) {
  Flood flood;
  flood.expect_calm(
      flood.until_end([](int i) { return frame(h2::settings, 0, 0, setting(4, 65535 + (i & 1))); }),
      200,
      260
  );
}

TEST(H2Flood, settings_with_too_many_entries) {
  Flood flood;
  std::string entries;
  for (int i = 0; i < 2000; ++i) entries += setting(0x77, 1);
  EXPECT_FALSE(flood.give(frame(h2::settings, 0, 0, entries)));
  flood.expect_calm(1, 1, 1);
}

TEST(H2Flood, empty_data_cve_2019_9518) {
  Flood flood;
  flood.give(flood.request(1, post, false));
  flood.expect_calm(flood.until_end([](int) { return data(1, ""); }), 900, 1010);
}

TEST(H2Flood, data_of_padding_only) {
  Flood flood;
  flood.give(flood.request(1, post, false));
  flood.expect_calm(
      flood.until_end([](int) { return frame(h2::data, 8, 1, std::string("\x04\0\0\0\0", 5)); }),
      900,
      1010
  );
}

TEST(H2Flood, priority_cve_2019_9513) {
  Flood flood;
  flood.give(flood.request(1, post, false));
  const int n =
      flood.until_end([](int i) { return frame(h2::priority, 0, id_of(i), u32(0) + "\x10"); });
  flood.expect_calm(n, 900, 1010);
}

TEST(H2Flood, unknown_frames) {
  Flood flood;
  flood.expect_calm(flood.until_end([](int) { return frame(0xbe, 0, 0, "x"); }), 900, 1010);
}

TEST(H2Flood, window_updates_that_answer_nothing) {
  Flood flood;
  flood.expect_calm(flood.until_end([](int) { return window_update(0, 1); }), 900, 1010);
}

TEST(H2Flood, window_dribbled_byte_by_byte_cve_2019_9511) {
  Flood flood;
  flood.give(frame(h2::settings, 0, 0, setting(4, 0)));
  flood.give(flood.request(1, get, true));
  ResponseHead head;
  head.status = 200;
  flood.session->respond(*flood.events.streams[1].stream, head, false);
  const std::string body(100'000, 'x');
  flood.session->send_body(*flood.events.streams[1].stream, as_bytes(body));
  flood.collect();
  const int n = flood.until_end([](int) { return window_update(1, 1); });
  EXPECT_LE(flood.data_bytes, 1010u);
  flood.expect_calm(n, 900, 1010);
}

TEST(H2Flood, window_updates_for_each_data_frame_are_no_flood) {
  Flood flood;
  flood.give(flood.request(1, get, true));
  ResponseHead head;
  head.status = 200;
  flood.session->respond(*flood.events.streams[1].stream, head, false);
  for (int i = 0; i < 20'000; ++i) {  // a busy watch of small events
    flood.session->send_body(*flood.events.streams[1].stream, as_bytes("{\"type\":\"ADDED\"}"));
    flood.collect();
    ASSERT_TRUE(flood.give(window_update(0, 16) + window_update(1, 16)));
  }
}

TEST(H2Flood, continuation_cve_2024_27316) {
  Flood flood;
  flood.give(frame(h2::headers, 1, 1, flood.hpack.pack(get)));
  const int n = flood.until_end([](int) {
    return frame(h2::continuation, 0, 1, std::string("\x00\x01", 2) + "x" + "\x01" + "y");
  });
  flood.expect_calm(n, 20, 40);
}

TEST(H2Flood, empty_continuation) {
  Flood flood;
  flood.give(frame(h2::headers, 1, 1, ""));
  flood.expect_calm(flood.until_end([](int) { return frame(h2::continuation, 0, 1, ""); }), 20, 40);
}

TEST(H2Flood, header_block_without_end) {
  Flood flood;
  std::string block = flood.hpack.pack(get);
  const std::string field = std::string("\x00\x01", 2) + "x" + std::string("\x7f\x81\x7d", 3) +
                            std::string(16000 + 0x7f + 1, 'y');
  flood.give(frame(h2::headers, 1, 1, block));
  const int n =
      flood.until_end([&](int) { return frame(h2::continuation, 0, 1, field.substr(0, 16384)); });
  EXPECT_LE(n, 9);
  EXPECT_TRUE(flood.error == SessionError::h2_flood || flood.error == SessionError::h2_compression);
}

TEST(H2Flood, empty_names_cve_2019_9516) {
  Flood flood;
  Fields fields = get;
  for (int i = 0; i < 100; ++i) fields.emplace_back("", "");
  const int n = flood.until_end([&](int i) { return flood.request(id_of(i), fields, true); });
  flood.expect_calm(n, 150, 210);
}

// CVE-2019-9517: windows wide open, the socket never read. What is queued is what the source's
// window let in.
TEST(H2Flood, answers_nobody_reads_stay_within_the_sources_window) {
  Flood flood(false);
  flood.give(
      frame(h2::settings, 0, 0, setting(4, 0x7fffffff)) + window_update(0, 0x7fff0000 - 65535)
  );
  for (int i = 0; i < 250; ++i) flood.give(flood.request(id_of(i), get, true));
  ResponseHead head;
  head.status = 200;
  for (auto& [id, told] : flood.events.streams) {
    flood.session->respond(*told.stream, head, false);
    // An upstream of ours would give this much and then wait for on_sent.
    flood.session->send_body(*told.stream, as_bytes(std::string(1000, 'x')));
  }
  EXPECT_LE(flood.pool.in_use(), 251u);
  const auto sent = [&] {
    std::size_t all = 0;
    for (const auto& [id, told] : flood.events.streams) all += told.sent;
    return all;
  };
  EXPECT_EQ(sent(), 0u);
  flood.collect();
  EXPECT_EQ(sent(), 250'000u);
  EXPECT_EQ(flood.pool.in_use(), 0u);
}

// Requests opened and answered while nothing is read: resets and refusals wait, but not without
// end.
TEST(H2Flood, refusals_nobody_reads) {
  Flood flood(false);
  const int n = flood.until_end([&](int i) {
    flood.now = flood.now + milliseconds(20);  // within every rate
    return flood.request(id_of(i), get, true);
  });
  flood.expect_calm(n, 1000, 1300);
}

TEST(H2Flood, token_bucket_refills_with_time_and_never_above_its_burst) {
  TokenBucket bucket(10, 5, Instant{0});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bucket.take(Instant{0}));
  EXPECT_FALSE(bucket.take(Instant{0}));
  EXPECT_FALSE(bucket.take(Instant{199'999'999}));
  EXPECT_TRUE(bucket.take(Instant{0} + seconds(1)));
  bucket.give(1000);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bucket.take(Instant{0} + seconds(1)));
  EXPECT_FALSE(bucket.take(Instant{0} + seconds(1)));
  EXPECT_TRUE(bucket.take(Instant::never(), 10));
  EXPECT_FALSE(bucket.take(Instant::never()));
}

}  // namespace
}  // namespace gh::http::test
