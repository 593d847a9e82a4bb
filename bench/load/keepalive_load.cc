// SPDX-License-Identifier: Apache-2.0
// Keep-alive GETs over mutual TLS, one thread: N connections, each with M requests under way, until
// a count is reached. Prints requests, errors and rate. Written on the project's own road, TLS
// engine and HTTP sessions.
#include "dataplane/http/session.h"
#include "dataplane/net/byte_stream.h"
#include "tls/context.h"
#include "tls/engine.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

namespace gh::load {
namespace {

struct Options {
  std::string target = "127.0.0.1:8443";
  std::string server_name = "localhost";
  std::string ca, cert, key;
  std::string path = "/";
  bool h2 = false;
  std::size_t connections = 32;
  std::size_t streams = 1;
  std::uint64_t requests = 10'000;
  std::string road = "uring";
};

struct Totals {
  std::uint64_t begun = 0;
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
  std::uint64_t bytes = 0;
};

class Client final : public net::StreamHandler, public http::ClientEvents {
 public:
  Client(const Options& options, Totals& totals, BufferPool& pool, tls::ClientContext& context)
      : options_(options), totals_(totals), pool_(pool), context_(context) {
    head_.method = "GET";
    head_.target = options.path;
    head_.scheme = "https";
    head_.authority = options.server_name;
    head_.headers.add("user-agent", "gatehouse-load");
    head_.headers.add("accept", "application/json");
  }

  void pump() {
    if (http_ == nullptr || stream_ == nullptr) return;
    while (http_->open_streams() < options_.streams && http_->free_streams() > 0 &&
           totals_.begun < options_.requests) {
      ++totals_.begun;
      http_->open(head_, true, nullptr);
    }
    std::uint8_t piece[16'384];
    while (http_->wants_output()) {
      const std::size_t n = http_->produce(piece);
      if (n == 0 || !tls_->write({piece, n})) break;
    }
    if (!stream_->out().empty()) stream_->flush();
  }

 private:
  void on_connected(net::Stream& stream) noexcept override {
    stream_ = &stream;
    tls_ = tls::Engine::make_client(context_, stream.out());
    (void)tls_->on_ciphertext({}, wall_now());
    stream.flush();
  }

  void on_bytes(net::Stream& stream, ByteView bytes) noexcept override {
    if (!tls_->on_ciphertext(bytes, wall_now())) return give_up(stream);
    if (http_ == nullptr && tls_->established()) {
      http_ = tls_->alpn() == tls::Alpn::h2 ? http::make_h2_client(*this, pool_)
                                            : http::make_h1_client(*this, pool_);
    }
    std::uint8_t piece[16'384];
    while (http_ != nullptr) {
      const auto n = tls_->read(piece);
      if (!n) return give_up(stream);
      if (*n == 0) break;
      if (!http_->on_plaintext({piece, *n}, monotonic_now())) return give_up(stream);
    }
    pump();
    if (!stream.out().empty()) stream.flush();
  }

  void give_up(net::Stream& stream) {
    std::fprintf(stderr, "connection failed: %s\n", tls_->error_text().c_str());
    totals_.begun = options_.requests;
    ++totals_.bad;
    stream.abort();
  }

  void on_end(net::Stream& stream) noexcept override { stream.close(); }

  void on_send_room(net::Stream&) noexcept override {}

  void on_closed(net::Stream&, net::StreamError) noexcept override {
    stream_ = nullptr;
    if (http_ != nullptr) http_->on_lost();
  }

  void on_response(http::Stream&, http::ResponseHead& head) override { status_ = head.status; }

  void on_body(http::Stream& stream, ByteView body) override {
    totals_.bytes += body.size();
    http_->consumed(stream, body.size());
  }

  void on_response_end(http::Stream&, const http::HeaderList*) override {}

  void on_tunnel_bytes(http::Stream&, ByteView) override {}

  void on_tunnel_end(http::Stream&) override {}

  void on_sent(http::Stream&, std::size_t) override {}

  void on_closed(http::Stream&, http::Reset reset) override {
    ++(reset == http::Reset::none && status_ == 200 ? totals_.good : totals_.bad);
  }

  void on_capacity() override {}

  const Options& options_;
  Totals& totals_;
  BufferPool& pool_;
  tls::ClientContext& context_;
  http::RequestHead head_;
  net::Stream* stream_ = nullptr;
  std::unique_ptr<tls::Engine> tls_;
  std::unique_ptr<http::ClientSession> http_;
  int status_ = 0;
};

Outcome<Totals> run(const Options& options) {
  tls::ClientSettings settings;
  GH_TRY(settings.trust, tls::TrustStore::load(options.ca));
  GH_TRY(settings.certificate, tls::load_key_pair(options.cert, options.key));
  settings.server_name = options.server_name;
  settings.alpn = {options.h2 ? tls::Alpn::h2 : tls::Alpn::http_1_1};
  GH_TRY(const auto context, tls::ClientContext::make(settings, wall_now()));
  GH_TRY(const auto endpoint, net::Endpoint::parse(options.target));
  Totals totals;
  BufferPool pool;
  std::vector<std::unique_ptr<Client>> clients;
  GH_TRY(
      const auto road,
      net::make_road(options.road == "epoll" ? net::RoadKind::epoll : net::RoadKind::uring, pool)
  );
  for (std::size_t i = 0; i < options.connections; ++i) {
    clients.push_back(std::make_unique<Client>(options, totals, pool, *context));
    road->connect(endpoint, *clients.back());
  }
  const Instant give_up = monotonic_now() + std::chrono::seconds(120);
  while (totals.good + totals.bad < options.requests && road->open_streams() > 0 &&
         monotonic_now() < give_up) {
    road->submit();
    road->wait(monotonic_now(), monotonic_now() + std::chrono::milliseconds(100));
  }
  return totals;
}

}  // namespace
}  // namespace gh::load

int main(int argc, char** argv) {
  gh::load::Options options;
  CLI::App app("Keep-alive GETs over mutual TLS");
  app.add_option("--connect", options.target, "ADDRESS:PORT");
  app.add_option("--server-name", options.server_name, "name to verify and to send as SNI");
  app.add_option("--ca", options.ca, "CA bundle for the server")->required();
  app.add_option("--cert", options.cert, "client certificate")->required();
  app.add_option("--key", options.key, "its key")->required();
  app.add_option("--path", options.path, "request target");
  app.add_flag("--h2", options.h2, "HTTP/2 instead of HTTP/1.1");
  app.add_option("--connections", options.connections, "connections");
  app.add_option("--streams", options.streams, "requests under way on each (HTTP/2)");
  app.add_option("--requests", options.requests, "requests in all");
  app.add_option("--road", options.road, "uring or epoll");
  CLI11_PARSE(app, argc, argv);
  const auto begin = gh::monotonic_now();
  const auto totals = gh::load::run(options);
  if (!totals) {
    std::fprintf(stderr, "%s\n", totals.error().to_string().c_str());
    return 2;
  }
  const double seconds = static_cast<double>((gh::monotonic_now() - begin).count()) / 1e9;
  std::printf(
      "{\"requests\":%llu,\"good\":%llu,\"bad\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"rate\":%.0f}"
      "\n",
      static_cast<unsigned long long>(totals->good + totals->bad),
      static_cast<unsigned long long>(totals->good),
      static_cast<unsigned long long>(totals->bad),
      static_cast<unsigned long long>(totals->bytes),
      seconds,
      static_cast<double>(totals->good) / seconds
  );
  return totals->bad == 0 && totals->good >= options.requests ? 0 : 1;
}
