// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h1_client.h"

#include "base/assert.h"
#include "base/limits.h"

#include <algorithm>

namespace gh::http {

// ---- asking ----

std::size_t H1Client::free_streams() const noexcept {
  return !open_ && !spoiled_ && !draining_ && out_.empty() ? 1 : 0;
}

Stream& H1Client::open(const RequestHead& head, bool end, void* user) {
  GH_ASSERT(free_streams() == 1);
  ++exchange_.id;
  exchange_.user = user;
  open_ = true;
  head_request_ = head.method == "HEAD";
  keep_alive_ = true;
  interim_heads_ = 0;
  unread_ = 0;
  upgrade_asked_.assign(head.upgrade);
  reading_ = Reading::head;
  writing_ = Writing::body;

  HeadFraming said;
  said.content_length = head.content_length;
  said.chunked = !end && !head.content_length;
  // RFC 9110 §8.6: a method that means to enclose content says how much, even when none.
  const bool encloses = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (end && !head.content_length && encloses) said.content_length = 0;
  said.upgrade = head.upgrade;
  if (!head.upgrade.empty()) {
    said.connection = head.te_trailers ? "Upgrade, TE" : "Upgrade";
  } else if (head.te_trailers) {
    said.connection = "TE";
  }
  out_.request_head(head, said);
  out_.begin_body(
      said.chunked ? BodyFraming::chunked : BodyFraming::fixed, said.content_length.value_or(0)
  );
  if (end) end_body(exchange_, nullptr);
  return exchange_;
}

void H1Client::send_body(Stream&, ByteView piece) {
  if (!usable()) return;
  const bool sending = writing_ == Writing::body || writing_ == Writing::tunnel;
  if (!sending || !out_.body(piece)) break_with(Reset::internal_error);
}

void H1Client::end_body(Stream&, const HeaderList* trailers) {
  if (!usable()) return;
  if (writing_ == Writing::tunnel) {
    writing_ = Writing::tunnel_ended;
  } else if (writing_ == Writing::body && out_.end_body(trailers)) {
    writing_ = Writing::whole;
  } else {
    break_with(Reset::internal_error);
  }
}

void H1Client::reset(Stream&, Reset why) {
  if (usable()) break_with(why == Reset::none ? Reset::internal_error : why);
}

void H1Client::consumed(Stream&, std::size_t body_bytes) {
  unread_ -= std::min(unread_, body_bytes);
}

// ---- the answer ----

Result<void, SessionError> H1Client::on_plaintext(ByteView bytes, Instant) {
  GH_TRY_VOID(read(bytes));
  settle();
  return {};
}

Result<void, SessionError> H1Client::read(ByteView bytes) {
  while (!bytes.empty()) {
    switch (reading_) {
      case Reading::head:
        GH_TRY_VOID(read_head(bytes));
        break;
      case Reading::body:
        GH_TRY_VOID(read_body(bytes));
        break;
      case Reading::tunnel:
        read_tunnel(bytes);
        break;
      case Reading::whole:
        if (!keep_alive_) return {};  // the connection ends with the answer: nobody reads on
        [[fallthrough]];
      // Bytes nobody asked for: the two sides no longer agree on where answers end.
      case Reading::idle:
        return fail_with(SessionError::bad_response, Reset::none);
      case Reading::tunnel_ended:
      case Reading::ended:
        return {};
    }
  }
  return {};
}

Result<void, SessionError> H1Client::read_head(ByteView& bytes) {
  const auto section = section_.take(bytes);
  if (!section) return fail_with(SessionError::bad_response, Reset::peer_error);
  if (section->empty()) return {};
  const auto taken = take_head(*section);
  section_.clear();
  return taken;
}

Result<void, SessionError> H1Client::take_head(std::string_view section) {
  const auto traits =
      head_reader_.read_response(section, head_request_, upgrade_asked_, exchange_.head);
  if (!traits) return fail_with(SessionError::bad_response, Reset::peer_error);
  keep_alive_ = keep_alive_ && traits->keep_alive;
  if (exchange_.head.interim()) {
    if (++interim_heads_ > limits::h1_interim_responses_max) {
      return fail_with(SessionError::bad_response, Reset::peer_error);
    }
    events_.on_response(exchange_, exchange_.head);
    return {};
  }
  if (exchange_.head.status == 101) {
    if (writing_ != Writing::whole) return fail_with(SessionError::bad_response, Reset::peer_error);
    enter_tunnel();
    return {};
  }
  reading_ = Reading::body;
  body_.begin(traits->framing, exchange_.head.content_length.value_or(0));
  const bool bodiless =
      traits->framing == BodyFraming::none ||
      (traits->framing == BodyFraming::fixed && exchange_.head.content_length == 0);
  events_.on_response(exchange_, exchange_.head);
  if (bodiless && reading_ == Reading::body) end_response();
  return {};
}

void H1Client::enter_tunnel() {
  keep_alive_ = false;
  reading_ = Reading::tunnel;
  writing_ = Writing::tunnel;
  out_.begin_body(BodyFraming::until_close, 0);
  events_.on_response(exchange_, exchange_.head);
}

Result<void, SessionError> H1Client::read_body(ByteView& bytes) {
  ByteView piece;
  const auto step = body_.take(bytes, piece, head_reader_);
  if (!step) return fail_with(SessionError::bad_response, Reset::peer_error);
  if (*step == BodyReader::Step::piece) {
    unread_ += piece.size();
    events_.on_body(exchange_, piece);
  }
  const bool length_reached = body_.framing() == BodyFraming::fixed && body_.left() == 0;
  if ((*step == BodyReader::Step::end || length_reached) && reading_ == Reading::body) {
    end_response();
  }
  return {};
}

void H1Client::read_tunnel(ByteView& bytes) {
  const ByteView piece = bytes;
  bytes = {};
  unread_ += piece.size();
  events_.on_tunnel_bytes(exchange_, piece);
}

// An answer before the request was whole leaves the connection in the middle of it: not used again.
void H1Client::end_response() {
  reading_ = Reading::whole;
  if (writing_ != Writing::whole || !out_.empty()) keep_alive_ = false;
  events_.on_response_end(exchange_, body_.trailers());
}

Result<void, SessionError> H1Client::on_eof() {
  spoiled_ = true;
  if (open_ && broken_ == Reset::none) {
    switch (reading_) {
      case Reading::head:
        return fail_with(SessionError::truncated, Reset::connection_lost);
      case Reading::body:
        if (body_.framing() != BodyFraming::until_close) {
          return fail_with(SessionError::truncated, Reset::connection_lost);
        }
        end_response();
        break;
      case Reading::tunnel:
        reading_ = Reading::tunnel_ended;
        events_.on_tunnel_end(exchange_);
        break;
      case Reading::idle:
      case Reading::whole:
      case Reading::tunnel_ended:
      case Reading::ended:
        break;
    }
  }
  settle();
  return {};
}

void H1Client::on_lost() {
  spoiled_ = true;
  if (open_) close_stream(broken_ == Reset::none ? Reset::connection_lost : broken_);
  reading_ = Reading::ended;
}

// ---- bytes out, ends ----

std::size_t H1Client::produce(MutableBytes into) {
  std::size_t n = 0;
  do {
    std::size_t body_sent = 0;
    n += out_.produce(into.subspan(n), body_sent);
    if (body_sent > 0 && open_) events_.on_sent(exchange_, body_sent);
    settle();
  } while (n < into.size() && !out_.empty());
  return n;
}

void H1Client::settle() {
  if (!unsettled()) return;
  if (broken_ != Reset::none) return close_stream(broken_);
  if (!keep_alive_ || draining_) spoiled_ = true;
  close_stream(Reset::none);
}

bool H1Client::unsettled() const noexcept {
  return open_ && (broken_ != Reset::none || exchange_over());
}

bool H1Client::exchange_over() const noexcept {
  if (reading_ == Reading::whole) return true;
  return reading_ == Reading::tunnel_ended && writing_ == Writing::tunnel_ended && out_.empty();
}

void H1Client::close_stream(Reset why) {
  open_ = false;
  broken_ = Reset::none;
  unread_ = 0;
  if (spoiled_) out_.clear();  // of a request nobody reads any more
  reading_ = spoiled_ ? Reading::ended : Reading::idle;
  writing_ = Writing::idle;
  events_.on_closed(exchange_, why);
  if (free_streams() > 0) events_.on_capacity();
}

// The stream is told with the next settle(); nothing more is sent or read here.
void H1Client::break_with(Reset why) {
  broken_ = why;
  spoiled_ = true;
  reading_ = Reading::ended;
  out_.clear();
}

Result<void, SessionError> H1Client::fail_with(SessionError error, Reset why) {
  spoiled_ = true;
  out_.clear();
  if (open_) close_stream(why);
  reading_ = Reading::ended;
  return fail(error);
}

bool H1Client::reading_paused() const noexcept { return unread_ >= limits::h1_body_unread_max; }

bool H1Client::finished() const noexcept { return !open_ && (spoiled_ || draining_); }

bool H1Client::sending_ended() const noexcept {
  return open_ && writing_ == Writing::tunnel_ended && out_.empty();
}

std::unique_ptr<ClientSession> make_h1_client(ClientEvents& events, BufferPool& pool) {
  return std::make_unique<H1Client>(events, pool);
}

}  // namespace gh::http
