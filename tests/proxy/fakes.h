// SPDX-License-Identifier: Apache-2.0
// Sessions and connections that record what they were told, so that the proxy is tested without
// HTTP or sockets.
#pragma once

#include "dataplane/proxy/exchange.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace gh::proxy::test {

struct FakeStream final : http::Stream {
  std::string body;
  http::RequestHead request;
  http::ResponseHead response;
  bool ended = false;
  bool has_trailers = false;
  std::vector<std::string> trailer_names;
  http::Reset reset = http::Reset::none;
  std::size_t consumed = 0;
};

inline void copy_trailers(FakeStream& stream, const http::HeaderList* trailers) {
  stream.ended = true;
  if (trailers == nullptr) return;
  stream.has_trailers = true;
  for (std::size_t i = 0; i < trailers->size(); ++i)
    stream.trailer_names.emplace_back((*trailers)[i].name);
}

class FakeServer final : public http::ServerSession {
 public:
  http::Version version() const noexcept override { return http::Version::http_2; }

  Result<void, http::SessionError> on_plaintext(ByteView, Instant) override { return {}; }

  Result<void, http::SessionError> on_eof() override { return {}; }

  void on_lost() override {}

  std::size_t produce(MutableBytes) override { return 0; }

  bool wants_output() const noexcept override { return false; }

  Instant next_deadline() const noexcept override { return Instant::never(); }

  Result<void, http::SessionError> on_deadline(Instant) override { return {}; }

  void respond(http::Stream& stream, const http::ResponseHead& head, bool end) override {
    auto& fake = static_cast<FakeStream&>(stream);
    if (head.interim()) {
      interim.push_back(head.status);
      return;
    }
    fake.response = head;
    fake.ended = end;
  }

  void send_body(http::Stream& stream, ByteView piece) override {
    static_cast<FakeStream&>(stream).body += as_text(piece);
  }

  void end_body(http::Stream& stream, const http::HeaderList* trailers) override {
    copy_trailers(static_cast<FakeStream&>(stream), trailers);
  }

  void reset(http::Stream& stream, http::Reset why) override {
    static_cast<FakeStream&>(stream).reset = why;
  }

  void consumed(http::Stream& stream, std::size_t n) override {
    static_cast<FakeStream&>(stream).consumed += n;
  }

  bool reading_paused() const noexcept override { return false; }

  void begin_drain() override {}

  bool finished() const noexcept override { return false; }

  std::size_t open_streams() const noexcept override { return 0; }

  std::vector<int> interim;
};

class FakeClient final : public http::ClientSession {
 public:
  explicit FakeClient(http::Version version, std::size_t streams_free)
      : free(streams_free), version_(version) {}

  http::Version version() const noexcept override { return version_; }

  Result<void, http::SessionError> on_plaintext(ByteView, Instant) override { return {}; }

  Result<void, http::SessionError> on_eof() override { return {}; }

  void on_lost() override {}

  std::size_t produce(MutableBytes) override { return 0; }

  bool wants_output() const noexcept override { return false; }

  std::size_t free_streams() const noexcept override { return free; }

  http::Stream& open(const http::RequestHead& head, bool end, void* user) override {
    --free;
    FakeStream& stream = streams.emplace_back();
    stream.request = head;
    stream.ended = end;
    stream.user = user;
    return stream;
  }

  void send_body(http::Stream& stream, ByteView piece) override {
    static_cast<FakeStream&>(stream).body += as_text(piece);
  }

  void end_body(http::Stream& stream, const http::HeaderList* trailers) override {
    copy_trailers(static_cast<FakeStream&>(stream), trailers);
  }

  void reset(http::Stream& stream, http::Reset why) override {
    static_cast<FakeStream&>(stream).reset = why;
  }

  void consumed(http::Stream& stream, std::size_t n) override {
    static_cast<FakeStream&>(stream).consumed += n;
  }

  bool reading_paused() const noexcept override { return false; }

  void begin_drain() override { drained = true; }

  bool finished() const noexcept override { return false; }

  std::size_t open_streams() const noexcept override { return streams.size(); }

  std::size_t free;
  std::deque<FakeStream> streams;
  bool drained = false;

 private:
  http::Version version_;
};

class FakeLink final : public Link {
 public:
  void mark_dirty() noexcept override { ++dirty; }

  void probe() noexcept override { ++probes; }

  void retire() noexcept override { retired = true; }

  void connect(http::Version version, std::size_t streams_free) {
    client = std::make_unique<FakeClient>(version, streams_free);
    session = client.get();
  }

  std::unique_ptr<FakeClient> client;
  int dirty = 0;
  int probes = 0;
  bool retired = false;
};

class FakeDialer final : public Dialer {
 public:
  Link* dial(std::size_t replica, bool h1_only) noexcept override {
    if (refuse) return nullptr;
    FakeLink& link = links.emplace_back();
    link.replica = replica;
    link.h1_only = h1_only;
    return &link;
  }

  std::deque<FakeLink> links;
  bool refuse = false;
};

// One worker's proxy without its sockets.
struct Bench final : ExchangeHost {
  explicit Bench(std::size_t replicas)
      : ExchangeHost(core_, timers_, buffers_, pool_, metrics_),
        metrics_(replicas),
        pool_(core_, timers_, dialer, metrics_) {}

  void on_done(Exchange&, http::Reset reset) noexcept override {
    ++done;
    last_reset = reset;
  }

  void on_tunnel_open() noexcept override {}

  void on_collected(Exchange&, Collected what) noexcept override { collected.push_back(what); }

  void advance(Duration by) {
    core_.set_now(core_.now() + by, {});
    timers_.expire(core_.now());
  }

  FakeLink& ready(
      std::size_t at, http::Version version = http::Version::http_2, std::size_t free = 100
  ) {
    dialer.links[at].connect(version, free);
    pool_.on_link_ready(dialer.links[at]);
    return dialer.links[at];
  }

  Core core_{CoreId{0}};
  TimerWheel timers_{Instant{}};
  BufferPool buffers_;
  std::vector<ReplicaMetrics> metrics_;
  FakeDialer dialer;
  UpstreamPool pool_;
  int done = 0;
  std::vector<Collected> collected;
  http::Reset last_reset = http::Reset::none;
};

}  // namespace gh::proxy::test
