// SPDX-License-Identifier: Apache-2.0
// Handshakes, both ways of them, SYN cookies, and how connections end.
#include "base/assert.h"
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>

namespace gh::tcp {
namespace {

using wire::TcpFlags;

constexpr std::uint32_t first_port = 32'768, last_port = 60'999;

}  // namespace

// ---- listeners ----

bool Stack::listen(const Endpoint& at, Acceptor& acceptor) {
  if (listeners_.size() >= limits::tcp_listeners_max) return false;
  for (const Listener& listener : listeners_) {
    if (listener.at == at) return false;
  }
  listeners_.push_back({at, &acceptor});
  return true;
}

void Stack::stop_listening(const Endpoint& at) noexcept {
  std::erase_if(listeners_, [&](const Listener& listener) { return listener.at == at; });
}

const Stack::Listener* Stack::find_listener(const Endpoint& local) const noexcept {
  const Listener* any = nullptr;
  for (const Listener& listener : listeners_) {
    if (listener.at.port != local.port) continue;
    if (listener.at.address == local.address) return &listener;
    if (listener.at.address.is_unspecified()) any = &listener;
  }
  return any;
}

std::uint32_t& Stack::source_slot(const wire::IpAddress& source) noexcept {
  const std::uint64_t rest = source.is_v4() ? source.low() : 0;  // IPv6: one /64 is one source
  return sources_[siphash13(source_key_, {source.high(), rest}) % sources_.size()];
}

// ---- passive ----

void Stack::on_listen(const Listener& listener, Segment& s) noexcept {
  if (s.has(TcpFlags::rst)) return;
  if (s.has(TcpFlags::ack)) {
    if (Connection* c = open_from_cookie(listener, s)) return on_segment_for(*c, s);
    counters_.no_connection.add();
    return reset_stray(s);
  }
  if (!s.has(TcpFlags::syn)) return counters_.no_connection.add();
  if (s.has(TcpFlags::fin)) return counters_.syn_refused.add();
  if (source_slot(s.remote.address) >= config_.connections_per_source_max) {
    return counters_.syn_source_full.add();
  }
  if (half_open_ >= config_.half_open_max / 4 * 3) {
    counters_.syn_half_open_full.add();
    return answer_with_cookie(s);
  }
  Connection* c = make_passive(listener, s, secrets_.initial_sequence(s.local, s.remote, now_));
  if (c == nullptr) return;
  c->enter(State::syn_received);
  c->half_open_ = true;
  ++half_open_;
  emit_syn(*c);
  c->rtx_timer_ = RtxTimer::handshake;
  c->rtx_deadline_ = now_ + c->rtt_.rto();
  arm(*c);
}

Connection* Stack::make_connection(const Endpoint& local, const Endpoint& remote) noexcept {
  Connection* c = pool_.make();
  if (c == nullptr && time_wait_first_ != nullptr && time_wait_first_->reported_ &&
      !time_wait_first_->dirty_) {
    release(*time_wait_first_);
    c = pool_.make();
  }
  if (c == nullptr) {
    counters_.syn_connections_full.add();
    return nullptr;
  }
  c->local_ = local;
  c->remote_ = remote;
  c->heard_ = now_;
  c->last_sent_ = now_;
  c->ts_offset_ = secrets_.timestamp_offset(local, remote);
  table_.insert(*c);
  return c;
}

Connection* Stack::make_passive(const Listener& listener, const Segment& s, Seq iss) noexcept {
  Connection* c = make_connection(s.local, s.remote);
  if (c == nullptr) return nullptr;
  c->passive_ = true;
  c->acceptor_ = listener.acceptor;
  ++source_slot(s.remote.address);
  c->counted_ = true;
  c->iss_ = iss;
  c->irs_ = s.has(TcpFlags::ack) ? s.seq - 1 : s.seq;
  c->send_.start(iss + 1);
  c->receive_.start(c->irs_ + 1, limits::tcp_receive_bytes_min);
  take_syn_options(*c, s.header);
  return c;
}

void Stack::take_syn_options(Connection& c, const wire::TcpHeader& header) noexcept {
  c.peer_mss_ = std::max(header.mss != 0 ? header.mss : std::uint16_t{536}, limits::tcp_mss_min);
  c.ts_ok_ = config_.timestamps && header.has_timestamps;
  if (c.ts_ok_) c.ts_recent_ = header.ts_value;
  c.sack_ok_ = config_.sack && header.sack_permitted;
  if (config_.window_scale && header.window_shift >= 0) {
    c.snd_shift_ = static_cast<std::uint8_t>(header.window_shift);
    c.rcv_shift_ = static_cast<std::uint8_t>(our_shift);
  }
  c.snd_wnd_ = c.snd_wnd_max_ = header.window;  // never scaled on a SYN
  take_mss(c);
}

void Stack::take_mss(Connection& c) noexcept {
  const std::uint32_t path =
      host_.config().mtu - wire::IpHeader::bytes_for(c.remote_.address) - 20u;
  c.mss_ = static_cast<std::uint16_t>(std::min<std::uint32_t>(c.peer_mss_, path));
  c.congestion_.start(config_.congestion, payload_max(c));
}

// The handshake is done: SYN-RECEIVED or SYN-SENT → ESTABLISHED.
void Stack::establish(Connection& c) noexcept {
  if (c.retries_ == 0) c.rtt_.on_sample(now_ - c.last_sent_);
  leave_half_open(c);
  c.enter(State::established);
  c.rtx_timer_ = RtxTimer::off;
  c.rtx_deadline_ = Instant::never();
  c.retries_ = 0;
  c.life_deadline_ = c.discard_ ? now_ + limits::tcp_orphan : now_ + config_.keepalive_idle;
  if (c.passive_) {
    if (!accept(c)) return;
  } else {
    counters_.opened_active.add();
    if (c.handler_ != nullptr) c.handler_->on_connected(c);
  }
  if (c.state_ == State::established && c.fin_asked_) queue_fin(c);
  if (c.state_ != State::closed) touch(c);
}

bool Stack::accept(Connection& c) noexcept {
  counters_.opened_passive.add();
  c.handler_ = c.acceptor_->on_accept(c);
  if (c.state_ == State::closed) return false;  // it aborted the connection
  if (c.handler_ != nullptr) return true;
  abort(c);
  return false;
}

void Stack::leave_half_open(Connection& c) noexcept {
  if (!c.half_open_) return;
  c.half_open_ = false;
  --half_open_;
}

// ---- SYN cookies ----

void Stack::answer_with_cookie(const Segment& s) noexcept {
  counters_.cookies_sent.add();
  cookies_until_ = now_ + std::chrono::seconds(128);
  wire::TcpHeader reply;
  const std::uint16_t mss = std::max(s.header.mss, limits::tcp_mss_min);
  reply.seq =
      secrets_.cookie(s.local, s.remote, s.seq, s.header.mss == 0 ? std::uint16_t{536} : mss, now_)
          .value;
  reply.ack = s.seq.value + 1;
  reply.flags = TcpFlags::syn | TcpFlags::ack;
  reply.window = 65'535;
  reply.mss = static_cast<std::uint16_t>(
      host_.config().mtu - wire::IpHeader::bytes_for(s.remote.address) - 20
  );
  if (config_.timestamps && s.header.has_timestamps) {
    SynOptions options;
    options.window_shift = config_.window_scale ? s.header.window_shift : std::int8_t{-1};
    options.sack = config_.sack && s.header.sack_permitted;
    reply.has_timestamps = true;
    reply.ts_value = HandshakeSecrets::pack_timestamp(
        static_cast<std::uint32_t>(now_.ns / 1'000'000) +
            secrets_.timestamp_offset(s.local, s.remote),
        options
    );
    reply.ts_echo = s.header.ts_value;
    reply.sack_permitted = options.sack;
    if (options.window_shift >= 0) reply.window_shift = our_shift;
  }
  emit_raw(s.local, s.remote, reply);
}

Connection* Stack::open_from_cookie(const Listener& listener, const Segment& s) noexcept {
  if (s.has(TcpFlags::syn) || now_ > cookies_until_) return nullptr;
  const auto mss = secrets_.open_cookie(s.local, s.remote, s.seq - 1, s.ack - 1, now_);
  if (!mss) {
    counters_.cookies_bad.add();
    return nullptr;
  }
  if (source_slot(s.remote.address) >= config_.connections_per_source_max) {
    counters_.syn_source_full.add();
    return nullptr;
  }
  Connection* c = make_passive(listener, s, s.ack - 1);
  if (c == nullptr) return nullptr;
  counters_.cookies_good.add();
  wire::TcpHeader syn = s.header;
  syn.mss = *mss;
  syn.window_shift = -1;
  syn.sack_permitted = false;
  if (s.header.has_timestamps) {
    const SynOptions options = HandshakeSecrets::unpack_timestamp(s.header.ts_echo);
    syn.window_shift = options.window_shift;
    syn.sack_permitted = options.sack;
  }
  take_syn_options(*c, syn);
  c->snd_wl1_ = s.seq - 1;
  c->last_ack_sent_ = s.seq;
  c->receive_.tell_edge(s.seq + 65'535);
  c->retries_ = 1;  // the round trip is not known
  establish(*c);
  if (c->state_ == State::closed) return nullptr;
  c->retries_ = 0;
  return c;
}

// ---- active ----

std::uint16_t Stack::choose_port(const Endpoint& local, const Endpoint& to) noexcept {
  // RFC 6056 §3.3.3: a secret offset for each destination, and a counter.
  constexpr std::uint32_t count = last_port - first_port + 1;
  const std::uint32_t offset = secrets_.port_offset({local.address, 0}, to);
  std::uint32_t others = 0;  // ports whose answers go to other cores
  for (std::uint32_t tries = 0; tries < 256 && others < count; ++tries) {
    const auto port = static_cast<std::uint16_t>(first_port + (offset + next_port_++) % count);
    if (config_.port_is_ours && !config_.port_is_ours({local.address, port}, to)) {
      --tries;
      ++others;
      continue;
    }
    Connection* taken = table_.find({local.address, port}, to);
    if (taken == nullptr) return port;
    // RFC 6191 for the side that opens: our clock has moved on, so an old segment is told apart.
    if (taken->state_ == State::time_wait && taken->ts_ok_ && taken->reported_ && !taken->dirty_ &&
        now_ - taken->last_sent_ > std::chrono::seconds(1)) {
      counters_.time_waits_recycled.add();
      release(*taken);
      return port;
    }
  }
  return 0;
}

Connection* Stack::connect(
    const Endpoint& to, Handler& handler, Instant now, std::uint16_t local_port
) noexcept {
  now_ = now;
  const auto source = host_.source_for(to.address);
  if (!source || to.port == 0) return nullptr;
  Endpoint local{*source, local_port};
  if (local_port == 0) local.port = choose_port(local, to);
  if (local.port == 0 || table_.find(local, to) != nullptr) return nullptr;
  Connection* c = make_connection(local, to);
  if (c == nullptr) return nullptr;
  c->handler_ = &handler;
  c->iss_ = secrets_.initial_sequence(local, to, now_);
  c->send_.start(c->iss_ + 1);
  c->enter(State::syn_sent);
  emit_syn(*c);
  c->rtx_timer_ = RtxTimer::handshake;
  c->rtx_deadline_ = now_ + c->rtt_.rto();
  arm(*c);
  return c;
}

// RFC 9293 §3.10.7.3.
void Stack::on_syn_sent(Connection& c, Segment& s) noexcept {
  const bool acks = s.has(TcpFlags::ack);
  if (acks && s.ack != c.iss_ + 1) {
    counters_.bad_ack.add();
    return reset_stray(s);
  }
  if (s.has(TcpFlags::rst)) {
    if (!acks) return counters_.resets_blind.add();
    counters_.resets_in.add();
    return drop(c, CloseReason::refused);
  }
  if (!s.has(TcpFlags::syn)) return counters_.no_ack.add();
  c.irs_ = s.seq;
  c.receive_.start(s.seq + 1, limits::tcp_receive_bytes_min);
  take_syn_options(c, s.header);
  c.snd_wl1_ = s.seq;
  c.snd_wl2_ = s.ack;
  c.heard_ = now_;
  if (acks) {
    c.ack_now_ = true;
    return establish(c);
  }
  c.enter(State::syn_received);  // both open at once (§3.5, figure 8)
  emit_syn(c);
  c.rtx_deadline_ = now_ + c.rtt_.rto();
  arm(c);
}

void Stack::on_handshake_timer(Connection& c) noexcept {
  const unsigned most = c.passive_ ? limits::tcp_syn_ack_retries : limits::tcp_syn_retries;
  if (++c.retries_ > most) {
    counters_.timed_out_handshake.add();
    return drop(c, CloseReason::timed_out);
  }
  counters_.resent_handshake.add();
  c.rtt_.back_off();
  emit_syn(c);
  c.rtx_timer_ = RtxTimer::handshake;
  c.rtx_deadline_ = now_ + c.rtt_.rto();
}

// ---- farewells ----

void Stack::queue_fin(Connection& c) noexcept {
  if (c.fin_queued_ || !(may_send(c.state_) || c.state_ == State::syn_received)) return;
  if (c.state_ == State::syn_received) return;  // establish() does it
  if (!c.send_.append_fin(frames_, budget_)) {
    counters_.no_frame.add();
    return touch(c);  // transmit() tries again
  }
  c.fin_queued_ = true;
  c.enter(c.state_ == State::close_wait ? State::last_ack : State::fin_wait_1);
}

void Stack::enter_time_wait(Connection& c) noexcept {
  c.enter(State::time_wait);
  counters_.time_waits.add();
  c.rtx_timer_ = RtxTimer::off;
  c.rtx_deadline_ = Instant::never();
  c.life_deadline_ = now_ + limits::tcp_time_wait;
  c.prev_ = time_wait_last_;
  (time_wait_last_ == nullptr ? time_wait_first_ : time_wait_last_->next_) = &c;
  time_wait_last_ = &c;
  ++time_waits_;
  if (time_waits_ > config_.time_wait_max && time_wait_first_->reported_ &&
      !time_wait_first_->dirty_) {
    release(*time_wait_first_);
  }
  touch(c);
}

void Stack::leave_time_wait(Connection& c) noexcept {
  (c.prev_ == nullptr ? time_wait_first_ : c.prev_->next_) = c.next_;
  (c.next_ == nullptr ? time_wait_last_ : c.next_->prev_) = c.prev_;
  --time_waits_;
}

// Nobody finds it any more. poll() tells its user and gives the memory back.
void Stack::drop(Connection& c, CloseReason reason) noexcept {
  if (c.state_ == State::closed) return;
  if (c.state_ == State::time_wait) leave_time_wait(c);
  leave_half_open(c);
  table_.erase(c);
  if (c.counted_) --source_slot(c.remote_.address);
  c.send_.clear(budget_);
  c.receive_.clear(budget_);
  wheel_.cancel(c);
  c.rtx_deadline_ = c.ack_deadline_ = c.life_deadline_ = Instant::never();
  c.reason_ = reason;
  c.state_ = State::closed;
  counters_.closed.add();
  touch(c);
}

void Stack::release(Connection& c) noexcept {
  if (c.state_ != State::closed) {
    const bool dirty = c.dirty_;
    c.dirty_ = true;  // not into the list of work
    drop(c, CloseReason::none);
    c.dirty_ = dirty;
    if (dirty) return;  // work() comes here again
  }
  pool_.destroy(&c);
}

}  // namespace gh::tcp
