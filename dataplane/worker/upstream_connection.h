// SPDX-License-Identifier: Apache-2.0
// One connection to an API server: stream, TLS with our own client certificate, HTTP session. The
// pool decides who uses it. Owner: one core.
//
//   connecting → handshaking → ready → closing → (buried)
#pragma once

#include "base/timer_wheel.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/upstream_pool.h"
#include "dataplane/worker/core_state.h"
#include "dataplane/worker/transport.h"

#include <memory>
#include <string>

namespace gh::worker {

class UpstreamConnection final : public Connection, public http::ClientEvents, public proxy::Link {
 public:
  UpstreamConnection(
      CoreState& state, proxy::UpstreamPool& pool, std::size_t to_replica, bool for_upgrade
  );

  // Starts it; false when no socket could be made (then delete it).
  bool connect() noexcept;
  void retire() noexcept override;

  void mark_dirty() noexcept override { state_.mark_dirty(*this); }

  void on_crypto_done() noexcept override { mark_dirty(); }

  void probe() noexcept override;

 private:
  enum class State : std::uint8_t { connecting, handshaking, ready, closing };

  // net
  void on_connected(net::Stream& stream) noexcept override;
  void on_bytes(net::Stream& stream, ByteView bytes) noexcept override;
  void on_end(net::Stream& stream) noexcept override;
  void on_send_room(net::Stream& stream) noexcept override;
  void on_closed(net::Stream& stream, net::StreamError error) noexcept override;
  // http
  void on_response(http::Stream& stream, http::ResponseHead& head) override;
  void on_body(http::Stream& stream, ByteView piece) override;
  void on_response_end(http::Stream& stream, const http::HeaderList* trailers) override;
  void on_tunnel_bytes(http::Stream& stream, ByteView piece) override;
  void on_tunnel_end(http::Stream& stream) override;
  void on_sent(http::Stream& stream, std::size_t body_bytes) override;
  void on_closed(http::Stream& stream, http::Reset reset) override;
  void on_capacity() override;

  void service() noexcept override;
  void on_timer() noexcept;
  void advance(PumpEnd end);  // what was taken in moves it on
  void on_handshake_done();
  void announce();
  void on_pump_end(PumpEnd end);
  void start_closing();
  void fail_or_close(const std::string& why);
  void say(LogLevel level, const std::string& what);

  const proxy::Replica& replica_settings() const { return state_.settings.replicas[replica]; }

  CoreState& state_;
  proxy::UpstreamPool& pool_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<http::ClientSession> http_;
  Timer timer_;
  State phase_ = State::connecting;
  bool announced_ = false;      // on_link_ready was said
  bool known_to_pool_ = false;  // on_link_ready was said and on_link_closed not yet
  http::Stream* probe_ = nullptr;
  int probe_status_ = 0;
};

}  // namespace gh::worker
