// SPDX-License-Identifier: Apache-2.0
// A warm keep-alive exchange allocates nothing, on either side.
#include "base/buffer_pool.h"
#include "dataplane/http/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t n) {
  ++allocations;
  if (void* at = std::malloc(n)) return at;
  throw std::bad_alloc();
}

void operator delete(void* at) noexcept { std::free(at); }

void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace gh::http {
namespace {

class Answering final : public ServerEvents {
 public:
  Answering() : body(1024, 'x') { answer.status = 200; }

  void on_request(Stream&, RequestHead&) override {}

  void on_body(Stream& stream, ByteView piece) override { session->consumed(stream, piece.size()); }

  void on_request_end(Stream& stream, const HeaderList*) override {
    session->respond(stream, answer, false);
    session->send_body(stream, as_bytes(body));
    session->end_body(stream, nullptr);
  }

  void on_tunnel_bytes(Stream&, ByteView) override {}

  void on_tunnel_end(Stream&) override {}

  void on_sent(Stream&, std::size_t) override {}

  void on_closed(Stream&, Reset) override { ++closed; }

  BufferPool pool;
  ResponseHead answer;
  std::string body;
  std::size_t closed = 0;
  std::unique_ptr<ServerSession> session = make_h1_server(
      *this, pool, {std::chrono::seconds(30), std::chrono::seconds(180), 1}, Instant{0}
  );
};

class Asking final : public ClientEvents {
 public:
  void on_response(Stream&, ResponseHead&) override {}

  void on_body(Stream& stream, ByteView piece) override { session->consumed(stream, piece.size()); }

  void on_response_end(Stream&, const HeaderList*) override {}

  void on_tunnel_bytes(Stream&, ByteView) override {}

  void on_tunnel_end(Stream&) override {}

  void on_sent(Stream&, std::size_t) override {}

  void on_closed(Stream&, Reset) override { ++closed; }

  void on_capacity() override {}

  BufferPool pool;
  std::size_t closed = 0;
  std::unique_ptr<ClientSession> session = make_h1_client(*this, pool);
};

TEST(H1Allocation, a_warm_exchange_through_both_sides_has_none) {
  Answering server;
  Asking client;
  RequestHead request;
  request.method = "POST";
  request.target = "/api/v1/namespaces/default/pods/a-pod-with-a-long-name";
  request.authority = "10.96.0.1:443";
  request.content_length = 5;
  for (int i = 0; i < 10; ++i)
    request.headers.add("x-header-number", "with a value of some length " + std::to_string(i));
  std::uint8_t wire[8192];
  std::size_t warm = 0;
  for (int i = 0; i < 10; ++i) {
    if (i == 5) warm = allocations;
    Stream& stream = client.session->open(request, false, nullptr);
    client.session->send_body(stream, as_bytes("hello"));
    client.session->end_body(stream, nullptr);
    std::size_t n = client.session->produce(wire);
    ASSERT_TRUE(server.session->on_plaintext({wire, n}, Instant{1}));
    n = server.session->produce(wire);
    ASSERT_TRUE(client.session->on_plaintext({wire, n}, Instant{1}));
  }
  EXPECT_EQ(allocations, warm);
  EXPECT_EQ(server.closed, 10u);
  EXPECT_EQ(client.closed, 10u);
}

}  // namespace
}  // namespace gh::http
