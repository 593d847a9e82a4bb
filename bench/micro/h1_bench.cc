// SPDX-License-Identifier: Apache-2.0
// One warm keep-alive exchange through an HTTP/1.1 session: bytes of the request in, bytes of the
// answer out.
#include "base/assert.h"
#include "base/buffer_pool.h"
#include "dataplane/http/session.h"

#include <benchmark/benchmark.h>

#include <string>

namespace gh::http {
namespace {

// What client-go sends for a GET, and an API server's answer of 1 KiB.
constexpr std::string_view request_bytes =
    "GET /api/v1/namespaces/default/pods/web-7d4b9c6f5-x2x8k HTTP/1.1\r\n"
    "Host: 10.96.0.1:443\r\n"
    "User-Agent: kube-controller-manager/v1.36.3 (linux/amd64) kubernetes/abcdef0\r\n"
    "Accept: application/vnd.kubernetes.protobuf,application/json\r\n"
    "Accept-Encoding: gzip\r\n"
    "X-Request-Id: 0f8c2f3e-8a33-4f0c-9d6d-1a2b3c4d5e6f\r\n"
    "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    "Cache-Control: no-cache\r\n"
    "Kubectl-Command: kubectl get\r\n"
    "Kubectl-Session: 7b2e4c1a-52c7-4a58-9d13-2f6d0d5b7c11\r\n"
    "\r\n";

constexpr std::string_view response_fields =
    "Audit-Id: 3f2b8f54-7d4d-4a9e-8f0a-5f2f3c9f1d7e\r\n"
    "Cache-Control: no-cache, private\r\n"
    "Content-Type: application/vnd.kubernetes.protobuf\r\n"
    "X-Kubernetes-Pf-Flowschema-Uid: 5d3f8f0e-1b7c-4c5c-a1d5-8a7e4f0f3c11\r\n"
    "X-Kubernetes-Pf-Prioritylevel-Uid: 0d9a9b9e-6e6a-4f5a-b3a3-4c1f1d2e3f44\r\n"
    "Date: Tue, 15 Nov 2026 08:12:31 GMT\r\n";

class Server final : public ServerEvents {
 public:
  Server()
      : body(1024, 'x'),
        session(make_h1_server(
            *this, pool, {std::chrono::seconds(30), std::chrono::seconds(180), 1}, Instant{0}
        )) {
    answer.status = 200;
    answer.content_length = body.size();
    answer.headers.add("audit-id", "3f2b8f54-7d4d-4a9e-8f0a-5f2f3c9f1d7e");
    answer.headers.add("cache-control", "no-cache, private");
    answer.headers.add("content-type", "application/vnd.kubernetes.protobuf");
    answer.headers.add("x-kubernetes-pf-flowschema-uid", "5d3f8f0e-1b7c-4c5c-a1d5-8a7e4f0f3c11");
    answer.headers.add("x-kubernetes-pf-prioritylevel-uid", "0d9a9b9e-6e6a-4f5a-b3a3-4c1f1d2e3f44");
    answer.headers.add("date", "Tue, 15 Nov 2026 08:12:31 GMT");
  }

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

  BufferPool pool;
  ResponseHead answer;
  std::string body;
  std::size_t closed = 0;
  std::unique_ptr<ServerSession> session;
};

void server_exchange(benchmark::State& state) {
  Server server;
  static std::uint8_t out[16'384];
  for (auto _ : state) {
    GH_ASSERT(server.session->on_plaintext(as_bytes(request_bytes), Instant{1}).has_value());
    std::size_t n = 0;
    while (server.session->wants_output()) n += server.session->produce(out);
    benchmark::DoNotOptimize(n);
  }
  GH_ASSERT(server.closed == static_cast<std::size_t>(state.iterations()));
}

BENCHMARK(server_exchange);

class Client final : public ClientEvents {
 public:
  Client() : session(make_h1_client(*this, pool)) {
    request.method = "GET";
    request.target = "/api/v1/namespaces/default/pods/web-7d4b9c6f5-x2x8k";
    request.authority = "10.96.0.1:443";
    request.headers.add(
        "user-agent", "kube-controller-manager/v1.36.3 (linux/amd64) kubernetes/abcdef0"
    );
    request.headers.add("accept", "application/vnd.kubernetes.protobuf,application/json");
    request.headers.add("accept-encoding", "gzip");
    request.headers.add("x-remote-user", "system:kube-controller-manager");
    request.headers.add("x-remote-group", "system:authenticated");
    request.headers.add("x-forwarded-for", "10.0.0.17");
  }

  void on_response(Stream&, ResponseHead&) override {}

  void on_body(Stream& stream, ByteView piece) override { session->consumed(stream, piece.size()); }

  void on_response_end(Stream&, const HeaderList*) override {}

  void on_tunnel_bytes(Stream&, ByteView) override {}

  void on_tunnel_end(Stream&) override {}

  void on_sent(Stream&, std::size_t) override {}

  void on_closed(Stream&, Reset) override { ++closed; }

  void on_capacity() override {}

  BufferPool pool;
  RequestHead request;
  std::size_t closed = 0;
  std::unique_ptr<ClientSession> session;
};

void client_exchange(benchmark::State& state) {
  Client client;
  const std::string answer = "HTTP/1.1 200 OK\r\n" + std::string(response_fields) +
                             "Content-Length: 1024\r\n\r\n" + std::string(1024, 'x');
  static std::uint8_t out[16'384];
  for (auto _ : state) {
    client.session->open(client.request, true, nullptr);
    std::size_t n = 0;
    while (client.session->wants_output()) n += client.session->produce(out);
    benchmark::DoNotOptimize(n);
    GH_ASSERT(client.session->on_plaintext(as_bytes(answer), Instant{1}).has_value());
  }
  GH_ASSERT(client.closed == static_cast<std::size_t>(state.iterations()));
}

BENCHMARK(client_exchange);

}  // namespace
}  // namespace gh::http
