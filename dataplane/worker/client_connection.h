// SPDX-License-Identifier: Apache-2.0
// One client: its stream, TLS, HTTP session, and who it is. Requests go to the pipeline; everything
// else about the connection (handshake, timeouts, draining, the end) is here. Owner: one core.
//
//   handshaking → open → closing → (buried)
#pragma once

#include "base/timer_wheel.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/worker/caller.h"
#include "dataplane/worker/core_state.h"
#include "dataplane/worker/transport.h"

#include <memory>
#include <string>

namespace gh::worker {

class Pipeline;

class ClientConnection final : public Connection, public http::ServerEvents, public proxy::DownLeg {
 public:
  ClientConnection(CoreState& state, Pipeline& pipeline, net::Stream& stream);
  ~ClientConnection();

  void begin_drain() noexcept;
  void abort() noexcept;

  Caller& caller() noexcept { return caller_; }

  const std::string& peer_ip() const noexcept { return peer_ip_; }

  tls::Engine& tls() noexcept { return *transport_.tls(); }

  // Of the worker's list of clients.
  ClientConnection* next_client = nullptr;
  ClientConnection* prev_client = nullptr;

 private:
  enum class State : std::uint8_t { handshaking, open, closing };

  // net
  void on_connected(net::Stream& stream) noexcept override;
  void on_bytes(net::Stream& stream, ByteView bytes) noexcept override;
  void on_end(net::Stream& stream) noexcept override;
  void on_send_room(net::Stream& stream) noexcept override;
  void on_closed(net::Stream& stream, net::StreamError error) noexcept override;
  // http
  void on_request(http::Stream& stream, http::RequestHead& head) override;
  void on_body(http::Stream& stream, ByteView piece) override;
  void on_request_end(http::Stream& stream, const http::HeaderList* trailers) override;
  void on_tunnel_bytes(http::Stream& stream, ByteView piece) override;
  void on_tunnel_end(http::Stream& stream) override;
  void on_sent(http::Stream& stream, std::size_t body_bytes) override;
  void on_closed(http::Stream& stream, http::Reset reset) override;

  void mark_dirty() noexcept override { state_.mark_dirty(*this); }

  void on_crypto_done() noexcept override { mark_dirty(); }

  void service() noexcept override;
  void on_timer() noexcept;
  void advance(PumpEnd end);  // what was taken in moves it on
  void on_handshake_done();
  void on_pump_end(PumpEnd end);
  void handshake_failed(tls::TlsError error, const std::string& why);
  void lose_session();
  void start_closing();
  void arm_deadline();

  CoreState& state_;
  Pipeline& pipeline_;
  Transport transport_;
  std::unique_ptr<http::ServerSession> http_;
  Timer timer_;
  State phase_ = State::handshaking;
  bool draining_ = false;
  Instant accepted_;
  std::string peer_ip_;
  Caller caller_;
};

}  // namespace gh::worker
