// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/exchange.h"

#include "base/assert.h"
#include "dataplane/proxy/headers.h"

#include <limits>

namespace gh::proxy {

Exchange::Exchange(ExchangeHost& host)
    : host_(host),
      timer_(this, [](void* self) noexcept { static_cast<Exchange*>(self)->on_timer(); }),
      replay_(host.buffers) {}

void Exchange::begin(DownLeg& leg, http::Stream& down, http::RequestHead& head) {
  GH_ASSERT(state_ == State::idle);
  state_ = State::begun;
  leg_ = &leg;
  down_ = &down;
  head_ = &head;
  down.user = this;
  needs_h1 = !head.upgrade.empty();
  avoid = no_replica;
  attempts = 0;
  replay_whole_ = true;
  request_ended_ = response_ended_ = has_trailers_ = false;
  sent_up_ = credited_ = 0;
  std::string log = std::move(record.log);
  log.clear();
  record = Record{};
  record.log = std::move(log);
  record.began = host_.core.now();
}

// ---- answers of our own ----

// Over HTTP/2 an answer before the end of the request is followed by RST_STREAM (RFC 9113 §8.1), at
// which some clients (curl) lose the answer: so a short body is read away first.
void Exchange::refuse(const Refusal& refusal) {
  record.code = refusal.code;
  refusal_ = body_of(refusal);
  const std::uint64_t kept = replay_.size();
  drop_replay();
  if (kept > credited_) {  // the rest was given back when it had gone out, or was collected
    leg_->session->consumed(*down_, static_cast<std::size_t>(kept - credited_));
    credited_ = kept;
  }
  const bool wait = head_->version == http::Version::http_2 && head_->has_body && !request_ended_ &&
                    !head_->expect_continue;
  if (!wait || record.bytes_up > limits::refused_body_bytes_max) return send_refusal();
  state_ = State::refusing;
  arm(limits::refused_body_timeout);
}

void Exchange::send_refusal() noexcept {
  host_.timers.cancel(timer_);
  state_ = State::answered;
  record.head_at = host_.core.now();
  proxy::refuse(*leg_->session, *down_, record.code, refusal_);
  leg_->mark_dirty();
}

void Exchange::refuse_plain(int code, std::string_view text) {
  state_ = State::answered;
  record.code = code;
  record.head_at = host_.core.now();
  proxy::refuse_plain(*leg_->session, *down_, code, text);
  leg_->mark_dirty();
}

// ---- judged later ----

void Exchange::hold() noexcept { state_ = State::held; }

void Exchange::collect(std::size_t bytes_max) noexcept {
  collect_max_ = bytes_max;
  if (request_ended_ || replay_.size() > bytes_max) {
    return end_collecting(
        replay_.size() > bytes_max ? ExchangeHost::Collected::too_long
                                   : ExchangeHost::Collected::whole
    );
  }
  state_ = State::collecting;
  arm(limits::collect_timeout);
  if (!replay_.empty()) {
    credited_ = replay_.size();
    leg_->session->consumed(*down_, replay_.size());
  }
  if (head_->expect_continue) {
    head_->expect_continue = false;
    http::ResponseHead go_on;
    go_on.status = 100;
    leg_->session->respond(*down_, go_on, false);
  }
  leg_->mark_dirty();
}

void Exchange::end_collecting(ExchangeHost::Collected what) noexcept {
  host_.timers.cancel(timer_);
  state_ = State::held;
  host_.on_collected(*this, what);
}

std::string Exchange::collected() const {
  std::string body;
  body.reserve(replay_.size());
  for (const Chunk* chunk = replay_.first(); chunk != nullptr; chunk = chunk->next)
    body.append(as_text(ByteView{chunk->data + chunk->begin, chunk->end - chunk->begin}));
  return body;
}

void Exchange::replace_body(std::string_view body) {
  GH_ASSERT(state_ == State::held && request_ended_);
  replay_.clear();
  replay_.append(as_bytes(body));
  credited_ = std::numeric_limits<std::uint64_t>::max();  // all that came has been given back
  if (head_->content_length) head_->content_length = body.size();
}

// ---- finding an upstream stream ----

void Exchange::forward() {
  state_ = State::waiting;
  arm(limits::upstream_wait_timeout);
  host_.pool.request(*this);
}

void Exchange::cut(const Refusal& refusal) {
  switch (state_) {
    case State::waiting:
    case State::sent:
      host_.timers.cancel(timer_);
      host_.pool.cancel(*this);
      detach_up(http::Reset::cancelled);
      return refuse(refusal);
    case State::responding:
    case State::tunnel:
      detach_up(http::Reset::cancelled);
      leg_->session->reset(*down_, http::Reset::cancelled);
      return leg_->mark_dirty();
    case State::idle:
    case State::begun:
    case State::held:
    case State::collecting:
    case State::refusing:
    case State::answered:
      return;
  }
}

void Exchange::on_link(Link& link) noexcept {
  link_ = &link;
  state_ = State::sent;
  record.replica = link.replica;
  ReplicaMetrics& metrics = host_.metrics[link.replica];
  metrics.requests.add();
  if (attempts > 1) metrics.retries.add();
  up_ = &link.session->open(*head_, !head_->has_body, static_cast<UpLeg*>(this));
  host_.pool.on_stream_opened(link);
  sent_up_ = 0;
  for (const Chunk* chunk = replay_.first(); chunk != nullptr; chunk = chunk->next) {
    link.session->send_body(*up_, {chunk->data + chunk->begin, chunk->end - chunk->begin});
  }
  if (replay_.size() > limits::replay_body_bytes_max) drop_replay();
  if (head_->has_body && request_ended_)
    link.session->end_body(*up_, has_trailers_ ? &trailers_ : nullptr);
  link.mark_dirty();
  if (record.long_running) {
    host_.timers.cancel(timer_);
  } else {
    arm(limits::upstream_head_timeout);
  }
}

void Exchange::on_unavailable(Unavailable why) noexcept {
  host_.timers.cancel(timer_);
  const std::string message = "gatehouse: " + std::string(text_of(why));
  refuse({.code = 503, .message = message});
}

void Exchange::on_timer() noexcept {
  if (state_ == State::waiting) {
    host_.pool.cancel(*this);
    return on_unavailable(Unavailable::timed_out);
  }
  if (state_ == State::refusing) return send_refusal();
  if (state_ == State::collecting) return end_collecting(ExchangeHost::Collected::too_slow);
  if (state_ != State::sent) return;
  detach_up(http::Reset::cancelled);
  refuse({.code = 504, .message = "gatehouse: the API server did not answer in time"});
}

// Not processed at all, or harmless to do twice and unanswered (RFC 9110 §9.2.1: safe methods).
bool Exchange::may_repeat(http::Reset reset) const noexcept {
  if (!replay_whole_ || attempts >= limits::upstream_attempts_max) return false;
  if (reset == http::Reset::refused) return true;
  const bool safe = head_->method == "GET" || head_->method == "HEAD" || head_->method == "OPTIONS";
  return safe && !needs_h1 && reset == http::Reset::connection_lost;
}

void Exchange::detach_up(http::Reset why) noexcept {
  if (up_ == nullptr) return;
  up_->user = nullptr;  // the link drops what still comes for it
  link_->session->reset(*up_, why);
  link_->mark_dirty();
  up_ = nullptr;
  link_ = nullptr;
}

void Exchange::keep(ByteView piece) {
  if (!replay_whole_) return;
  replay_.append(piece);
  // While no stream is open this is the only copy: then the client's window bounds it.
  if (up_ != nullptr && replay_.size() > limits::replay_body_bytes_max) drop_replay();
}

void Exchange::drop_replay() noexcept {
  replay_.clear();
  replay_whole_ = false;
}

// ---- client → API server ----

void Exchange::on_down_body(ByteView piece) {
  record.bytes_up += piece.size();
  const bool before_judgement = state_ == State::held || state_ == State::collecting;
  if (before_judgement || state_ == State::waiting || state_ == State::sent) keep(piece);
  if (state_ == State::collecting) {
    if (replay_.size() > collect_max_) return end_collecting(ExchangeHost::Collected::too_long);
    credited_ += piece.size();
    leg_->session->consumed(*down_, piece.size());
    return leg_->mark_dirty();
  }
  if (state_ == State::held) return;
  if (up_ != nullptr) {
    link_->session->send_body(*up_, piece);
    link_->mark_dirty();
  } else if (state_ != State::waiting) {  // answered: nobody reads it
    leg_->session->consumed(*down_, piece.size());
    leg_->mark_dirty();
    if (state_ == State::refusing && record.bytes_up > limits::refused_body_bytes_max)
      send_refusal();
  }
}

void Exchange::on_down_end(const http::HeaderList* trailers) {
  request_ended_ = true;
  if (state_ == State::refusing) return send_refusal();
  const bool wanted = state_ == State::held || state_ == State::collecting ||
                      state_ == State::waiting || up_ != nullptr;
  if (trailers != nullptr && wanted) {
    trailers_ = *trailers;
    strip_trailers(trailers_);
    has_trailers_ = !trailers_.empty();
  }
  if (state_ == State::collecting) return end_collecting(ExchangeHost::Collected::whole);
  if (up_ == nullptr || !head_->has_body) return;
  link_->session->end_body(*up_, has_trailers_ ? &trailers_ : nullptr);
  link_->mark_dirty();
}

void Exchange::on_down_tunnel_bytes(ByteView piece) {
  record.bytes_up += piece.size();
  if (up_ == nullptr) return leg_->session->consumed(*down_, piece.size());
  link_->session->send_body(*up_, piece);
  link_->mark_dirty();
}

void Exchange::on_down_tunnel_end() {
  if (up_ == nullptr) return;
  link_->session->end_body(*up_, nullptr);
  link_->mark_dirty();
}

void Exchange::on_up_sent(std::size_t bytes) {
  sent_up_ += bytes;
  // The answer's time runs from the last of the request that went out: a long upload is not a
  // silent server.
  if (state_ == State::sent && !record.long_running) arm(limits::upstream_head_timeout);
  if (sent_up_ <= credited_ || down_ == nullptr) return;  // a repeated attempt: given back already
  leg_->session->consumed(*down_, sent_up_ - credited_);
  credited_ = sent_up_;
  leg_->mark_dirty();
}

// ---- API server → client ----

bool Exchange::answer_without_body(const http::ResponseHead& head) const noexcept {
  return head_->method == "HEAD" || head.status == 204 || head.status == 304 ||
         head.content_length == std::uint64_t{0};
}

void Exchange::on_response(http::ResponseHead& head) {
  if (head.interim()) {
    if (head_->version == http::Version::http_1_0) return;
    leg_->session->respond(*down_, head, false);
    return leg_->mark_dirty();
  }
  host_.timers.cancel(timer_);
  drop_replay();
  record.code = head.status;
  record.head_at = host_.core.now();
  if (head.status >= 500) host_.metrics[link_->replica].responses_5xx.add();
  if (head.status == 101) {
    state_ = State::tunnel;
    record.tunnel = true;
    host_.on_tunnel_open();
    leg_->session->respond(*down_, head, false);
  } else {
    state_ = State::responding;
    response_ended_ = answer_without_body(head);
    leg_->session->respond(*down_, head, response_ended_);
  }
  leg_->mark_dirty();
}

void Exchange::on_up_body(ByteView piece) {
  if (response_ended_) return;
  leg_->session->send_body(*down_, piece);
  leg_->mark_dirty();
}

void Exchange::on_response_end(const http::HeaderList* trailers) {
  if (response_ended_) return;
  response_ended_ = true;
  leg_->session->end_body(*down_, trailers);
  leg_->mark_dirty();
}

void Exchange::on_up_tunnel_end() {
  leg_->session->end_body(*down_, nullptr);
  leg_->mark_dirty();
}

void Exchange::on_down_sent(std::size_t bytes) {
  record.bytes_down += bytes;
  if (up_ == nullptr) return;
  link_->session->consumed(*up_, bytes);
  link_->mark_dirty();
}

// ---- ends ----

void Exchange::on_up_closed(http::Reset reset) {
  const std::size_t replica = link_->replica;
  up_ = nullptr;
  link_ = nullptr;
  if (reset != http::Reset::none && !response_ended_) host_.metrics[replica].resets.add();
  switch (state_) {
    case State::sent:
      if (may_repeat(reset)) {
        avoid = replica;
        return forward();
      }
      host_.timers.cancel(timer_);
      if (reset == http::Reset::peer_error)
        return refuse(
            {.code = 502, .message = "gatehouse: the API server's answer is not valid HTTP"}
        );
      return refuse(
          {.code = 503, .message = "gatehouse: the API server went away before it answered"}
      );
    case State::responding:
      if (response_ended_) return;
      leg_->session->reset(*down_, http::Reset::internal_error);  // never a silent success
      return leg_->mark_dirty();
    case State::tunnel:
      if (reset == http::Reset::none) return;
      leg_->session->reset(*down_, http::Reset::internal_error);
      return leg_->mark_dirty();
    case State::idle:
    case State::begun:
    case State::held:
    case State::collecting:
    case State::waiting:
    case State::refusing:
    case State::answered:
      return;
  }
}

void Exchange::on_down_closed(http::Reset reset) {
  host_.timers.cancel(timer_);
  host_.pool.cancel(*this);
  if (response_ended_ && up_ != nullptr && request_ended_) {
    up_->user = nullptr;  // it ends by itself
    up_ = nullptr;
    link_ = nullptr;
  } else {
    detach_up(http::Reset::cancelled);
  }
  drop_replay();
  trailers_.clear();
  down_->user = nullptr;
  down_ = nullptr;
  state_ = State::idle;
  host_.on_done(*this, reset);
}

}  // namespace gh::proxy
