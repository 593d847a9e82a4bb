// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h1_server.h"

#include "base/limits.h"
#include "dataplane/http/status_body.h"

#include <algorithm>

namespace gh::http {

namespace {

constexpr std::size_t head_kept_bytes =
    8192;  // a larger request head is given back when its exchange ends

class Flagged {
 public:
  explicit Flagged(bool& flag) : flag_(flag) { flag_ = true; }

  ~Flagged() { flag_ = false; }

  Flagged(const Flagged&) = delete;
  Flagged& operator=(const Flagged&) = delete;

 private:
  bool& flag_;
};

}  // namespace

H1Server::H1Server(
    ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now
)
    : events_(events), settings_(settings), out_(pool), held_(pool), now_(now), timer_from_(now) {}

// ---- bytes in ----

Result<void, SessionError> H1Server::on_plaintext(ByteView bytes, Instant now) {
  const Flagged known(time_known_);
  now_ = now;
  if (held_.empty()) GH_TRY_VOID(read(bytes));
  if (!ending_) held_.append(bytes);  // what may not be read yet; order is kept
  return settle();
}

// Consumes from the front of `bytes` as far as may be read now.
Result<void, SessionError> H1Server::read(ByteView& bytes) {
  while (!bytes.empty()) {
    switch (reading_) {
      case Reading::head:
        GH_TRY_VOID(read_head(bytes));
        break;
      case Reading::body:
        GH_TRY_VOID(read_body(bytes));
        break;
      case Reading::behind:
        return {};
      case Reading::tunnel:
        read_tunnel(bytes);
        break;
      case Reading::ended:
        bytes = {};
        break;
    }
  }
  return {};
}

Result<void, SessionError> H1Server::read_head(ByteView& bytes) {
  const auto section = section_.take(bytes);
  if (!section) return refuse(section.error());
  if (section->empty()) {
    if (timer_ != Timer::head) arm(Timer::head);
    return {};
  }
  if (*section == "\r\n" && !skipped_empty_line_) {
    skipped_empty_line_ =
        true;  // one, as some clients end a body with a line too many (RFC 9112 §2.2)
    section_.clear();
    return {};
  }
  const auto begun = begin_exchange(*section);
  section_.clear();
  return begun;
}

Result<void, SessionError> H1Server::begin_exchange(std::string_view section) {
  const auto traits = head_reader_.read_request(section, exchange_.head);
  if (!traits) return refuse(traits.error());
  arm(Timer::none);
  exchange_.user = nullptr;
  ++exchange_.id;
  open_ = true;
  keep_alive_ = traits->keep_alive;
  skipped_empty_line_ = continue_sent_ = false;
  unread_ = drained_ = 0;
  writing_ = Writing::waiting;
  reading_ = Reading::body;
  body_.begin(traits->framing, exchange_.head.content_length.value_or(0));
  events_.on_request(exchange_, exchange_.head);
  if (traits->framing == BodyFraming::none && reading_ == Reading::body) end_request();
  return {};
}

Result<void, SessionError> H1Server::read_body(ByteView& bytes) {
  ByteView piece;
  const auto step = body_.take(bytes, piece, head_reader_);
  if (!step) return refuse(step.error());
  if (*step == BodyReader::Step::piece) take_body(piece);
  const bool length_reached = body_.framing() == BodyFraming::fixed && body_.left() == 0;
  if ((*step == BodyReader::Step::end || length_reached) && reading_ == Reading::body)
    end_request();
  return {};
}

void H1Server::take_body(ByteView piece) {
  if (open_) {
    unread_ += piece.size();
    events_.on_body(exchange_, piece);
    return;
  }
  drained_ += piece.size();
  if (drained_ > limits::h1_drain_bytes_max) end_connection();
}

void H1Server::end_request() {
  reading_ = open_ ? Reading::behind : Reading::head;
  if (open_) {
    if (eof_) arm(Timer::half_closed);
    return events_.on_request_end(exchange_, body_.trailers());
  }
  arm(Timer::idle);  // drained: the answer was out before
}

void H1Server::read_tunnel(ByteView& bytes) {
  const ByteView piece = bytes;
  bytes = {};
  unread_ += piece.size();
  if (timer_ == Timer::tunnel) arm(Timer::tunnel);
  events_.on_tunnel_bytes(exchange_, piece);
}

// What came behind a request, as far as it may be read now.
Result<void, SessionError> H1Server::read_held() {
  while (!held_.empty() && reading_ != Reading::behind) {
    ByteView bytes = held_.front();
    const std::size_t before = bytes.size();
    GH_TRY_VOID(read(bytes));
    held_.pop(before - bytes.size());
  }
  return {};
}

// What is held behind a request that does not end must not hide the end of the input.
Result<void, SessionError> H1Server::on_eof() {
  eof_ = true;
  if (reading_ == Reading::behind && !held_.empty()) arm(Timer::half_closed);
  return settle();
}

void H1Server::on_lost() {
  end_connection();
  aborted_ = true;
  out_.clear();
  held_.clear();
  if (open_) close_stream(broken_ == Reset::none ? Reset::connection_lost : broken_);
}

Result<void, SessionError> H1Server::end_of_input() {
  input_end_seen_ = true;
  switch (reading_) {
    case Reading::head:
      if (section_.started()) return end_with(SessionError::truncated);
      end_connection();
      return {};
    case Reading::body:
      keep_alive_ = false;
      if (!open_) end_connection();
      if (!open_ || writing_ == Writing::whole) return {};  // what is missing was not wanted
      break_with(Reset::connection_lost);
      close_stream(Reset::connection_lost);
      return end_with(SessionError::truncated);
    case Reading::behind:
      arm(Timer::half_closed);
      return {};
    case Reading::tunnel:
      events_.on_tunnel_end(exchange_);
      return {};
    case Reading::ended:
      return {};
  }
  return {};
}

bool H1Server::request_whole() const noexcept {
  return reading_ != Reading::body || body_.framing() == BodyFraming::none;
}

// ---- answers ----

void H1Server::respond(Stream&, const ResponseHead& head, bool end) {
  if (!answerable()) return;
  if (writing_ != Writing::waiting) return break_with(Reset::internal_error);
  if (head.interim()) {
    if (exchange_.head.version != Version::http_1_1) return;  // RFC 9110 §15.2
    out_.status_head(head.status, head.headers, {});
    continue_sent_ = continue_sent_ || head.status == 100;
    return;
  }
  if (head.status == 101) return switch_protocols(head);
  final_head(head, end);
}

void H1Server::final_head(const ResponseHead& head, bool end) {
  const bool http_1_1 = exchange_.head.version == Version::http_1_1;
  const bool bodiless = exchange_.head.method == "HEAD" || head.status == 204 || head.status == 304;
  HeadFraming said;
  BodyFraming framing = BodyFraming::none;
  if (bodiless) {
    if (head.status != 204) said.content_length = head.content_length;
  } else if (head.content_length || end) {
    framing = BodyFraming::fixed;
    said.content_length = head.content_length.value_or(0);
  } else {
    framing = http_1_1 ? BodyFraming::chunked : BodyFraming::until_close;
    said.chunked = http_1_1;
  }
  const bool more_may_come = !draining_ && !input_over();
  keep_alive_ = keep_alive_ && more_may_come && framing != BodyFraming::until_close &&
                (request_whole() || rest_will_be_drained());
  said.connection = connection_field();
  out_.status_head(head.status, head.headers, said);
  out_.begin_body(framing, said.content_length.value_or(0));
  writing_ = Writing::body;
  if (end) end_body(exchange_, nullptr);
}

std::string_view H1Server::connection_field() const noexcept {
  if (!keep_alive_) return "close";
  return exchange_.head.version == Version::http_1_1 ? "" : "keep-alive";
}

// An answer that comes before the request is whole. A client that waits for 100 may send its body
// or not: no guessing.
bool H1Server::rest_will_be_drained() const noexcept {
  return body_.framing() == BodyFraming::fixed && body_.left() <= limits::h1_drain_bytes_max &&
         (!exchange_.head.expect_continue || continue_sent_);
}

void H1Server::switch_protocols(const ResponseHead& head) {
  if (exchange_.head.upgrade.empty() || reading_ != Reading::behind) {
    return break_with(Reset::internal_error);
  }
  HeadFraming said;
  said.connection = "Upgrade";
  said.upgrade = head.upgrade;
  out_.status_head(head.status, head.headers, said);
  out_.begin_body(BodyFraming::until_close, 0);
  keep_alive_ = false;
  reading_ = Reading::tunnel;
  writing_ = Writing::tunnel;
  input_end_seen_ = false;
  arm(Timer::none);
}

void H1Server::send_body(Stream&, ByteView piece) {
  if (!answerable()) return;
  const bool sending = writing_ == Writing::body || writing_ == Writing::tunnel;
  if (!sending || !out_.body(piece)) break_with(Reset::internal_error);
}

void H1Server::end_body(Stream&, const HeaderList* trailers) {
  if (!answerable()) return;
  if (writing_ == Writing::tunnel) {
    writing_ = Writing::tunnel_ended;
    if (!eof_) arm(Timer::tunnel);
    return;
  }
  if (writing_ != Writing::body || !out_.end_body(trailers)) {
    return break_with(Reset::internal_error);
  }
  writing_ = Writing::whole;
}

void H1Server::reset(Stream&, Reset why) {
  if (answerable()) break_with(why == Reset::none ? Reset::internal_error : why);
}

void H1Server::consumed(Stream&, std::size_t body_bytes) {
  unread_ -= std::min(unread_, body_bytes);
}

// Our own answer to what was not understood, where one can still be given; then the connection
// ends.
Result<void, SessionError> H1Server::refuse(const Refused& refused) {
  const bool between = !open_ && reading_ == Reading::head;
  if (between || (answerable() && writing_ == Writing::waiting)) {
    const std::string body =
        status_body(refused.status, status_reason(refused.status), refused.text);
    HeaderList headers;
    headers.add("cache-control", "no-cache, private");
    headers.add("content-type", "application/json");
    HeadFraming said;
    said.content_length = body.size();
    said.connection = "close";
    out_.status_head(refused.status, headers, said);
    out_.text(body);
  } else if (open_ && writing_ != Writing::whole) {
    aborted_ = true;
  }
  const auto ended = end_with(refused.error);
  if (open_) close_stream(Reset::peer_error);
  return ended;
}

// ---- bytes out ----

std::size_t H1Server::produce(MutableBytes into) {
  std::size_t n = 0;
  for (;;) {
    std::size_t body_sent = 0;
    n += out_.produce(into.subspan(n), body_sent);
    if (body_sent > 0 && open_) events_.on_sent(exchange_, body_sent);
    const bool went_on = unsettled();
    // An error is not for the caller of produce(): what answers it is in out_, and finished()
    // follows.
    static_cast<void>(settle());
    if (n == into.size() || (!went_on && out_.empty())) return n;
  }
}

bool H1Server::wants_output() const noexcept { return out_.waiting() || unsettled(); }

// ---- ends ----

// Does, one after another, what commands had to leave because events never come from inside them.
Result<void, SessionError> H1Server::settle() {
  Result<void, SessionError> outcome;
  while (outcome && unsettled()) {
    if (open_ && broken_ != Reset::none) {
      close_stream(broken_);
    } else if (exchange_over()) {
      finish_exchange();
    } else if (held_readable()) {
      outcome = read_held();
    } else {
      outcome = end_of_input();
    }
  }
  if (ending_) held_.clear();
  return outcome;
}

bool H1Server::unsettled() const noexcept {
  return (open_ && broken_ != Reset::none) || exchange_over() || held_readable() ||
         (input_over() && !input_end_seen_);
}

bool H1Server::held_readable() const noexcept {
  return !held_.empty() && reading_ != Reading::behind && !ending_;
}

bool H1Server::exchange_over() const noexcept {
  if (!answerable() || !out_.empty()) return false;
  return writing_ == Writing::whole || (writing_ == Writing::tunnel_ended && input_end_seen_);
}

void H1Server::finish_exchange() {
  const bool whole = request_whole();
  const bool tunnel = writing_ == Writing::tunnel_ended;
  out_.clear();  // it is empty, but for the count of a body that HEAD kept from being sent
  input_end_seen_ = false;
  close_stream(Reset::none);
  if (tunnel || !keep_alive_ || draining_) return end_connection();
  if (whole) reading_ = Reading::head;
  arm(whole ? Timer::idle : Timer::drain);
}

void H1Server::close_stream(Reset why) {
  open_ = false;
  broken_ = Reset::none;
  unread_ = 0;
  writing_ = Writing::idle;
  events_.on_closed(exchange_, why);
  if (exchange_.head.headers.bytes() + exchange_.head.target.size() > head_kept_bytes) {
    exchange_.head = RequestHead{};
  }
}

// The stream is told with the next settle(). What is queued still goes where it was sent before the
// break.
void H1Server::break_with(Reset why) {
  broken_ = why;
  aborted_ = true;
  if (why == Reset::cancelled) out_.clear();
  end_connection();
}

void H1Server::end_connection() noexcept {
  reading_ = Reading::ended;
  ending_ = true;
  arm(Timer::closing);
}

Result<void, SessionError> H1Server::end_with(SessionError error) noexcept {
  end_connection();
  error_ = error;
  return fail(error);
}

bool H1Server::finished() const noexcept {
  if (open_ || out_.waiting()) return false;
  return ending_ ||
         (draining_ && reading_ == Reading::head && !section_.started() && held_.empty());
}

bool H1Server::sending_ended() const noexcept {
  return open_ && writing_ == Writing::tunnel_ended && out_.empty();
}

bool H1Server::reading_paused() const noexcept {
  return held_.size() >= limits::h1_pipelined_bytes_max || unread_ >= limits::h1_body_unread_max;
}

// ---- time ----

// The time is known in on_plaintext() and on_deadline(); a timer armed elsewhere counts from the
// next on_deadline().
void H1Server::arm(Timer timer) noexcept {
  timer_ = timer;
  timer_from_ = now_;
  timer_stale_ = !time_known_;
}

Duration H1Server::length_of(Timer timer) const noexcept {
  switch (timer) {
    case Timer::none:
      break;
    case Timer::idle:
    case Timer::tunnel:
      return settings_.idle_timeout;
    case Timer::head:
    case Timer::drain:
      return settings_.head_timeout;
    case Timer::half_closed:
      return limits::h1_half_closed_timeout;
    case Timer::closing:
      return limits::h1_closing_timeout;
  }
  return Duration::zero();
}

Instant H1Server::next_deadline() const noexcept {
  if (timer_ == Timer::none || finished()) return Instant::never();
  return timer_from_ + length_of(timer_);
}

Result<void, SessionError> H1Server::on_deadline(Instant now) {
  const Flagged known(time_known_);
  now_ = now;
  if (timer_stale_) arm(timer_);
  if (timer_ == Timer::none || now < next_deadline()) return settle();
  GH_TRY_VOID(on_expired());
  return settle();
}

Result<void, SessionError> H1Server::on_expired() {
  switch (timer_) {
    case Timer::none:
      return {};
    case Timer::idle:
      return end_with(SessionError::idle_timeout);
    case Timer::head:
      return refuse({SessionError::head_timeout, 408, "the request head did not arrive in time"});
    case Timer::drain:
      end_connection();
      return {};
    case Timer::half_closed:
    case Timer::tunnel:
      break_with(Reset::cancelled);
      return {};
    case Timer::closing:
      out_.clear();
      return {};
  }
  return {};
}

std::unique_ptr<ServerSession> make_h1_server(
    ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now
) {
  return std::make_unique<H1Server>(events, pool, settings, now);
}

}  // namespace gh::http
