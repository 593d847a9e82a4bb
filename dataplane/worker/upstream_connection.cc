// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/upstream_connection.h"

#include "base/assert.h"

namespace gh::worker {
namespace {

// Null when the request it belonged to is gone.
proxy::UpLeg* leg_of(http::Stream& stream) { return static_cast<proxy::UpLeg*>(stream.user); }

}  // namespace

UpstreamConnection::UpstreamConnection(
    CoreState& state, proxy::UpstreamPool& pool, std::size_t to_replica, bool for_upgrade
)
    : state_(state), pool_(pool), timer_(this, [](void* self) noexcept {
        static_cast<UpstreamConnection*>(self)->on_timer();
      }) {
  replica = to_replica;
  h1_only = for_upgrade;
}

bool UpstreamConnection::connect() noexcept {
  net::Stream* stream = state_.road.connect(replica_settings().address, *this);
  if (stream == nullptr) return false;
  transport_ = std::make_unique<Transport>(state_, *stream);
  state_.timers.arm(timer_, state_.core.now() + limits::upstream_connect_timeout);
  return true;
}

// ---- bytes ----

void UpstreamConnection::on_connected(net::Stream& stream) noexcept {
  if (!replica_settings().tls) return on_handshake_done();
  phase_ = State::handshaking;
  const TlsSnapshot& snapshot = *state_.shared.tls.read();
  const std::size_t at = state_.core.id().value * state_.settings.replicas.size() + replica;
  tls::ClientContext& context = h1_only ? *snapshot.upstream_h1[at] : *snapshot.upstream[at];
  transport_->set_tls(tls::Engine::make_client(context, stream.out(), {&state_.crypto, this}));
  if (transport_->take({}) != PumpEnd::open) on_pump_end(PumpEnd::tls_error);  // ClientHello
  mark_dirty();
}

void UpstreamConnection::on_bytes(net::Stream&, ByteView bytes) noexcept {
  if (phase_ == State::closing) return;
  advance(transport_->take(bytes));
  mark_dirty();
}

void UpstreamConnection::advance(PumpEnd end) {
  if (end == PumpEnd::open && phase_ == State::handshaking && transport_->tls()->established())
    on_handshake_done();
  if (end == PumpEnd::open && phase_ == State::ready) end = transport_->pump_in(*http_);
  // At once, not when it is served: an end behind bytes that the session does not take now must
  // wait.
  if (end == PumpEnd::open && phase_ == State::ready) (void)transport_->update_reading(*http_);
  if (end != PumpEnd::open) on_pump_end(end);
}

void UpstreamConnection::on_end(net::Stream& stream) noexcept {
  transport_->on_end();
  if (phase_ == State::closing) return;
  const bool clean =
      phase_ == State::ready && (transport_->tls() == nullptr || transport_->tls()->at_eof());
  if (clean) return mark_dirty();
  fail_or_close("it closed the connection");
  stream.close();
}

void UpstreamConnection::on_send_room(net::Stream&) noexcept { mark_dirty(); }

void UpstreamConnection::on_closed(net::Stream&, net::StreamError error) noexcept {
  fail_or_close(std::string(net::name_of(error)));
  state_.timers.cancel(timer_);
  transport_->lost();
  state_.bury(*this);
}

// The connection is of no more use: the pool hears of it once, then the streams do (so that a retry
// finds another link).
void UpstreamConnection::fail_or_close(const std::string& why) {
  if (phase_ == State::closing) return;
  const bool usable = announced_;
  start_closing();
  if (!usable) {
    say(LogLevel::warn, "cannot connect to the API server: " + why);
    return pool_.on_link_failed(*this);
  }
  if (known_to_pool_) {
    known_to_pool_ = false;
    pool_.on_link_closed(*this);
  }
  http_->on_lost();
}

void UpstreamConnection::start_closing() {
  phase_ = State::closing;
  state_.timers.arm(timer_, state_.core.now() + limits::close_timeout);
}

void UpstreamConnection::say(LogLevel level, const std::string& what) {
  state_.event(level, state_.upstream_lines, what + " upstream=" + replica_settings().name);
}

// ---- handshake ----

void UpstreamConnection::on_handshake_done() {
  phase_ = State::ready;
  const bool h2 = transport_->tls() != nullptr && transport_->tls()->alpn() == tls::Alpn::h2;
  http_ = h2 ? http::make_h2_client(*this, state_.buffers)
             : http::make_h1_client(*this, state_.buffers);
  session = http_.get();
  // An HTTP/2 server says in its SETTINGS how many streams it takes: before them a request could be
  // refused that can no longer be repeated.
  if (!h2) announce();
  mark_dirty();
}

void UpstreamConnection::announce() {
  announced_ = known_to_pool_ = true;
  state_.timers.arm(timer_, state_.core.now() + limits::upstream_idle_timeout);
  pool_.on_link_ready(*this);
}

// ---- serving ----

void UpstreamConnection::service() noexcept {
  if (phase_ == State::handshaking && transport_->tls()->waiting()) advance(transport_->go_on());
  if (phase_ == State::closing) return;
  if (phase_ != State::ready) {
    if (transport_->stream() != nullptr && !transport_->stream()->out().empty())
      transport_->stream()->flush();
    return;
  }
  PumpEnd end = transport_->pump_in(*http_);
  if (end == PumpEnd::open && phase_ == State::ready) end = transport_->pump_out(*http_);
  if (end != PumpEnd::open) on_pump_end(end);
  if (phase_ != State::ready) return;
  if (transport_->update_reading(*http_)) mark_dirty();
  transport_->update_sending(*http_);
  if (!http_->finished() || http_->wants_output()) return;
  fail_or_close("finished");
  transport_->close();
}

void UpstreamConnection::on_pump_end(PumpEnd end) {
  if (phase_ == State::closing) return;
  if (end == PumpEnd::tls_error) {
    fail_or_close("TLS: " + transport_->tls()->error_text());
  } else {
    say(LogLevel::warn,
        "the API server broke HTTP: " + std::string(http::name_of(transport_->session_error())));
    (void)transport_->pump_out(*http_);
    fail_or_close("protocol");
  }
  transport_->close();
}

void UpstreamConnection::on_timer() noexcept {
  switch (phase_) {
    case State::connecting:
    case State::handshaking:
      fail_or_close("not connected in time");
      return transport_->stream()->abort();
    case State::closing:
      if (transport_->stream() != nullptr) transport_->stream()->abort();
      return;
    case State::ready:
      if (!announced_) {
        fail_or_close("no SETTINGS in time");
        return transport_->stream()->abort();
      }
      if (http_->open_streams() == 0) {
        http_->begin_drain();
        fail_or_close("idle");
        (void)transport_->pump_out(*http_);
        return transport_->close();
      }
      return state_.timers.arm(timer_, state_.core.now() + limits::upstream_idle_timeout);
  }
}

void UpstreamConnection::retire() noexcept {
  known_to_pool_ = false;  // the pool has let go of it
  if (phase_ != State::ready) return;
  http_->begin_drain();
  mark_dirty();
}

// ---- readiness ----

void UpstreamConnection::probe() noexcept {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/readyz";
  head.scheme = "https";
  head.authority = replica_settings().authority;
  head.headers.add("user-agent", "gatehouse");
  // an API server without --anonymous-auth answers nobody
  head.headers.add("x-remote-user", "gatehouse");
  probe_status_ = 0;
  pool_.on_stream_opened(*this);
  probe_ = &session->open(head, true, nullptr);
  mark_dirty();
}

// ---- requests ----

void UpstreamConnection::on_response(http::Stream& stream, http::ResponseHead& head) {
  if (&stream == probe_) probe_status_ = head.interim() ? 0 : head.status;
  if (proxy::UpLeg* leg = leg_of(stream)) leg->on_response(head);
}

void UpstreamConnection::on_body(http::Stream& stream, ByteView piece) {
  if (proxy::UpLeg* leg = leg_of(stream)) return leg->on_up_body(piece);
  http_->consumed(stream, piece.size());
}

void UpstreamConnection::on_response_end(http::Stream& stream, const http::HeaderList* trailers) {
  if (proxy::UpLeg* leg = leg_of(stream)) leg->on_response_end(trailers);
}

void UpstreamConnection::on_tunnel_bytes(http::Stream& stream, ByteView piece) {
  on_body(stream, piece);
}

void UpstreamConnection::on_tunnel_end(http::Stream& stream) {
  if (proxy::UpLeg* leg = leg_of(stream)) leg->on_up_tunnel_end();
}

void UpstreamConnection::on_sent(http::Stream& stream, std::size_t body_bytes) {
  if (proxy::UpLeg* leg = leg_of(stream)) leg->on_up_sent(body_bytes);
}

void UpstreamConnection::on_closed(http::Stream& stream, http::Reset reset) {
  pool_.on_stream_closed(*this);
  if (&stream == probe_) {
    probe_ = nullptr;
    // 401 and 403 also come from an API server that has not read its RBAC objects yet. 404: it has
    // no such page, so it serves.
    const bool ready = reset == http::Reset::none &&
                       ((probe_status_ >= 200 && probe_status_ < 300) || probe_status_ == 404);
    if (!known_to_pool_) return;
    if (!ready)
      say(LogLevel::warn,
          "the API server is not ready: /readyz answered " +
              (probe_status_ == 0 ? "nothing" : std::to_string(probe_status_)));
    return pool_.on_probe(*this, ready);
  }
  if (proxy::UpLeg* leg = leg_of(stream)) {
    stream.user = nullptr;
    leg->on_up_closed(reset);
  }
}

void UpstreamConnection::on_capacity() {
  if (!announced_) return announce();
  if (known_to_pool_) pool_.on_link_capacity(*this);
}

}  // namespace gh::worker
