// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h2_client.h"

#include "base/assert.h"
#include "dataplane/http/fields.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>

namespace gh::http {

namespace {

H2ClientStream& client_stream(H2Stream& stream) { return static_cast<H2ClientStream&>(stream); }

H2ClientStream& client_stream(Stream& stream) { return static_cast<H2ClientStream&>(stream); }

}  // namespace

H2Client::H2Client(ClientEvents& events, BufferPool& pool)
    : H2Session(Role::client, pool, Instant{}), events_(events) {
  send_settings(0);
}

H2Client::~H2Client() {
  for (H2Stream* const stream : open_) delete &client_stream(*stream);
  for (H2Stream* const stream : dead_) delete &client_stream(*stream);
}

Result<void, SessionError> H2Client::on_plaintext(ByteView bytes, Instant now) {
  auto result = take_plaintext(bytes, now);
  part_if_drained();
  tell_capacity();
  return result;
}

Result<void, SessionError> H2Client::on_eof() {
  eof_ = true;
  if (error_ == SessionError::none && (mid_frame() || !open_.empty()))
    error_ = SessionError::truncated;
  if (!closed_) close_all(Reset::connection_lost);
  return settle();
}

std::size_t H2Client::produce(MutableBytes into) {
  const std::size_t n = produce_into(into);
  part_if_drained();
  tell_capacity();
  return n;
}

void H2Client::tell_capacity() {
  if (!capacity_grew_) return;
  capacity_grew_ = false;
  if (free_streams() > 0) events_.on_capacity();
}

std::size_t H2Client::free_streams() const noexcept {
  if (error_ != SessionError::none || eof_ || draining_ || peer_goaway_ || closed_) return 0;
  if (nghttp2_session_check_request_allowed(ng_) == 0) return 0;
  const std::uint32_t theirs =
      nghttp2_session_get_remote_settings(ng_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const std::size_t most = std::min(theirs, limits::h2_client_streams_max);
  return most > open_.size() ? most - open_.size() : 0;
}

// ---- requests ----

Stream& H2Client::open(const RequestHead& head, bool end, void* user) {
  if (idle_streams_.empty()) idle_streams_.push_back(std::make_unique<H2ClientStream>(pool_));
  H2ClientStream& stream = *idle_streams_.back().release();
  idle_streams_.pop_back();
  stream.user = user;
  stream.announced = true;
  stream.head_sent = true;
  stream.body_ended = end;

  std::array<OutField, 7> first;
  std::size_t fields = 0;
  first[fields++] = {":method", head.method};
  first[fields++] = {
      ":scheme", head.scheme.empty() ? std::string_view("https") : std::string_view(head.scheme)
  };
  if (!head.authority.empty()) first[fields++] = {":authority", head.authority};
  first[fields++] = {":path", head.target};
  std::array<char, 24> length;
  if (head.content_length) {
    const char* const length_end =
        std::to_chars(length.begin(), length.end(), *head.content_length).ptr;
    first[fields++] = {"content-length", {length.data(), length_end}};
  }
  if (head.te_trailers) first[fields++] = {"te", "trailers"};
  if (head.expect_continue) first[fields++] = {"expect", "100-continue"};
  const int id = submit(
      stream, std::span(first).first(fields), head.headers, end ? Head::request_end : Head::request
  );
  enlist(stream, std::max(id, 0));
  if (id < 0) kill(stream, Reset::refused);
  return stream;
}

void H2Client::send_body(Stream& stream, ByteView piece) {
  queue_body(client_stream(stream), piece);
}

void H2Client::end_body(Stream& stream, const HeaderList* trailers) {
  queue_end(client_stream(stream), trailers);
}

void H2Client::reset(Stream& stream, Reset why) { kill(client_stream(stream), why); }

void H2Client::consumed(Stream& stream, std::size_t body_bytes) {
  give_credit(client_stream(stream), body_bytes);
}

void H2Client::on_data_sent(H2Stream& stream, std::size_t bytes) { events_.on_sent(stream, bytes); }

// ---- responses ----

void H2Client::on_head_begin(H2Stream& base) {
  H2ClientStream& stream = client_stream(base);
  stream.fields = 0;
  stream.in_trailers = stream.head_seen;
  if (!stream.in_trailers) stream.head.clear();
}

H2Session::FieldVerdict H2Client::on_field(
    H2Stream& base, std::string_view name, std::string_view value
) {
  H2ClientStream& stream = client_stream(base);
  const std::size_t most = stream.in_trailers ? limits::trailer_bytes_max : limits::head_bytes_max;
  if (stream.head_bytes > most || ++stream.fields > limits::header_fields_max)
    return FieldVerdict::too_large;
  if (stream.in_trailers) {
    stream.trailers_in.add(name, value);
    return FieldVerdict::keep;
  }
  if (name.front() == ':') return on_status(stream, value);  // nghttp2 lets no other pass
  switch (kind_of(name)) {
    case FieldKind::content_length:
      stream.head.content_length = parse_content_length(value);
      return stream.head.content_length ? FieldVerdict::keep : FieldVerdict::malformed;
    case FieldKind::connection:
    case FieldKind::transfer_encoding:
    case FieldKind::upgrade:
      return FieldVerdict::malformed;
    case FieldKind::dropped:
    case FieldKind::expect:
    case FieldKind::host:
    case FieldKind::te:
      return FieldVerdict::keep;
    case FieldKind::end_to_end:
      break;
  }
  stream.head.headers.add(name, value);
  return FieldVerdict::keep;
}

// Three digits, 100 to 599; 101 does not exist here (RFC 9113 §8.6).
H2Session::FieldVerdict H2Client::on_status(H2ClientStream& stream, std::string_view value) {
  int status = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), status);
  const bool whole =
      error == std::errc() && end == value.data() + value.size() && value.size() == 3;
  if (!whole || status < 100 || status > 599 || status == 101) return FieldVerdict::malformed;
  stream.head.status = status;
  return FieldVerdict::keep;
}

bool H2Client::on_head_end(H2Stream& base) {
  H2ClientStream& stream = client_stream(base);
  if (stream.in_trailers) return true;
  if (stream.head.interim()) {
    // A server may send any number of these; not without end.
    if (guard_.on_idle_frame(now_) == H2FrameGuard::Verdict::flood) fail(SessionError::h2_flood);
  } else {
    stream.head_seen = true;
    guard_.on_request();
  }
  events_.on_response(stream, stream.head);
  return true;
}

void H2Client::on_data(H2Stream& stream, ByteView piece) { events_.on_body(stream, piece); }

void H2Client::on_remote_end(H2Stream& stream) {
  drop_forbidden_trailers(stream.trailers_in);
  events_.on_response_end(stream, stream.in_trailers ? &stream.trailers_in : nullptr);
}

void H2Client::on_reset_received(std::uint32_t, H2Stream* stream) {
  if (stream == nullptr && guard_.on_idle_frame(now_) == H2FrameGuard::Verdict::flood)
    fail(SessionError::h2_flood);
}

void H2Client::on_stream_closed(H2Stream& base, Reset why) {
  H2ClientStream& stream = client_stream(base);
  capacity_grew_ = true;
  events_.on_closed(stream, why);
  if (idle_streams_.size() >= streams_kept) {
    delete &stream;
    return;
  }
  stream.clear_common();
  stream.head.clear();
  stream.fields = 0;
  stream.head_seen = false;
  idle_streams_.emplace_back(&stream);
}

// ---- the end ----

void H2Client::begin_drain() {
  draining_ = true;
  part_if_drained();
}

void H2Client::part_if_drained() {
  if (!draining_ || parted_ || !open_.empty() || error_ != SessionError::none || eof_) return;
  parted_ = true;
  nghttp2_session_terminate_session(ng_, NGHTTP2_NO_ERROR);
}

bool H2Client::finished() const noexcept {
  if (!open_.empty() || has_output()) return false;
  return error_ != SessionError::none || eof_ || peer_goaway_ || closed_ || parted_;
}

std::unique_ptr<ClientSession> make_h2_client(ClientEvents& events, BufferPool& pool) {
  return std::make_unique<H2Client>(events, pool);
}

}  // namespace gh::http
