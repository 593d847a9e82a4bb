// SPDX-License-Identifier: Apache-2.0
#include "bench/load/connection.h"

#include <algorithm>
#include <array>

namespace gh::load {
namespace {

constexpr std::size_t piece_bytes = 16 * 1024;  // a TLS record

}  // namespace

Connection::Connection(
    const Options& options,
    ConnectionEvents& events,
    BufferPool& pool,
    tls::ClientContext& context,
    std::size_t at
)
    : index(at), options_(options), events_(events), pool_(pool), context_(context) {}

void Connection::connect(net::Road& road, Instant now) {
  connect_begun = now;
  operation.offered = context_.has_session();
  const net::Endpoint& target = options_.targets[index % options_.targets.size()];
  const net::Endpoint* source =
      options_.sources.empty() ? nullptr : &options_.sources[index % options_.sources.size()];
  stream_ = road.connect(target, *this, source);
}

void Connection::on_connected(net::Stream& stream) noexcept {
  tls_ = tls::Engine::make_client(context_, stream.out());
  if (tls_ == nullptr) return fail(Failure::tls, "the TLS library cannot begin a connection");
  stream.flush();
}

void Connection::on_bytes(net::Stream& stream, ByteView bytes) noexcept {
  if (state_ != State::live) return;
  if (!tls_->on_ciphertext(bytes, wall_now())) return fail(Failure::tls, tls_->error_text());
  const bool was_established = told_;
  if (tls_->established() && !told_) {
    told_ = true;
    establish();
    if (state_ != State::live) return;
  }
  if (told_ && !read_plaintext()) return;
  if (told_ && tls_->at_eof()) return on_end(stream);
  // Whatever came after the handshake without an alert says that our certificate was taken.
  const bool shown = was_established || context_.has_session();
  if (shown && told_ && http_ == nullptr && state_ == State::live)
    events_.on_confirmed(*this, monotonic_now());
  if (state_ != State::live) return;
  if (room() > 0) events_.on_room(*this, monotonic_now());
  pump();
  if (stream_ != nullptr && !stream.out().empty()) stream.flush();
}

void Connection::establish() {
  const bool h2 = tls_->alpn() == tls::Alpn::h2;
  const bool wants_h2 =
      options_.mode == Mode::h2 || (options_.mode == Mode::watch && options_.streams > 1);
  if (wants_h2 && !h2) return fail(Failure::http, "the server did not choose h2");
  events_.on_established(*this, monotonic_now());
  if (!options_.ask || state_ != State::live) return;
  http_ = h2 ? http::make_h2_client(*this, pool_) : http::make_h1_client(*this, pool_);
}

bool Connection::read_plaintext() {
  std::array<std::uint8_t, piece_bytes> piece;
  while (state_ == State::live) {
    const auto n = tls_->read(piece);
    if (!n) {
      // An alert after the handshake: TLS 1.3 servers judge our certificate only then.
      fail(Failure::tls, tls_->error_text());
      return false;
    }
    if (*n == 0) break;
    if (http_ == nullptr) continue;
    const auto taken = http_->on_plaintext({piece.data(), *n}, monotonic_now());
    if (!taken) {
      fail(Failure::http, std::string(http::name_of(taken.error())));
      return false;
    }
  }
  return state_ == State::live;
}

std::size_t Connection::room() const noexcept {
  if (http_ == nullptr || stream_ == nullptr || state_ != State::live) return 0;
  if (under_way_ >= options_.streams) return 0;
  return std::min(http_->free_streams(), options_.streams - under_way_);
}

void Connection::ask(Instant intended, Instant now) {
  Exchange& exchange = free_exchange();
  exchange.intended = intended;
  exchange.begun = now;
  exchange.open = true;
  exchange.status = 0;
  exchange.bytes = 0;
  exchange.watch_events = 0;
  exchange.text.clear();
  ++under_way_;
  http::Stream& stream = http_->open(options_.head, options_.body.empty(), &exchange);
  exchange.stream = &stream;
  if (options_.body.empty()) return;
  http_->send_body(stream, as_bytes(options_.body));
  http_->end_body(stream, nullptr);
}

Exchange& Connection::free_exchange() {
  for (auto& exchange : exchanges_) {
    if (!exchange->open) return *exchange;
  }
  return *exchanges_.emplace_back(std::make_unique<Exchange>());
}

void Connection::pump() {
  if (http_ == nullptr || stream_ == nullptr || state_ != State::live) return;
  send_output();
  if (state_ != State::live) return;
  if (http_->finished() && under_way_ == 0) {
    end();
    events_.on_ended(*this);
  }
}

void Connection::send_output() {
  std::array<std::uint8_t, piece_bytes> piece;
  while (state_ == State::live && http_->wants_output() && !stream_->above_high()) {
    const std::size_t n = http_->produce(piece);
    if (n == 0) break;
    if (!tls_->write({piece.data(), n})) return fail(Failure::tls, tls_->error_text());
  }
  if (stream_ != nullptr && !stream_->out().empty()) stream_->flush();
}

void Connection::say_close_notify() {
  if (stream_ == nullptr) return;
  tls_->close_notify();
  stream_->flush();
}

void Connection::end() {
  if (state_ != State::live) return;
  state_ = State::ending;
  if (stream_ == nullptr) return;
  if (established()) tls_->close_notify();
  stream_->close();
}

void Connection::drop() {
  if (state_ == State::live) state_ = State::ending;
  if (stream_ != nullptr) stream_->abort();
}

bool Connection::late(Instant then) const noexcept {
  if (state_ != State::live) return false;
  if (operation.open && operation.begun < then) return true;
  if (!told_ && connect_begun < then) return true;
  for (const auto& exchange : exchanges_) {
    if (exchange->open && exchange->status == 0 && exchange->begun < then) return true;
    if (exchange->open && options_.mode != Mode::watch && exchange->begun < then) return true;
  }
  return false;
}

void Connection::on_end(net::Stream&) noexcept {
  if (state_ != State::live) return;
  if (!told_) {
    return fail(
        tls_ == nullptr ? Failure::connect : Failure::tls, "the server closed in the handshake"
    );
  }
  if (http_ != nullptr && under_way_ > 0) {
    // An answer that only the end delimits ends here; any other is cut short. Without close_notify
    // nobody knows that it was the end.
    if (tls_->at_eof()) (void)http_->on_eof();
    if (state_ == State::live && under_way_ > 0)
      return fail(Failure::lost, "the server closed before the answer was whole");
    if (state_ != State::live) return;
  } else if (http_ == nullptr && operation.open) {
    events_.on_confirmed(*this, monotonic_now());
    if (state_ != State::live) return;
  }
  end();
  events_.on_ended(*this);
}

void Connection::on_send_room(net::Stream&) noexcept { pump(); }

void Connection::on_closed(net::Stream&, net::StreamError error) noexcept {
  stream_ = nullptr;
  if (state_ == State::live) {
    if (tls_ == nullptr) {
      fail(Failure::connect, std::string(net::name_of(error)));
    } else if (!told_) {
      fail(
          Failure::tls, "the connection ended in the handshake: " + std::string(net::name_of(error))
      );
    } else if (under_way_ > 0 || operation.open) {
      fail(Failure::lost, std::string(net::name_of(error)));
    } else {
      state_ = State::ending;
      events_.on_ended(*this);
    }
  }
  lose_exchanges();
  state_ = State::gone;
  events_.on_gone(*this);
}

void Connection::fail(Failure why, const std::string& text) {
  if (failed_ || state_ != State::live) return;
  failed_ = true;
  failure_ = why;
  failure_text_ = text;
  state_ = State::ending;
  events_.on_failed(*this, why, text);
  lose_exchanges();
  if (stream_ != nullptr) stream_->close();  // the alert goes out
}

void Connection::time_out() {
  fail(Failure::timeout, told_ ? "no answer in time" : "no handshake in time");
  if (stream_ != nullptr) stream_->abort();
}

void Connection::lose_exchanges() {
  if (http_ == nullptr || lost_) return;
  lost_ = true;
  http_->on_lost();
}

// ---- answers ----

void Connection::on_response(http::Stream& stream, http::ResponseHead& head) {
  auto& exchange = *static_cast<Exchange*>(stream.user);
  if (head.interim()) return;
  exchange.status = head.status;
  events_.on_answer_head(*this, exchange);
}

void Connection::on_body(http::Stream& stream, ByteView piece) {
  auto& exchange = *static_cast<Exchange*>(stream.user);
  exchange.bytes += piece.size();
  events_.on_answer_bytes(*this, exchange, piece);
  http_->consumed(stream, piece.size());
}

void Connection::on_response_end(http::Stream&, const http::HeaderList*) {}

void Connection::on_tunnel_bytes(http::Stream&, ByteView) {}

void Connection::on_tunnel_end(http::Stream&) {}

void Connection::on_sent(http::Stream&, std::size_t) {}

void Connection::on_closed(http::Stream& stream, http::Reset reset) {
  auto& exchange = *static_cast<Exchange*>(stream.user);
  exchange.open = false;
  exchange.stream = nullptr;
  --under_way_;
  events_.on_exchange_end(*this, exchange, reset);
}

void Connection::on_capacity() {}

}  // namespace gh::load
