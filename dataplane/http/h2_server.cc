// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h2_server.h"

#include "dataplane/http/fields.h"
#include "dataplane/http/status_body.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gh::http {

namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view drain_mark = "gh-drain";  // a PING's eight bytes

H2ServerStream& server_stream(H2Stream& stream) { return static_cast<H2ServerStream&>(stream); }

H2ServerStream& server_stream(Stream& stream) { return static_cast<H2ServerStream&>(stream); }

bool same_authority(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return ascii_lower(x) == ascii_lower(y);
  });
}

// Codes by which we or nghttp2 punish what the client did. NO_ERROR, CANCEL and INTERNAL_ERROR are
// our own wishes; REFUSED_STREAM is counted when the stream is refused.
bool is_client_fault(std::uint32_t code) {
  return code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR &&
         code != NGHTTP2_REFUSED_STREAM;
}

}  // namespace

H2Server::H2Server(
    ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now
)
    : H2Session(Role::server, pool, now),
      events_(events),
      settings_(settings),
      start_(now),
      idle_from_(now) {
  send_settings(settings.streams_max);
}

H2Server::~H2Server() {
  for (H2Stream* const stream : open_) delete &server_stream(*stream);
  for (H2Stream* const stream : dead_) delete &server_stream(*stream);
}

// ---- bytes and time ----

Result<void, SessionError> H2Server::on_plaintext(ByteView bytes, Instant now) {
  now_ = now;
  if (!take_preface(bytes)) fail(SessionError::h2_protocol);
  return take_plaintext(bytes, now);
}

// RFC 9113 §3.4.
bool H2Server::take_preface(ByteView& bytes) {
  if (preface_have_ == preface.size() || bytes.empty()) return true;
  const std::size_t n = std::min(bytes.size(), preface.size() - preface_have_);
  if (std::memcmp(bytes.data(), preface.data() + preface_have_, n) != 0) return false;
  preface_have_ += n;
  bytes = bytes.subspan(n);
  return true;
}

Result<void, SessionError> H2Server::on_eof() {
  eof_ = true;
  const bool cut = mid_frame() || std::any_of(open_.begin(), open_.end(), [](const H2Stream* s) {
                     return !s->remote_ended;
                   });
  if (error_ == SessionError::none && cut) error_ = SessionError::truncated;
  if (!closed_) close_all(Reset::connection_lost);
  return settle();
}

std::size_t H2Server::produce(MutableBytes into) {
  producing_ = true;
  const std::size_t n = produce_into(into);
  producing_ = false;
  return n;
}

Instant H2Server::next_deadline() const noexcept {
  if (error_ != SessionError::none || closed_) return Instant::never();
  Instant next = Instant::never();
  if (!settings_seen_) next = start_ + settings_.head_timeout;
  if (guard_.block_open()) next = std::min(next, guard_.block_since() + settings_.head_timeout);
  if (drain_ == Drain::noticed) next = std::min(next, drain_due_);
  if (open_.empty() && drain_ == Drain::none)
    next = std::min(next, idle_from_ + settings_.idle_timeout);
  return next;
}

Result<void, SessionError> H2Server::on_deadline(Instant now) {
  now_ = now;
  if (now < next_deadline()) return settle();
  const bool late_settings = !settings_seen_ && now >= start_ + settings_.head_timeout;
  const bool late_block =
      guard_.block_open() && now >= guard_.block_since() + settings_.head_timeout;
  if (late_settings || late_block) {
    fail(SessionError::head_timeout);
  } else if (drain_ == Drain::noticed) {
    // begin_drain() is not told the time: the second between the two GOAWAY frames starts at the
    // first deadline.
    if (drain_armed_) name_last_stream();
    drain_armed_ = true;
    drain_due_ = now + limits::h2_drain_notice;
  } else if (!idle_exact_) {
    idle_exact_ = true;
    idle_from_ = now;
  } else {
    fail(SessionError::idle_timeout);
  }
  return settle();
}

void H2Server::begin_drain() {
  if (drain_ != Drain::none || closed_ || error_ != SessionError::none) return;
  drain_ = Drain::noticed;
  drain_due_ = now_;
  // Two steps (RFC 9113 §6.8), so that requests on their way are not lost. The PING's answer says
  // the notice was read.
  nghttp2_submit_shutdown_notice(ng_);
  nghttp2_submit_ping(ng_, NGHTTP2_FLAG_NONE, as_bytes(drain_mark).data());
}

void H2Server::on_ping_ack() {
  if (drain_ == Drain::noticed) name_last_stream();
}

void H2Server::name_last_stream() {
  drain_ = Drain::last_stream_named;
  nghttp2_submit_goaway(
      ng_,
      NGHTTP2_FLAG_NONE,
      nghttp2_session_get_last_proc_stream_id(ng_),
      NGHTTP2_NO_ERROR,
      nullptr,
      0
  );
}

bool H2Server::finished() const noexcept {
  if (!open_.empty() || has_output()) return false;
  return error_ != SessionError::none || eof_ || peer_goaway_ || closed_ ||
         drain_ == Drain::last_stream_named;
}

// ---- frames before nghttp2 ----

// nghttp2 forgets closed streams and then ignores what still comes on them; RFC 9113 §5.1 and
// §5.1.1 ask for more.
void H2Server::on_frame(const h2::FrameHead& frame) {
  if (frame.type == h2::priority && frame.stream == 0) return fail(SessionError::h2_protocol);
  if (frame.type != h2::data && frame.type != h2::headers) return;
  if (frame.stream % 2 == 0 || frame.stream > last_id_ || exists(frame.stream))
    return;  // nghttp2 judges
  switch (fate_of(frame.stream)) {
    case Fate::never_opened:
      return fail(SessionError::h2_protocol);
    case Fate::ended:
      return fail(SessionError::h2_protocol, NGHTTP2_STREAM_CLOSED);
    case Fate::reset_by_client:
      return rst(frame.stream, NGHTTP2_STREAM_CLOSED);
    case Fate::reset_by_us:
    case Fate::forgotten:
      break;  // on its way when our RST_STREAM was
  }
  if (guard_.on_idle_frame(now_) == H2FrameGuard::Verdict::flood) fail(SessionError::h2_flood);
}

H2Server::Fate H2Server::fate_of(std::uint32_t id) const noexcept {
  return last_id_ - id >= 2 * fates_kept ? Fate::forgotten : fates_[id / 2 % fates_kept];
}

void H2Server::set_fate(std::uint32_t id, Fate fate) noexcept {
  if (fate_of(id) != Fate::forgotten) fates_[id / 2 % fates_kept] = fate;
}

void H2Server::open_id(std::uint32_t id) noexcept {
  const std::uint32_t first = id - last_id_ > 2 * fates_kept
                                  ? id - static_cast<std::uint32_t>(2 * fates_kept) + 2
                                  : last_id_ + 2;
  for (std::uint32_t skipped = first | 1; skipped < id; skipped += 2)
    fates_[skipped / 2 % fates_kept] = Fate::never_opened;
  fates_[id / 2 % fates_kept] = Fate::ended;
  last_id_ = id;
}

void H2Server::wasted() {
  if (guard_.on_wasted_stream(now_) == H2FrameGuard::Verdict::flood) fail(SessionError::h2_flood);
}

void H2Server::on_reset_received(std::uint32_t id, H2Stream* stream) {
  if (stream == nullptr) {
    if (guard_.on_idle_frame(now_) == H2FrameGuard::Verdict::flood) fail(SessionError::h2_flood);
    return;
  }
  set_fate(id, Fate::reset_by_client);
  // The end of a watch or a log that had its answer is no waste; streams_max bounds how many a
  // second there can be.
  const bool served =
      stream->head_sent && now_ - server_stream(*stream).opened >= std::chrono::seconds(1);
  if (!served) wasted();
}

void H2Server::on_reset_sent(std::uint32_t id, std::uint32_t code) {
  if (id <= last_id_) set_fate(id, Fate::reset_by_us);
  if (is_client_fault(code)) wasted();
}

// ---- requests ----

H2Stream* H2Server::on_new_stream(std::int32_t id) {
  open_id(static_cast<std::uint32_t>(id));
  if (open_.size() >= settings_.streams_max) {
    wasted();
    return nullptr;
  }
  if (idle_streams_.empty()) idle_streams_.push_back(std::make_unique<H2ServerStream>(pool_));
  H2ServerStream& stream = *idle_streams_.back().release();
  idle_streams_.pop_back();
  stream.opened = now_;
  return &stream;
}

void H2Server::on_head_begin(H2Stream& stream) {
  stream.in_trailers = true;
  server_stream(stream).fields = 0;
}

H2Session::FieldVerdict H2Server::on_field(
    H2Stream& base, std::string_view name, std::string_view value
) {
  H2ServerStream& stream = server_stream(base);
  ++stream.fields;
  if (stream.in_trailers) return on_trailer(stream, name, value);
  if (stream.head_bytes > 2 * limits::head_bytes_max) return FieldVerdict::too_large;
  if (stream.head_bytes > limits::head_bytes_max || stream.fields > limits::header_fields_max)
    stream.too_large = true;
  if (stream.too_large) return FieldVerdict::keep;
  return on_request_field(stream, name, value);
}

H2Session::FieldVerdict H2Server::on_trailer(
    H2ServerStream& stream, std::string_view name, std::string_view value
) {
  if (stream.head_bytes > limits::trailer_bytes_max) return FieldVerdict::too_large;
  stream.trailers_in.add(name, value);
  return FieldVerdict::keep;
}

// nghttp2 has refused upper case, bad bytes, pseudo fields that are unknown, repeated, empty or
// late, connection-specific fields and a repeated Host or Content-Length (RFC 9113 §8.2, §8.3).
H2Session::FieldVerdict H2Server::on_request_field(
    H2ServerStream& stream, std::string_view name, std::string_view value
) {
  RequestHead& head = stream.head;
  if (name.front() == ':') {
    if (name == ":method") {
      head.method = value;
    } else if (name == ":path") {
      head.target = value;
    } else if (name == ":scheme") {
      head.scheme = value;
    } else if (name == ":authority") {
      head.authority = value;
    }
    return FieldVerdict::keep;
  }
  switch (kind_of(name)) {
    case FieldKind::end_to_end:
      break;
    case FieldKind::host:
      stream.host = value;
      stream.has_host = true;
      return FieldVerdict::keep;
    case FieldKind::content_length:
      head.content_length = parse_content_length(value);
      return head.content_length ? FieldVerdict::keep : FieldVerdict::malformed;
    case FieldKind::te:
      head.te_trailers = true;
      return FieldVerdict::keep;  // nghttp2 lets only "trailers" pass
    case FieldKind::expect:
      head.expect_continue = equals_ignoring_case(value, "100-continue");
      stream.unknown_expectation = stream.unknown_expectation || !head.expect_continue;
      return FieldVerdict::keep;
    case FieldKind::connection:
    case FieldKind::transfer_encoding:
    case FieldKind::upgrade:
      return FieldVerdict::malformed;
    case FieldKind::dropped:
      return FieldVerdict::keep;
  }
  if (name == "cookie") {
    if (!stream.cookie.empty()) stream.cookie += "; ";
    stream.cookie += value;
    return FieldVerdict::keep;
  }
  head.headers.add(name, value);
  return FieldVerdict::keep;
}

// What nghttp2 does not look at. False: RST_STREAM PROTOCOL_ERROR, as Go's server answers (RFC 9113
// §8.1.1).
bool H2Server::check_request(H2ServerStream& stream) {
  RequestHead& head = stream.head;
  if (!is_token(head.method) || head.method.size() > limits::method_bytes_max) return false;
  if (head.target.size() > limits::request_line_bytes_max) return false;
  if (head.method != "CONNECT") {
    if (!equals_ignoring_case(head.scheme, "https") && !equals_ignoring_case(head.scheme, "http"))
      return false;
    if (!is_target(head.method, head.target)) return false;
    head.scheme = "https";  // what TLS made it, whatever was said
  }
  if (stream.has_host && !head.authority.empty() && !same_authority(head.authority, stream.host))
    return false;
  if (head.authority.empty()) head.authority = stream.host;
  return is_authority(head.authority);
}

bool H2Server::on_head_end(H2Stream& base) {
  H2ServerStream& stream = server_stream(base);
  if (stream.in_trailers) return true;
  if (stream.too_large) {
    refuse(stream, 431, "the header fields of the request are too large");
    return true;
  }
  if (!check_request(stream)) return false;
  RequestHead& head = stream.head;
  if (head.method == "CONNECT") {
    refuse(stream, 405, "CONNECT is not supported");
    return true;
  }
  if (stream.unknown_expectation) {
    refuse(stream, 417, "the only expectation met is 100-continue");
    return true;
  }
  if (!stream.cookie.empty()) head.headers.add("cookie", stream.cookie);
  head.expect_continue = head.expect_continue && !stream.remote_ended;
  head.version = Version::http_2;
  head.has_body = !stream.remote_ended;
  stream.announced = true;
  guard_.on_request();
  events_.on_request(stream, head);
  return true;
}

void H2Server::on_data(H2Stream& stream, ByteView piece) { events_.on_body(stream, piece); }

void H2Server::on_remote_end(H2Stream& stream) {
  if (!stream.announced) return;
  drop_forbidden_trailers(stream.trailers_in);
  events_.on_request_end(stream, stream.in_trailers ? &stream.trailers_in : nullptr);
}

// ---- answers ----

void H2Server::refuse(H2ServerStream& stream, int code, std::string_view message) {
  const std::string body = status_body(code, status_reason(code), message);
  ResponseHead head;
  head.status = code;
  head.headers.add("content-type", "application/json");
  head.content_length = body.size();
  respond(stream, head, false);
  queue_body(stream, as_bytes(body));
  queue_end(stream, nullptr);
}

void H2Server::respond(Stream& base, const ResponseHead& head, bool end) {
  H2ServerStream& stream = server_stream(base);
  if (stream.dead || stream.head_sent) return;
  // No such status exists in HTTP/2 (RFC 9113 §8.6), or anywhere.
  if (head.status == 101 || head.status < 100 || head.status > 999)
    return kill(stream, Reset::internal_error);
  std::array<char, 24> status;
  std::array<char, 24> length;
  const char* const status_end = std::to_chars(status.begin(), status.end(), head.status).ptr;
  std::array<OutField, 2> first{{{":status", {status.data(), status_end}}, {}}};
  std::size_t fields = 1;
  if (head.content_length && !head.interim() && head.status != 204) {
    const char* const length_end =
        std::to_chars(length.begin(), length.end(), *head.content_length).ptr;
    first[fields++] = {"content-length", {length.data(), length_end}};
  }
  Head kind = Head::interim;
  if (!head.interim()) {
    kind = end ? Head::response_end : Head::response;
    stream.head_sent = true;
    stream.body_ended = stream.body_ended || end;
    stream.discard_body = head.status == 204 || head.status == 304 || stream.head.method == "HEAD";
  }
  if (submit(stream, std::span(first).first(fields), head.headers, kind) < 0)
    kill(stream, Reset::internal_error);
}

void H2Server::send_body(Stream& stream, ByteView piece) {
  queue_body(server_stream(stream), piece);
}

void H2Server::end_body(Stream& stream, const HeaderList* trailers) {
  queue_end(server_stream(stream), trailers);
}

void H2Server::reset(Stream& stream, Reset why) { kill(server_stream(stream), why); }

void H2Server::consumed(Stream& stream, std::size_t body_bytes) {
  give_credit(server_stream(stream), body_bytes);
}

void H2Server::on_data_sent(H2Stream& stream, std::size_t bytes) {
  if (stream.announced) events_.on_sent(stream, bytes);
}

// The whole answer is out and the request still comes: ask the client to stop (RFC 9113 §8.1).
void H2Server::on_local_end(H2Stream& stream) {
  if (!stream.remote_ended) rst(stream.id, NGHTTP2_NO_ERROR);
}

void H2Server::on_stream_closed(H2Stream& base, Reset why) {
  H2ServerStream& stream = server_stream(base);
  if (stream.announced) events_.on_closed(stream, why);
  if (open_.empty()) {
    idle_from_ = now_;
    idle_exact_ = !producing_;
  }
  if (idle_streams_.size() >= streams_kept) {
    delete &stream;
    return;
  }
  stream.clear_common();
  stream.head.clear();
  stream.host.clear();
  stream.cookie.clear();
  stream.fields = 0;
  stream.has_host = stream.too_large = stream.unknown_expectation = false;
  idle_streams_.emplace_back(&stream);
}

std::unique_ptr<ServerSession> make_h2_server(
    ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now
) {
  return std::make_unique<H2Server>(events, pool, settings, now);
}

}  // namespace gh::http
