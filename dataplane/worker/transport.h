// SPDX-License-Identifier: Apache-2.0
// A stream with TLS over it (or without, for a plain upstream), and the two pumps between it and an
// HTTP session. Both sides of the gate use it: client_connection.h, upstream_connection.h.
#pragma once

#include "base/byte_queue.h"
#include "dataplane/http/session.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/worker/core_state.h"
#include "tls/engine.h"

#include <algorithm>
#include <memory>

namespace gh::worker {

enum class PumpEnd : std::uint8_t { open, tls_error, session_error };

class Transport {
 public:
  Transport(CoreState& state, net::Stream& stream)
      : state_(state), stream_(&stream), plain_(state.buffers) {}

  net::Stream* stream() noexcept { return stream_; }

  tls::Engine* tls() noexcept { return tls_.get(); }

  void set_tls(std::unique_ptr<tls::Engine> engine) noexcept { tls_ = std::move(engine); }

  void lost() noexcept { stream_ = nullptr; }

  tls::TlsError tls_error() const noexcept { return tls_error_; }

  http::SessionError session_error() const noexcept { return session_error_; }

  // Bytes from the road: TLS takes them all; plaintext is kept until pump_in.
  PumpEnd take(ByteView bytes) {
    if (tls_ == nullptr) {
      plain_.append(bytes);
      return PumpEnd::open;
    }
    const auto taken = tls_->on_ciphertext(bytes, state_.core.wall());
    if (!taken) return failed(taken.error());
    hold_while_waiting();
    return PumpEnd::open;
  }

  // A handshake that waited for a public-key operation, if that is done.
  PumpEnd go_on() {
    if (tls_ == nullptr || !tls_->waiting()) return PumpEnd::open;
    const auto gone_on = tls_->resume(state_.core.wall());
    if (!gone_on) return failed(gone_on.error());
    hold_while_waiting();
    return PumpEnd::open;
  }

  // Plaintext to the session while it reads. Events fire from here.
  template <class Session>
  PumpEnd pump_in(Session& session) {
    stopped_ = true;
    while (!session.reading_paused()) {
      const auto piece = next_plaintext();
      if (!piece) return failed(piece.error());
      if (piece->empty()) {
        stopped_ = false;
        break;
      }
      const auto fed = session.on_plaintext(*piece, state_.core.now());
      if (tls_ == nullptr) plain_.pop(piece->size());
      if (!fed) return failed(fed.error());
    }
    const bool ended = tls_ != nullptr ? tls_->at_eof() : peer_ended_ && plain_.empty();
    if (!ended || eof_told_ || session.reading_paused()) return PumpEnd::open;
    eof_told_ = true;
    const auto told = session.on_eof();
    return told ? PumpEnd::open : failed(told.error());
  }

  // The session's output, as records, into the stream's queue up to its high mark.
  template <class Session>
  PumpEnd pump_out(Session& session) {
    while (!stream_->above_high() && session.wants_output()) {
      const std::size_t n = session.produce(state_.scratch_out);
      if (n == 0) break;
      const ByteView piece{state_.scratch_out.data(), n};
      if (tls_ == nullptr) {
        stream_->out().append(piece);
      } else if (const auto written = tls_->write(piece); !written) {
        return failed(written.error());
      }
    }
    if (!stream_->out().empty()) stream_->flush();
    return PumpEnd::open;
  }

  // Stops the road's reads while the session wants no more, and lets them go on after. True:
  // plaintext that was left when the session paused can be read now, so pump_in() has work though
  // no bytes arrive.
  template <class Session>
  bool update_reading(const Session& session) {
    const bool pause = session.reading_paused();
    if (pause != paused_) {
      paused_ = pause;
      pause ? stream_->pause_read() : stream_->resume_read();
    }
    return stopped_ && !pause;
  }

  void on_end() noexcept { peer_ended_ = true; }

  // In a tunnel our direction has ended: close_notify and FIN once, reading goes on.
  template <class Session>
  void update_sending(const Session& session) {
    if (half_closed_ || !session.sending_ended()) return;
    half_closed_ = true;
    if (tls_ != nullptr) tls_->close_notify();
    stream_->finish();
  }

  // What is queued, then closed. `cut_short`: without close_notify, so that no reader takes the cut
  // for an end.
  void close(bool cut_short = false) {
    if (!cut_short && !half_closed_ && tls_ != nullptr && tls_->established()) tls_->close_notify();
    if (paused_ || held_) {
      paused_ = held_ = false;
      stream_->resume_read();
    }
    stream_->close();
  }

 private:
  Result<ByteView, tls::TlsError> next_plaintext() {
    if (tls_ == nullptr) {
      const ByteView front = plain_.front();
      return front.first(std::min(front.size(), state_.scratch_in.size()));
    }
    const auto n = tls_->read(state_.scratch_in);
    if (!n) return fail(n.error());
    return ByteView{state_.scratch_in.data(), *n};
  }

  // What a peer sends while its handshake waits stays with it. Afterwards it is the session that
  // pauses the reader.
  void hold_while_waiting() {
    const bool hold = tls_->waiting();
    if (hold == held_) return;
    held_ = hold;
    hold ? stream_->pause_read() : stream_->resume_read();
  }

  PumpEnd failed(tls::TlsError error) {
    tls_error_ = error;
    return PumpEnd::tls_error;
  }

  PumpEnd failed(http::SessionError error) {
    session_error_ = error;
    return PumpEnd::session_error;
  }

  CoreState& state_;
  net::Stream* stream_;
  std::unique_ptr<tls::Engine> tls_;
  ByteQueue plain_;  // without TLS; bounded by pause_read after one delivery
  bool paused_ = false;
  bool held_ = false;
  bool stopped_ = false;  // pump_in() ended because the session paused
  bool half_closed_ = false;
  bool peer_ended_ = false;
  bool eof_told_ = false;
  tls::TlsError tls_error_ = tls::TlsError::none;
  http::SessionError session_error_ = http::SessionError::none;
};

}  // namespace gh::worker
