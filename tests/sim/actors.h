// SPDX-License-Identifier: Apache-2.0
// Who lives around the gate in the simulator: clients that check every answer, and an API server
// that checks every request. Both speak real TLS and real HTTP through the project's own engines
// and sessions.
#pragma once

#include "dataplane/http/session.h"
#include "dataplane/net/byte_stream.h"
#include "tests/support/sim_net.h"
#include "tls/context.h"
#include "tls/engine.h"

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gh::test {

// TLS over a simulated stream, and the pumps to a session.
class Wire {
 public:
  void attach(net::Stream& stream, std::unique_ptr<tls::Engine> engine);
  bool take(ByteView bytes, UnixTime now);  // false: TLS failed

  template <class Session>
  bool pump(Session& session, Instant now) {
    std::uint8_t piece[8192];
    while (!session.reading_paused()) {
      const auto n = tls->read(piece);
      if (!n) return false;
      if (*n == 0) break;
      if (!session.on_plaintext({piece, *n}, now)) return false;
    }
    while (stream != nullptr && !stream->above_high() && session.wants_output()) {
      const std::size_t n = session.produce(piece);
      if (n == 0 || !tls->write({piece, n})) break;
    }
    if (stream == nullptr) return true;
    stream->flush();
    session.reading_paused() ? stream->pause_read() : stream->resume_read();
    return true;
  }

  net::Stream* stream = nullptr;
  std::unique_ptr<tls::Engine> tls;
};

// One request and what must come of it.
struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body;
  bool allowed = true;   // by the policy
  bool dies = false;     // the upstream breaks off its answer: it must never look whole
  bool abandon = false;  // the client resets it midway
  // filled in
  int status = 0;
  std::string answer;
  bool ended = false;
  bool closed = false;
  http::Reset reset = http::Reset::none;
};

std::string expected_answer(const std::string& user, const Ask& ask);

class SimClient final : public net::StreamHandler, public http::ClientEvents {
 public:
  SimClient(
      SimNet& net,
      net::Road& road,
      const net::Endpoint& gate,
      BufferPool& pool,
      tls::ClientContext& context,
      std::string user,
      std::vector<Ask> asks
  );

  void step();  // once a turn
  bool done() const;

  const std::vector<Ask>& asks() const { return asks_; }

  const std::string& user() const { return user_; }

  std::size_t connections() const { return connections_; }

 private:
  void on_connected(net::Stream& stream) noexcept override;
  void on_bytes(net::Stream& stream, ByteView bytes) noexcept override;
  void on_end(net::Stream& stream) noexcept override;

  void on_send_room(net::Stream&) noexcept override {}

  void on_closed(net::Stream& stream, net::StreamError error) noexcept override;
  void on_response(http::Stream& stream, http::ResponseHead& head) override;
  void on_body(http::Stream& stream, ByteView piece) override;
  void on_response_end(http::Stream& stream, const http::HeaderList* trailers) override;

  void on_tunnel_bytes(http::Stream&, ByteView) override {}

  void on_tunnel_end(http::Stream&) override {}

  void on_sent(http::Stream&, std::size_t) override {}

  void on_closed(http::Stream& stream, http::Reset reset) override;

  void on_capacity() override {}

  void lose();

  SimNet& net_;
  net::Road& road_;
  net::Endpoint gate_;
  BufferPool& pool_;
  tls::ClientContext& context_;
  std::string user_;
  std::vector<Ask> asks_;
  std::size_t next_ = 0;
  std::size_t connections_ = 0;
  Wire wire_;
  std::unique_ptr<http::ClientSession> http_;
  std::vector<std::unique_ptr<http::ClientSession>> old_sessions_;

  struct Owed {
    http::Stream* stream = nullptr;
    std::size_t bytes = 0;
  };

  std::map<std::uint32_t, Owed> owed_;  // by stream id: body bytes read but not yet credited
  bool connecting_ = false;
};

class SimUpstream final : public net::AcceptHandler {
 public:
  SimUpstream(SimNet& net, BufferPool& pool, tls::ServerContext& context);
  ~SimUpstream();

  void step();
  net::StreamHandler* on_accept(net::Stream& stream) noexcept override;
  std::vector<std::string> complaints;  // what should never have arrived
  std::size_t requests = 0;
  std::size_t connections = 0;

 private:
  class Peer;
  SimNet& net_;
  BufferPool& pool_;
  tls::ServerContext& context_;
  std::list<std::unique_ptr<Peer>> peers_;
};

}  // namespace gh::test
