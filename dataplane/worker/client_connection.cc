// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/client_connection.h"

#include "base/assert.h"
#include "dataplane/worker/pipeline.h"

namespace gh::worker {
namespace {

proxy::Exchange& exchange_of(http::Stream& stream) {
  return *static_cast<proxy::Exchange*>(stream.user);
}

}  // namespace

ClientConnection::ClientConnection(CoreState& state, Pipeline& pipeline, net::Stream& stream)
    : state_(state),
      pipeline_(pipeline),
      transport_(state, stream),
      timer_(this, [](void* self) noexcept { static_cast<ClientConnection*>(self)->on_timer(); }),
      accepted_(state.core.now()),
      peer_ip_(stream.peer().ip()) {
  const TlsSnapshot& snapshot = *state.shared.tls.read();
  tls::ServerContext& context = *snapshot.server[state.core.id().value];
  transport_.set_tls(
      tls::Engine::make_server(context, stream.out(), &state.identities, {&state.crypto, this})
  );
  state_.timers.arm(timer_, accepted_ + state_.settings.handshake_timeout);
  state_.metrics.connections_open.add();
}

ClientConnection::~ClientConnection() { state_.metrics.connections_open.sub(); }

// ---- bytes ----

void ClientConnection::on_connected(net::Stream&) noexcept {}

void ClientConnection::on_bytes(net::Stream&, ByteView bytes) noexcept {
  if (phase_ == State::closing) return;
  state_.metrics.bytes_in.add(bytes.size());
  advance(transport_.take(bytes));
  mark_dirty();
}

void ClientConnection::advance(PumpEnd end) {
  if (end == PumpEnd::open && phase_ == State::handshaking && transport_.tls()->established())
    on_handshake_done();
  if (end == PumpEnd::open && phase_ == State::open) end = transport_.pump_in(*http_);
  // At once, not when it is served: an end behind bytes that the session does not take now must
  // wait.
  if (end == PumpEnd::open && phase_ == State::open) (void)transport_.update_reading(*http_);
  if (end != PumpEnd::open) on_pump_end(end);
}

void ClientConnection::on_end(net::Stream& stream) noexcept {
  transport_.on_end();
  if (phase_ == State::handshaking) {
    handshake_failed(tls::TlsError::closed_early, "the client closed the connection");
    return;
  }
  // FIN without close_notify may have cut a message short: whatever was going on is given up.
  if (phase_ == State::open && !transport_.tls()->at_eof()) {
    lose_session();
    start_closing();
    stream.close();
    return;
  }
  mark_dirty();
}

void ClientConnection::on_send_room(net::Stream&) noexcept { mark_dirty(); }

void ClientConnection::on_closed(net::Stream&, net::StreamError error) noexcept {
  if (phase_ == State::handshaking) {
    handshake_failed(
        tls::TlsError::closed_early,
        std::string("the connection ended: ") + std::string(net::name_of(error))
    );
  }
  lose_session();
  start_closing();
  state_.timers.cancel(timer_);
  transport_.lost();
  pipeline_.forget(*this);
  state_.bury(*this);
}

// ---- handshake ----

void ClientConnection::on_handshake_done() {
  tls::Engine& engine = *transport_.tls();
  const bool tls13 = engine.version() == tls::ProtocolVersion::tls_1_3;
  Metrics& m = state_.metrics;
  (engine.resumed() ? (tls13 ? m.handshakes_resumed_tls13 : m.handshakes_resumed_tls12)
                    : (tls13 ? m.handshakes_full_tls13 : m.handshakes_full_tls12))
      .add();
  m.stage_latency[static_cast<std::size_t>(Stage::tls)].record(
      (state_.core.now() - accepted_).count()
  );
  phase_ = State::open;
  caller_.identify(engine, state_.settings, state_.principals);
  const http::ServerSettings settings{
      state_.settings.head_timeout, state_.settings.idle_timeout, limits::h2_streams_max
  };
  http_ = engine.alpn() == tls::Alpn::h2
              ? http::make_h2_server(*this, state_.buffers, settings, state_.core.now())
              : http::make_h1_server(*this, state_.buffers, settings, state_.core.now());
  session = http_.get();
  if (draining_) http_->begin_drain();
}

void ClientConnection::handshake_failed(tls::TlsError error, const std::string& why) {
  state_.metrics.handshakes_failed[static_cast<std::size_t>(error)].add();
  state_.event(
      LogLevel::warn,
      state_.handshake_lines,
      "TLS handshake failed client=" + peer_ip_ + " reason=" + std::string(tls::name_of(error)) +
          " why=\"" + why + "\""
  );
  start_closing();
  transport_.close();
}

// ---- serving ----

void ClientConnection::service() noexcept {
  if (phase_ == State::handshaking && transport_.tls()->waiting()) advance(transport_.go_on());
  if (phase_ == State::closing) return;
  PumpEnd end = PumpEnd::open;
  if (phase_ == State::open) {
    end = transport_.pump_in(*http_);
    if (end == PumpEnd::open && phase_ == State::open) end = transport_.pump_out(*http_);
    if (end != PumpEnd::open) on_pump_end(end);
    if (phase_ != State::open) return;
    if (transport_.update_reading(*http_)) mark_dirty();
    transport_.update_sending(*http_);
    if (http_->finished() && !http_->wants_output()) {
      if (http_->error() != http::SessionError::none)
        state_.metrics.session_errors[static_cast<std::size_t>(http_->error())].add();
      start_closing();
      return transport_.close(http_->aborted());
    }
    return arm_deadline();
  }
  if (!transport_.stream()->out().empty()) transport_.stream()->flush();
}

void ClientConnection::on_pump_end(PumpEnd end) {
  bool cut_short = false;
  if (end == PumpEnd::tls_error) {
    const tls::TlsError error = transport_.tls_error();
    if (phase_ == State::handshaking)
      return handshake_failed(error, transport_.tls()->error_text());
    state_.event(
        LogLevel::warn,
        state_.session_lines,
        "TLS failed client=" + peer_ip_ + " reason=" + std::string(tls::name_of(error))
    );
    lose_session();
  } else {
    const http::SessionError error = transport_.session_error();
    state_.metrics.session_errors[static_cast<std::size_t>(error)].add();
    if (error != http::SessionError::idle_timeout) {
      state_.event(
          LogLevel::info,
          state_.session_lines,
          "HTTP session refused client=" + peer_ip_ + " reason=" + std::string(http::name_of(error))
      );
    }
    (void)transport_.pump_out(*http_);  // the refusal, or GOAWAY
    cut_short = http_->aborted();
    lose_session();
  }
  start_closing();
  transport_.close(cut_short);
}

// Streams still open are told; the session is not used any more.
void ClientConnection::lose_session() {
  if (phase_ == State::open) http_->on_lost();
}

void ClientConnection::start_closing() {
  phase_ = State::closing;
  state_.timers.arm(timer_, state_.core.now() + limits::close_timeout);
}

void ClientConnection::arm_deadline() {
  const Instant next = http_->next_deadline();
  if (next == Instant::never()) return state_.timers.cancel(timer_);
  // The wheel is asked only when a deadline comes nearer; one that moved away is found out when the
  // timer fires.
  if (!timer_.armed() || next < timer_.deadline()) state_.timers.arm(timer_, next);
}

void ClientConnection::on_timer() noexcept {
  switch (phase_) {
    case State::handshaking:
      return handshake_failed(tls::TlsError::timeout, "not finished in time");
    case State::closing:
      if (transport_.stream() != nullptr) transport_.stream()->abort();
      return;
    case State::open:
      if (state_.core.now() < http_->next_deadline()) return arm_deadline();
      if (const auto told = http_->on_deadline(state_.core.now()); !told) {
        state_.metrics.session_errors[static_cast<std::size_t>(told.error())].add();
        (void)transport_.pump_out(*http_);
        lose_session();
        start_closing();
        return transport_.close();
      }
      mark_dirty();
      arm_deadline();
      return;
  }
}

void ClientConnection::begin_drain() noexcept {
  draining_ = true;
  if (phase_ == State::open) http_->begin_drain();
  mark_dirty();
}

void ClientConnection::abort() noexcept {
  if (transport_.stream() != nullptr) transport_.stream()->abort();
}

// ---- requests ----

void ClientConnection::on_request(http::Stream& stream, http::RequestHead& head) {
  pipeline_.on_request(*this, stream, head);
}

void ClientConnection::on_body(http::Stream& stream, ByteView piece) {
  exchange_of(stream).on_down_body(piece);
}

void ClientConnection::on_request_end(http::Stream& stream, const http::HeaderList* trailers) {
  exchange_of(stream).on_down_end(trailers);
}

void ClientConnection::on_tunnel_bytes(http::Stream& stream, ByteView piece) {
  exchange_of(stream).on_down_tunnel_bytes(piece);
}

void ClientConnection::on_tunnel_end(http::Stream& stream) {
  exchange_of(stream).on_down_tunnel_end();
}

void ClientConnection::on_sent(http::Stream& stream, std::size_t body_bytes) {
  exchange_of(stream).on_down_sent(body_bytes);
}

void ClientConnection::on_closed(http::Stream& stream, http::Reset reset) {
  exchange_of(stream).on_down_closed(reset);
}

}  // namespace gh::worker
