// SPDX-License-Identifier: Apache-2.0
// One GET with a 1 KiB answer through an HTTP/2 session, in memory: what the protocol costs without
// TLS and sockets. The peer's frames are ready made (HPACK as a warm client writes it), so only the
// session is measured.
#include "dataplane/http/session.h"
#include "tests/http/h2_frame.h"

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <string>

namespace {

using namespace gh;
using namespace gh::http;
using gh::http::test::frame;

constexpr std::size_t body_bytes = 1024;

void set_stream(std::string& bytes, std::size_t at, std::uint32_t stream) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + 5 + i] = static_cast<char>(stream >> (24 - 8 * i));
}

std::string indexed(
    std::string_view name, std::string_view value
) {  // literal, into the dynamic table
  std::string out("\x40", 1);
  out += static_cast<char>(name.size());
  out += name;
  out += static_cast<char>(value.size());
  return out.append(value);
}

std::string window_update(std::uint32_t stream, std::uint32_t by) {
  std::string payload;
  for (int shift = 24; shift >= 0; shift -= 8) payload += static_cast<char>(by >> shift);
  return frame(8, 0, stream, payload);
}

class Owner : public ServerEvents {
 public:
  std::unique_ptr<ServerSession> session;
  ResponseHead answer;
  std::string body = std::string(body_bytes, 'x');
  std::size_t closed = 0;

  void on_request(Stream&, RequestHead&) override {}

  void on_body(Stream&, ByteView) override {}

  void on_request_end(Stream& stream, const HeaderList*) override {
    session->respond(stream, answer, false);
    session->send_body(stream, as_bytes(body));
    session->end_body(stream, nullptr);
  }

  void on_tunnel_bytes(Stream&, ByteView) override {}

  void on_tunnel_end(Stream&) override {}

  void on_sent(Stream&, std::size_t) override {}

  void on_closed(Stream&, Reset) override { ++closed; }
};

void answer_fields(HeaderList& headers) {
  headers.add("audit-id", "3f1c2b1e-0000-4000-8000-123456789abc");
  headers.add("cache-control", "no-cache, private");
  headers.add("content-type", "application/json");
  headers.add("date", "Tue, 24 Nov 2026 06:00:00 GMT");
  headers.add("x-kubernetes-pf-flowschema-uid", "8c8b8f6e-1111-4222-8333-123456789abc");
  headers.add("x-kubernetes-pf-prioritylevel-uid", "4d1a2b3c-1111-4222-8333-123456789abc");
}

void server_get_1k(benchmark::State& state) {
  BufferPool pool;
  Owner owner;
  Instant now{1'000'000'000};
  owner.session =
      make_h2_server(owner, pool, {std::chrono::seconds(30), std::chrono::seconds(180), 250}, now);
  owner.answer.status = 200;
  owner.answer.content_length = body_bytes;
  answer_fields(owner.answer.headers);

  const std::string window("\0\x04\x7f\xff\xff\xff", 6);
  std::string hello =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, window) + frame(4, 1, 0, "");
  const std::string path("\x04\x1e/api/v1/namespaces/default/pod", 32);
  hello += frame(
      1,
      5,
      1,
      "\x82\x87" + path + indexed(":authority", "kube.example:6443") +
          indexed("accept", "application/json") +
          indexed("user-agent", "kubectl/v1.36.3 (linux/amd64) kubernetes/abcdef0")
  );
  std::array<std::uint8_t, 64 * 1024> out;
  (void)owner.session->on_plaintext(as_bytes(hello), now);
  while (owner.session->produce(out) > 0) {
  }

  std::string request = frame(1, 5, 3, "\x82\x87" + path + "\xc0\xbf\xbe");
  const std::string credit = window_update(0, 1000 * body_bytes);
  (void)owner.session->on_plaintext(as_bytes(window_update(0, 1 << 30)), now);
  std::uint32_t id = 3;
  for (auto _ : state) {
    set_stream(request, 0, id);
    now.ns += 1000;
    (void)owner.session->on_plaintext(as_bytes(request), now);
    benchmark::DoNotOptimize(owner.session->produce(out));
    if (id % 2000 == 1) (void)owner.session->on_plaintext(as_bytes(credit), now);
    id += 2;
  }
  if (owner.closed != (id - 1) / 2) state.SkipWithError("not every request was answered");
}

class Asker : public ClientEvents {
 public:
  std::unique_ptr<ClientSession> session;
  std::size_t answered = 0;

  void on_response(Stream&, ResponseHead&) override {}

  void on_body(Stream& stream, ByteView piece) override { session->consumed(stream, piece.size()); }

  void on_response_end(Stream&, const HeaderList*) override { ++answered; }

  void on_tunnel_bytes(Stream&, ByteView) override {}

  void on_tunnel_end(Stream&) override {}

  void on_sent(Stream&, std::size_t) override {}

  void on_closed(Stream&, Reset) override {}

  void on_capacity() override {}
};

void client_get_1k(benchmark::State& state) {
  BufferPool pool;
  Asker asker;
  Instant now{1'000'000'000};
  asker.session = make_h2_client(asker, pool);
  RequestHead head;
  head.method = "GET";
  head.target = "/api/v1/namespaces/default/pod";
  head.scheme = "https";
  head.authority = "10.0.0.1:6443";
  head.headers.add("accept", "application/json");
  head.headers.add("user-agent", "kubectl/v1.36.3 (linux/amd64) kubernetes/abcdef0");
  head.headers.add("x-forwarded-for", "10.1.2.3");
  head.headers.add("x-remote-user", "alice");
  head.headers.add("x-remote-group", "developers");
  head.headers.add("x-remote-group", "system:authenticated");

  std::array<std::uint8_t, 64 * 1024> out;
  (void)asker.session->produce(out);
  (void)asker.session->on_plaintext(as_bytes(frame(4, 0, 0, "") + frame(4, 1, 0, "")), now);
  const auto first = asker.session->open(head, true, nullptr).id;
  (void)asker.session->produce(out);
  HeaderList fields;
  answer_fields(fields);
  std::string block = "\x88";
  for (std::size_t i = 0; i < fields.size(); ++i) block += indexed(fields[i].name, fields[i].value);
  (void)asker.session->on_plaintext(as_bytes(frame(1, 5, first, block)), now);

  std::string answer =
      frame(1, 4, 3, std::string("\x88\x0f\x0d\x04", 4) + "1024\xc3\xc2\xc1\xc0\xbf\xbe");
  const std::size_t data_at = answer.size();
  answer += frame(0, 1, 3, std::string(body_bytes, 'x'));
  for (auto _ : state) {
    Stream& stream = asker.session->open(head, true, nullptr);
    benchmark::DoNotOptimize(asker.session->produce(out));
    set_stream(answer, 0, stream.id);
    set_stream(answer, data_at, stream.id);
    now.ns += 1000;
    if (!asker.session->on_plaintext(as_bytes(answer), now))
      return state.SkipWithError("connection lost");
  }
  if (asker.answered != static_cast<std::size_t>(state.iterations()) + 1)
    state.SkipWithError("not every request was answered");
}

BENCHMARK(server_get_1k);
BENCHMARK(client_get_1k);

}  // namespace
