// SPDX-License-Identifier: Apache-2.0
// Our client against our server, and nghttp2's own client against our server: bytes cut anywhere,
// credit given late, streams reset at any moment. What was said arrives whole or is known to be
// cut; nothing is queued beyond the windows.
#include "base/limits.h"
#include "tests/http/h2_wire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace gh::http::test {
namespace {

using std::chrono::seconds;

std::string body_of(std::size_t seed, std::size_t size) {
  std::string body(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    body[i] = static_cast<char>('a' + (seed * 7 + i * 31 + i / 251) % 26);
  return body;
}

// A whole exchange between the two sessions, driven by a seed.
class Pair {
 public:
  struct Exchange {
    std::size_t number = 0;
    std::string request;  // body to send
    std::string response;
    std::size_t request_given = 0;
    std::size_t response_given = 0;
    bool cut = false;  // reset by one side
    Stream* client = nullptr;
    Stream* server = nullptr;
    std::size_t server_owes = 0;  // body bytes taken and not consumed yet
    std::size_t client_owes = 0;
  };

  explicit Pair(unsigned seed) : random_(seed) {
    server = make_h2_server(server_events, server_pool, {seconds(30), seconds(180), 100}, now);
    client = make_h2_client(client_events, client_pool);
    server_events.request = [this](Stream& stream, RequestHead& head) {
      Exchange& exchange = exchanges.at(std::stoul(head.target.substr(1)));
      exchange.server = &stream;
      stream.user = &exchange;
    };
    server_events.body = [](Stream& stream, ByteView piece) {
      static_cast<Exchange*>(stream.user)->server_owes += piece.size();
    };
    server_events.request_end = [this](Stream& stream) { answer(stream); };
    server_events.closed = [](Stream& stream) {
      static_cast<Exchange*>(stream.user)->server = nullptr;
    };
    client_events.body = [](Stream& stream, ByteView piece) {
      static_cast<Exchange*>(stream.user)->client_owes += piece.size();
    };
    client_events.closed = [](Stream& stream) {
      static_cast<Exchange*>(stream.user)->client = nullptr;
    };
  }

  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }

  void open(std::size_t count) {
    exchanges.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      exchanges[i].number = i;
      exchanges[i].request = body_of(i, pick(3) == 0 ? 0 : pick(pick(2) == 0 ? 600'000 : 2'000));
      exchanges[i].response =
          body_of(i + 1000, pick(3) == 0 ? 0 : pick(pick(2) == 0 ? 600'000 : 2'000));
    }
  }

  // Moves some bytes one way, cut anywhere.
  template <class From, class To>
  bool move(From& from, To& to) {
    std::string bytes(1 + pick(pick(2) == 0 ? 40 : 70'000), '\0');
    bytes.resize(from.produce({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}));
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const std::size_t n = std::min(rest.size(), 1 + pick(20'000));
      EXPECT_TRUE(to.on_plaintext(as_bytes(rest.substr(0, n)), now));
      rest.remove_prefix(n);
    }
    return !bytes.empty();
  }

  void open_next() {
    if (opened_ == exchanges.size() || client->free_streams() == 0) return;
    Exchange& exchange = exchanges[opened_++];
    RequestHead head;
    head.method = "POST";
    head.target = "/" + std::to_string(exchange.number);
    head.authority = "kube";
    head.headers.add("x-number", std::to_string(exchange.number));
    exchange.client = &client->open(head, exchange.request.empty(), &exchange);
  }

  // A source as the proxy is one: it holds at most a window's worth beyond what was sent.
  void feed(Exchange& exchange) {
    if (exchange.client != nullptr && exchange.request_given < exchange.request.size()) {
      const std::size_t sent = client_events.streams[exchange.client->id].sent;
      const std::size_t room = limits::h2_stream_window_bytes - (exchange.request_given - sent);
      const std::size_t n =
          std::min({exchange.request.size() - exchange.request_given, room, 1 + pick(50'000)});
      client->send_body(
          *exchange.client,
          as_bytes(std::string_view(exchange.request).substr(exchange.request_given, n))
      );
      exchange.request_given += n;
      if (exchange.request_given == exchange.request.size())
        client->end_body(*exchange.client, nullptr);
    }
    if (exchange.server != nullptr && server_answered_[exchange.number] &&
        exchange.response_given < exchange.response.size()) {
      const std::size_t sent = server_events.streams[exchange.server->id].sent;
      const std::size_t room = limits::h2_stream_window_bytes - (exchange.response_given - sent);
      const std::size_t n =
          std::min({exchange.response.size() - exchange.response_given, room, 1 + pick(50'000)});
      server->send_body(
          *exchange.server,
          as_bytes(std::string_view(exchange.response).substr(exchange.response_given, n))
      );
      exchange.response_given += n;
      if (exchange.response_given == exchange.response.size())
        server->end_body(*exchange.server, &trailers);
    }
  }

  void consume(Exchange& exchange) {
    if (exchange.server != nullptr && exchange.server_owes > 0) {
      const std::size_t n = 1 + pick(exchange.server_owes);
      server->consumed(*exchange.server, n);
      exchange.server_owes -= n;
    }
    if (exchange.client != nullptr && exchange.client_owes > 0) {
      const std::size_t n = 1 + pick(exchange.client_owes);
      client->consumed(*exchange.client, n);
      exchange.client_owes -= n;
    }
  }

  void answer(Stream& stream) {
    Exchange& exchange = *static_cast<Exchange*>(stream.user);
    ResponseHead head;
    head.status = 200;
    head.headers.add("x-number", std::to_string(exchange.number));
    server->respond(stream, head, exchange.response.empty());
    server_answered_[exchange.number] = true;
  }

  void check_bounds() {
    // What a side may hold: the windows of the streams open, in chunks that may be half empty.
    const std::size_t chunks =
        100 * (limits::h2_stream_window_bytes / limits::chunk_bytes + 2) + 200;
    ASSERT_LE(server_pool.in_use(), chunks);
    ASSERT_LE(client_pool.in_use(), chunks);
    for (const Exchange& exchange : exchanges) {
      ASSERT_LE(exchange.server_owes, limits::h2_stream_window_bytes);
      ASSERT_LE(exchange.client_owes, limits::h2_stream_window_bytes);
    }
  }

  void run(std::size_t count, bool resets) {
    open(count);
    for (std::size_t idle = 0, turns = 0; idle < 50 && turns < 200'000; ++turns) {
      const std::size_t at = pick(count);
      open_next();
      feed(exchanges[at]);
      consume(exchanges[at]);
      if (resets && pick(60) == 0) reset(exchanges[at]);
      bool moved = move(*client, *server);
      moved = move(*server, *client) || moved;
      now = now + std::chrono::milliseconds(5);
      idle =
          moved || client->wants_output() || server->wants_output() || work_left() ? 0 : idle + 1;
      if (turns % 64 == 0) check_bounds();
    }
  }

  bool work_left() const {
    if (opened_ < exchanges.size()) return true;
    return std::any_of(exchanges.begin(), exchanges.end(), [](const Exchange& e) {
      return e.client != nullptr || e.server != nullptr;
    });
  }

  void reset(Exchange& exchange) {
    if (pick(2) == 0 && exchange.client != nullptr) {
      client->reset(*exchange.client, Reset::cancelled);
      exchange.cut = true;
    } else if (exchange.server != nullptr) {
      server->reset(*exchange.server, Reset::internal_error);
      exchange.cut = true;
    }
  }

  Instant now{1'000'000'000};
  BufferPool server_pool;
  BufferPool client_pool;
  ServerRecorder server_events;
  ClientRecorder client_events;
  std::unique_ptr<ServerSession> server;
  std::unique_ptr<ClientSession> client;
  std::vector<Exchange> exchanges;
  HeaderList trailers = [] {
    HeaderList list;
    list.add("x-trailer", "t");
    return list;
  }();

 private:
  std::mt19937 random_;
  std::size_t opened_ = 0;
  std::map<std::size_t, bool> server_answered_;
};

class H2Pair : public testing::TestWithParam<unsigned> {};

TEST_P(H2Pair, every_exchange_arrives_whole) {
  Pair pair(GetParam());
  pair.run(150, false);
  ASSERT_EQ(pair.client_events.streams.size(), 150u);
  for (const auto& [id, told] : pair.client_events.streams) {
    const std::size_t number = (id - 1) / 2;
    ASSERT_EQ(told.closed, 1) << "seed " << GetParam() << " stream " << id << " "
                              << told.log.substr(0, 200);
    EXPECT_EQ(told.why, Reset::none);
    EXPECT_EQ(told.body, pair.exchanges[number].response);
    EXPECT_EQ(told.trailers, pair.exchanges[number].response.empty() ? "(none)" : "x-trailer=t;");
    EXPECT_EQ(told.sent, pair.exchanges[number].request.size());
    const Told& there = pair.server_events.streams[id];
    EXPECT_EQ(there.body, pair.exchanges[number].request);
    EXPECT_EQ(there.why, Reset::none);
    EXPECT_EQ(there.sent, pair.exchanges[number].response.size());
  }
  EXPECT_EQ(pair.server_pool.in_use(), 0u);
  EXPECT_EQ(pair.client_pool.in_use(), 0u);
  EXPECT_EQ(pair.server->open_streams(), 0u);
}

TEST_P(H2Pair, resets_cut_only_their_stream_and_are_known_to_both) {
  Pair pair(GetParam());
  pair.run(150, true);
  std::size_t whole = 0;
  for (const auto& [id, told] : pair.client_events.streams) {
    const Pair::Exchange& exchange = pair.exchanges[(id - 1) / 2];
    ASSERT_EQ(told.closed, 1) << "seed " << GetParam() << " stream " << id;
    if (told.why == Reset::none) {
      ++whole;
      EXPECT_EQ(told.body, exchange.response);  // never a silent cut
    } else {
      EXPECT_TRUE(exchange.cut);
      EXPECT_TRUE(exchange.response.starts_with(told.body));
    }
  }
  for (const auto& [id, told] : pair.server_events.streams) EXPECT_EQ(told.closed, 1);
  EXPECT_GT(whole, 0u);
  EXPECT_EQ(pair.server_pool.in_use(), 0u);
  EXPECT_EQ(pair.client_pool.in_use(), 0u);
  EXPECT_EQ(pair.server->open_streams(), 0u);
  EXPECT_EQ(pair.client->open_streams(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, H2Pair, testing::Range(1u, 9u));

// ---- nghttp2 as the client: what any honest peer does is understood ----

struct Foreign {
  static ssize_t
  read(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t max, std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& rest = *static_cast<std::string_view*>(source->ptr);
    const std::size_t n = std::min(max, rest.size());
    rest.copy(reinterpret_cast<char*>(into), n);
    rest.remove_prefix(n);
    if (rest.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  static int on_chunk(
      nghttp2_session*,
      std::uint8_t,
      std::int32_t id,
      const std::uint8_t* bytes,
      std::size_t size,
      void* user
  ) {
    static_cast<Foreign*>(user)->bodies[id].append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    static_cast<Foreign*>(user)->closed[id] = code;
    return 0;
  }

  std::map<std::int32_t, std::string> bodies;
  std::map<std::int32_t, std::uint32_t> closed;
};

TEST(H2Interop, nghttp2_client_gets_hundreds_of_answers) {
  BufferPool pool;
  ServerRecorder events;
  const Instant now{1};
  auto server = make_h2_server(events, pool, {seconds(30), seconds(180), 250}, now);
  const std::string answer = body_of(1, 100'000);
  events.body = [&](Stream& stream, ByteView piece) { server->consumed(stream, piece.size()); };
  events.request_end = [&](Stream& stream) {
    ResponseHead head;
    head.status = 200;
    head.content_length = answer.size();
    server->respond(stream, head, false);
    server->send_body(stream, as_bytes(answer));
    server->end_body(stream, nullptr);
  };

  Foreign foreign;
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Foreign::on_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Foreign::on_close);
  nghttp2_session* client = nullptr;
  nghttp2_session_client_new(&client, callbacks, &foreign);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, nullptr, 0);

  constexpr int count = 400;  // more than may be open at once: the rest waits for SETTINGS' bound
  const std::string body = body_of(2, 20'000);
  std::vector<std::string_view> sources(count, body);
  Hpack unused;
  for (int i = 0; i < count; ++i) {
    const auto pair = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
          name.size(),
          value.size(),
          NGHTTP2_NV_FLAG_NONE
      };
    };
    const std::array<nghttp2_nv, 4> head{
        pair(":method", "POST"),
        pair(":scheme", "https"),
        pair(":authority", "k"),
        pair(":path", "/x")
    };
    nghttp2_data_provider provider{};
    provider.source.ptr = &sources[static_cast<std::size_t>(i)];
    provider.read_callback = Foreign::read;
    ASSERT_GT(
        nghttp2_submit_request(client, nullptr, head.data(), head.size(), &provider, nullptr), 0
    );
  }
  std::size_t most_open = 0;
  for (bool moved = true; moved;) {
    moved = false;
    const std::uint8_t* out = nullptr;
    for (ssize_t n = 0; (n = nghttp2_session_mem_send(client, &out)) > 0; moved = true) {
      ASSERT_TRUE(server->on_plaintext({out, static_cast<std::size_t>(n)}, now));
      most_open = std::max(most_open, server->open_streams());
    }
    const std::string back = produce_all(*server);
    if (!back.empty()) {
      moved = true;
      ASSERT_EQ(
          nghttp2_session_mem_recv(
              client, reinterpret_cast<const std::uint8_t*>(back.data()), back.size()
          ),
          static_cast<ssize_t>(back.size())
      );
    }
  }
  ASSERT_EQ(foreign.closed.size(), static_cast<std::size_t>(count));
  for (const auto& [id, code] : foreign.closed) {
    EXPECT_EQ(code, 0u);
    EXPECT_EQ(foreign.bodies[id], answer);
    EXPECT_EQ(events.streams[static_cast<std::uint32_t>(id)].body, body);
  }
  EXPECT_LE(most_open, 250u);
  EXPECT_EQ(pool.in_use(), 0u);
  nghttp2_session_del(client);
}

}  // namespace
}  // namespace gh::http::test
