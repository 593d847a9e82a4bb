// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h2_session.h"

#include "base/assert.h"
#include "dataplane/http/fields.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace gh::http {

namespace {

constexpr std::size_t frames_before_pump = 32;  // queued in nghttp2 while one call's input is read
constexpr std::size_t small_piece =
    256;  // a DATA frame is not cut smaller than this for want of room

std::uint32_t code_of(SessionError error) {
  switch (error) {
    case SessionError::none:
    case SessionError::idle_timeout:
    case SessionError::head_timeout:
    case SessionError::truncated:
      return NGHTTP2_NO_ERROR;
    case SessionError::h2_compression:
      return NGHTTP2_COMPRESSION_ERROR;
    case SessionError::h2_flow_control:
      return NGHTTP2_FLOW_CONTROL_ERROR;
    case SessionError::h2_flood:
      return NGHTTP2_ENHANCE_YOUR_CALM;
    case SessionError::bad_request_line:
    case SessionError::bad_header:
    case SessionError::bad_framing:
    case SessionError::unsupported_version:
    case SessionError::head_too_large:
    case SessionError::target_too_long:
    case SessionError::connect_refused:
    case SessionError::h2_protocol:
    case SessionError::bad_response:
      return NGHTTP2_PROTOCOL_ERROR;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

SessionError error_of_code(std::uint32_t code) {
  switch (code) {
    case NGHTTP2_COMPRESSION_ERROR:
      return SessionError::h2_compression;
    case NGHTTP2_FLOW_CONTROL_ERROR:
      return SessionError::h2_flow_control;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return SessionError::h2_flood;
    default:
      return SessionError::h2_protocol;
  }
}

std::uint32_t code_of(Reset why) {
  switch (why) {
    case Reset::none:
      return NGHTTP2_NO_ERROR;
    case Reset::cancelled:
      return NGHTTP2_CANCEL;
    case Reset::refused:
      return NGHTTP2_REFUSED_STREAM;
    case Reset::peer_error:
    case Reset::too_large:
      return NGHTTP2_PROTOCOL_ERROR;
    case Reset::internal_error:
    case Reset::connection_lost:
      return NGHTTP2_INTERNAL_ERROR;
  }
  return NGHTTP2_INTERNAL_ERROR;
}

Reset reset_of_code(std::uint32_t code) {
  switch (code) {
    case NGHTTP2_NO_ERROR:
    case NGHTTP2_CANCEL:
      return Reset::cancelled;
    case NGHTTP2_REFUSED_STREAM:
      return Reset::refused;
    case NGHTTP2_INTERNAL_ERROR:
    case NGHTTP2_CONNECT_ERROR:
      return Reset::internal_error;
    default:
      return Reset::peer_error;
  }
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Name-value pairs on their way into nghttp2, which copies them. Most heads fit without an
// allocation.
class PairList {
 public:
  explicit PairList(std::size_t most) {
    if (most > fixed_.size()) more_.resize(most);
    at_ = most > fixed_.size() ? more_.data() : fixed_.data();
  }

  PairList(const PairList&) = delete;
  PairList& operator=(const PairList&) = delete;

  void add(std::string_view name, std::string_view value) noexcept {
    // nghttp2 does not write through these pointers.
    at_[size_++] = {
        reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
        name.size(),
        value.size(),
        NGHTTP2_NV_FLAG_NONE,
    };
  }

  void add(const HeaderList& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Field field = list[i];
      // RFC 9113 §8.2.2: nothing connection-specific goes out, whoever put it there.
      if (kind_of(field.name) == FieldKind::end_to_end && !field.name.starts_with(':'))
        add(field.name, field.value);
    }
  }

  const nghttp2_nv* data() const noexcept { return at_; }

  std::size_t size() const noexcept { return size_; }

 private:
  std::array<nghttp2_nv, 48> fixed_;
  std::vector<nghttp2_nv> more_;
  nghttp2_nv* at_;
  std::size_t size_ = 0;
};

}  // namespace

// The functions nghttp2 calls. None of them throws or fails for a peer's doing: that is told by
// RST_STREAM and GOAWAY.
struct H2Callbacks {
  static H2Session& session_of(void* user) { return *static_cast<H2Session*>(user); }

  static int on_begin_headers(nghttp2_session* ng, const nghttp2_frame* frame, void* user) {
    H2Session& session = session_of(user);
    const std::int32_t id = frame->hd.stream_id;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
      H2Stream* const known = session.find(static_cast<std::uint32_t>(id));
      if (known == nullptr) return 0;
      known->head_bytes = 0;
      session.on_head_begin(*known);
      return 0;
    }
    H2Stream* const fresh = session.on_new_stream(id);
    if (fresh == nullptr) {
      session.rst(static_cast<std::uint32_t>(id), NGHTTP2_REFUSED_STREAM);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the block is unpacked for HPACK's sake only
    }
    session.enlist(*fresh, id);
    nghttp2_session_set_stream_user_data(ng, id, fresh);
    // One stream must not starve the others of its connection: all are incremental (RFC 9218 §4.2),
    // whatever the client says.
    nghttp2_extpri equal{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(ng, id, &equal, 1);
    return 0;
  }

  static int on_header(
      nghttp2_session*,
      const nghttp2_frame* frame,
      const std::uint8_t* name,
      std::size_t name_bytes,
      const std::uint8_t* value,
      std::size_t value_bytes,
      std::uint8_t,
      void* user
  ) {
    H2Session& session = session_of(user);
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(frame->hd.stream_id));
    if (stream == nullptr) return 0;
    stream->head_bytes += name_bytes + value_bytes + 32;
    switch (session.on_field(*stream, text_of(name, name_bytes), text_of(value, value_bytes))) {
      case H2Session::FieldVerdict::keep:
        return 0;
      case H2Session::FieldVerdict::malformed:
        session.rst_malformed(*stream);
        break;
      case H2Session::FieldVerdict::too_large:
        if (stream->announced) {
          session.kill(*stream, Reset::too_large);
        } else {
          session.rst(stream->id, NGHTTP2_ENHANCE_YOUR_CALM);
        }
        break;
    }
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // A field nghttp2 would ignore (RFC 9113 §8.2.1): the message is malformed, not shorter.
  static int
  on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static void on_head_received(H2Session& session, const nghttp2_frame* frame) {
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(frame->hd.stream_id));
    if (stream == nullptr) return;
    stream->remote_ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!session.on_head_end(*stream)) return session.rst_malformed(*stream);
    if (stream->remote_ended && !stream->dead) session.on_remote_end(*stream);
  }

  static void on_data_received(H2Session& session, const nghttp2_frame* frame) {
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!end && frame->hd.length > 0 && frame->hd.length == frame->data.padlen &&
        session.guard_.on_idle_frame(session.now_) == H2FrameGuard::Verdict::flood) {
      return session.fail(SessionError::h2_flood);
    }
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(frame->hd.stream_id));
    if (stream == nullptr || !end) return;
    stream->remote_ended = true;
    session.on_remote_end(*stream);
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Session& session = session_of(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        on_head_received(session, frame);
        break;
      case NGHTTP2_DATA:
        on_data_received(session, frame);
        break;
      case NGHTTP2_RST_STREAM: {
        const auto id = static_cast<std::uint32_t>(frame->hd.stream_id);
        session.on_reset_received(id, session.find(id));
        break;
      }
      case NGHTTP2_SETTINGS:
        if (!ack) session.on_settings();
        break;
      case NGHTTP2_PING:
        if (ack) session.on_ping_ack();
        break;
      case NGHTTP2_GOAWAY:
        session.peer_goaway_ = true;
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_data_chunk(
      nghttp2_session* ng,
      std::uint8_t,
      std::int32_t id,
      const std::uint8_t* data,
      std::size_t size,
      void* user
  ) {
    H2Session& session = session_of(user);
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(id));
    const bool over = stream != nullptr && stream->unconsumed + size >
                                               limits::h2_stream_window_bytes;  // reset by nghttp2
    if (stream == nullptr || !stream->announced || session.is_whole(*stream) || over) {
      // Nobody will consume it: the connection's window must not leak away.
      nghttp2_session_consume_connection(ng, size);
      return 0;
    }
    // One upstream connection carries many clients' requests: an answer somebody does not read may
    // fill its stream's window, never the connection's.
    if (session.role_ == H2Session::Role::client) nghttp2_session_consume_connection(ng, size);
    stream->unconsumed += size;
    session.on_data(*stream, {data, size});
    return 0;
  }

  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Session& session = session_of(user);
    const auto id = static_cast<std::uint32_t>(frame->hd.stream_id);
    switch (frame->hd.type) {
      case NGHTTP2_DATA:
      case NGHTTP2_HEADERS:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
        if (H2Stream* const stream = session.find(id)) {
          stream->local_ended = true;
          session.on_local_end(*stream);
        }
        break;
      case NGHTTP2_RST_STREAM:
        session.on_reset_sent(id, frame->rst_stream.error_code);
        session.count_control_frame();
        break;
      case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && session.error_ == SessionError::none) {
          session.error_ = error_of_code(frame->goaway.error_code);
        }
        break;
      case NGHTTP2_PING:
      case NGHTTP2_SETTINGS:
      case NGHTTP2_WINDOW_UPDATE:
        session.count_control_frame();
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_frame_not_send(
      nghttp2_session*, const nghttp2_frame* frame, int error, void* user
  ) {
    H2Session& session = session_of(user);
    if (frame->hd.type != NGHTTP2_HEADERS || error != NGHTTP2_ERR_FRAME_SIZE_ERROR) return 0;
    if (H2Stream* const stream = session.find(static_cast<std::uint32_t>(frame->hd.stream_id))) {
      session.kill(*stream, Reset::internal_error);
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    H2Session& session = session_of(user);
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(id));
    if (stream == nullptr) return 0;
    const bool whole = code == NGHTTP2_NO_ERROR && session.is_whole(*stream);
    session.close_stream(*stream, whole ? Reset::none : reset_of_code(code));
    return 0;
  }

  static ssize_t read_data(
      nghttp2_session*,
      std::int32_t id,
      std::uint8_t* into,
      std::size_t max,
      std::uint32_t* flags,
      nghttp2_data_source*,
      void* user
  ) {
    H2Session& session = session_of(user);
    if (session.pumping_) return NGHTTP2_ERR_PAUSE;
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(id));
    if (stream == nullptr) return NGHTTP2_ERR_DEFERRED;
    return session.size_data(*stream, into, max, *flags);
  }

  static int send_data(
      nghttp2_session*,
      nghttp2_frame* frame,
      const std::uint8_t* frame_head,
      std::size_t size,
      nghttp2_data_source*,
      void* user
  ) {
    H2Session& session = session_of(user);
    H2Stream* const stream = session.find(static_cast<std::uint32_t>(frame->hd.stream_id));
    if (stream == nullptr || stream->out.size() < size)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    session.write_data(*stream, frame_head, size);
    return 0;
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* all = nullptr;
    GH_ASSERT(nghttp2_session_callbacks_new(&all) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(all, on_frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(all, send_data);
    return all;
  }
};

void H2Stream::clear_common() noexcept {
  user = nullptr;
  id = 0;
  out.clear();
  trailers_out.clear();
  trailers_in.clear();
  unconsumed = 0;
  head_bytes = 0;
  why = Reset::none;
  announced = dead = in_trailers = remote_ended = local_ended = false;
  head_sent = body_ended = discard_body = deferred = false;
}

H2Session::H2Session(Role role, BufferPool& pool, Instant now)
    : pool_(pool), guard_(now), now_(now), role_(role), control_(pool) {
  nghttp2_option* option = nullptr;
  GH_ASSERT(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_no_recv_client_magic(option, 1);  // H2Server looks at it
  nghttp2_option_set_max_outbound_ack(option, limits::h2_control_frames_queued_max);
  nghttp2_option_set_max_continuations(option, limits::h2_continuations_max);
  nghttp2_option_set_max_send_header_block_length(option, limits::h2_send_block_bytes_max);
  nghttp2_option_set_peer_max_concurrent_streams(option, limits::upstream_streams_default);
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  // guard_ counts resets, by the time handed in; nghttp2's own limiter reads a clock.
  nghttp2_option_set_stream_reset_rate_limit(option, 1u << 31, 1u << 31);
  nghttp2_session_callbacks* const callbacks = H2Callbacks::make();
  const int made = role == Role::server
                       ? nghttp2_session_server_new2(&ng_, callbacks, this, option)
                       : nghttp2_session_client_new2(&ng_, callbacks, this, option);
  GH_ASSERT(made == 0);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(option);
}

H2Session::~H2Session() { nghttp2_session_del(ng_); }

// nghttp2 answers one stream too many with a connection error once the client has acknowledged our
// SETTINGS. We refuse just that stream (RFC 9113 §5.1.2), so nghttp2 is told of no bound, and the
// bound is written into the frame on its way out.
void H2Session::send_settings(std::uint32_t streams_max) {
  std::array<nghttp2_settings_entry, 5> entries{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, NGHTTP2_INITIAL_MAX_CONCURRENT_STREAMS},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits::h2_stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits::head_bytes_max},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 4096},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  if (role_ == Role::client) {
    entries[0] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    nghttp2_submit_settings(ng_, NGHTTP2_FLAG_NONE, entries.data(), entries.size() - 1);
  } else {
    announce_streams_max_ = streams_max;
    settings_to_patch_ = true;
    nghttp2_submit_settings(ng_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  }
  nghttp2_session_set_local_window_size(
      ng_, NGHTTP2_FLAG_NONE, 0, limits::h2_connection_window_bytes
  );
}

// ---- in ----

Result<void, SessionError> H2Session::take_plaintext(ByteView bytes, Instant now) {
  now_ = now;
  while (!bytes.empty() && error_ == SessionError::none && !broken_ && !closed_) {
    if (payload_left_ == 0) {
      if (!begin_frame(bytes)) break;
    } else {
      const std::size_t n = std::min<std::size_t>(payload_left_, bytes.size());
      payload_left_ -= static_cast<std::uint32_t>(n);
      guard_.on_payload(payload_left_);
      receive(bytes.first(n));
      bytes = bytes.subspan(n);
    }
    if (nghttp2_session_get_outbound_queue_size(ng_) > frames_before_pump) pump();
  }
  if (!broken_ && nghttp2_session_get_outbound_queue_size(ng_) > 0) pump();
  return settle();
}

// Takes a frame's header, and as much of its payload as is there. nghttp2 gets a header whole: its
// count of CONTINUATION frames (1.52) counts the pieces of their headers. False: the header has not
// arrived.
bool H2Session::begin_frame(ByteView& bytes) {
  ByteView whole;
  if (head_have_ == 0 && bytes.size() >= head_.size()) {
    const std::size_t frame_bytes = head_.size() + h2::parse_frame_head(bytes.data()).length;
    whole = bytes.first(std::min(bytes.size(), frame_bytes));
    bytes = bytes.subspan(whole.size());
  } else {
    const std::size_t n = std::min(head_.size() - head_have_, bytes.size());
    std::memcpy(head_.data() + head_have_, bytes.data(), n);
    bytes = bytes.subspan(n);
    head_have_ += n;
    if (head_have_ < head_.size()) return false;
    head_have_ = 0;
    whole = head_;
  }
  const h2::FrameHead frame = h2::parse_frame_head(whole.data());
  payload_left_ = frame.length - static_cast<std::uint32_t>(whole.size() - head_.size());
  if (guard_.on_frame(frame, now_) == H2FrameGuard::Verdict::flood) {
    fail(SessionError::h2_flood);
    return true;
  }
  on_frame(frame);
  if (error_ != SessionError::none) return true;
  guard_.on_payload(payload_left_);
  receive(whole);
  return true;
}

void H2Session::receive(ByteView bytes) {
  const ssize_t n = nghttp2_session_mem_recv(ng_, bytes.data(), bytes.size());
  if (n >= 0) return;
  if (n == NGHTTP2_ERR_FLOODED || n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
    return fail(SessionError::h2_flood);
  broken_ = true;  // out of memory: nghttp2 allows nothing more but its end
  if (error_ == SessionError::none) error_ = SessionError::h2_protocol;
}

void H2Session::fail(SessionError error) { fail(error, code_of(error)); }

void H2Session::fail(SessionError error, std::uint32_t code) {
  if (error_ != SessionError::none) return;
  error_ = error;
  if (!broken_) nghttp2_session_terminate_session(ng_, code);
}

Result<void, SessionError> H2Session::settle() {
  fire_dead();
  if (error_ == SessionError::none) return {};
  if (!closed_) close_all(Reset::connection_lost);
  return gh::fail(error_);
}

// ---- out ----

// Serialises everything but DATA.
void H2Session::pump() {
  if (broken_) return;
  control_.append(rest_);
  rest_ = {};
  pumping_ = true;
  const std::uint8_t* at = nullptr;
  ssize_t n = 0;
  while ((n = nghttp2_session_mem_send(ng_, &at)) > 0) take_frame(at, static_cast<std::size_t>(n));
  pumping_ = false;
  if (n < 0) broken_ = true;
}

void H2Session::take_frame(const std::uint8_t* at, std::size_t bytes) {
  constexpr std::size_t patched = h2::frame_head_bytes + 6;  // up to the end of the first entry
  if (!settings_to_patch_ || bytes < patched || at[3] != NGHTTP2_SETTINGS)
    return control_.append({at, bytes});
  settings_to_patch_ = false;
  std::array<std::uint8_t, patched> first;
  std::memcpy(first.data(), at, patched);
  for (std::size_t i = 0; i < 4; ++i)
    first[patched - 1 - i] = static_cast<std::uint8_t>(announce_streams_max_ >> (8 * i));
  control_.append(first);
  control_.append({at + patched, bytes - patched});
}

// Frames a peer can make us send while it does not read.
void H2Session::count_control_frame() {
  if (!pumping_) return;
  if (++control_frames_ > limits::h2_control_frames_queued_max) fail(SessionError::h2_flood);
}

void H2Session::copy_out(ByteView bytes) noexcept {
  std::memcpy(room_.data() + written_, bytes.data(), bytes.size());
  written_ += bytes.size();
}

std::size_t H2Session::produce_into(MutableBytes into) {
  fire_dead();
  if (settings_to_patch_) pump();
  room_ = into;
  written_ = 0;
  while (!control_.empty() && written_ < room_.size()) {
    const ByteView front = control_.front();
    const std::size_t n = std::min(front.size(), room_.size() - written_);
    copy_out(front.first(n));
    control_.pop(n);
  }
  if (control_.empty()) control_frames_ = 0;
  while (control_.empty() && written_ < room_.size()) {
    if (rest_.empty()) {
      if (broken_) break;
      const std::uint8_t* at = nullptr;
      const ssize_t n = nghttp2_session_mem_send(ng_, &at);
      if (n < 0) broken_ = true;
      if (n <= 0) break;
      rest_ = {at, static_cast<std::size_t>(n)};
    }
    const std::size_t n = std::min(rest_.size(), room_.size() - written_);
    copy_out(rest_.first(n));
    rest_ = rest_.subspan(n);
  }
  room_ = {};
  (void)settle();
  return written_;
}

bool H2Session::has_output() const noexcept {
  return !dead_.empty() || !control_.empty() || !rest_.empty() ||
         (!broken_ && nghttp2_session_want_write(ng_) != 0);
}

ssize_t H2Session::size_data(
    H2Stream& stream, std::uint8_t* copy_to, std::size_t max, std::uint32_t& flags
) {
  if (stream.discard_body && !stream.out.empty()) {
    const std::size_t dropped = stream.out.size();
    stream.out.clear();
    on_data_sent(stream, dropped);
    if (stream.dead) return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t have = stream.out.size();
  if (have == 0 && !stream.body_ended) {
    stream.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  std::size_t n = std::min(have, max);
  const std::size_t room = room_.size() - written_;
  const bool direct = room >= h2::frame_head_bytes + std::min(n, small_piece);
  if (!direct && written_ > 0) return NGHTTP2_ERR_PAUSE;
  if (direct) n = std::min(n, room - h2::frame_head_bytes);
  cut_by_window_ = n == max && n < have && max < NGHTTP2_INITIAL_WINDOW_SIZE / 4;
  if (stream.body_ended && n == have) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream.trailers_out.empty()) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      PairList pairs(stream.trailers_out.size());
      pairs.add(stream.trailers_out);
      nghttp2_submit_trailer(ng_, static_cast<std::int32_t>(stream.id), pairs.data(), pairs.size());
    }
  }
  if (direct) {
    flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<ssize_t>(n);
  }
  // A caller with hardly any room: the frame goes out piecemeal from nghttp2's own buffer.
  for (std::size_t done = 0; done < n;) {
    const ByteView front = stream.out.front();
    const std::size_t part = std::min(front.size(), n - done);
    std::memcpy(copy_to + done, front.data(), part);
    stream.out.pop(part);
    done += part;
  }
  sent(stream, n);
  return static_cast<ssize_t>(n);
}

void H2Session::write_data(H2Stream& stream, const std::uint8_t* frame_head, std::size_t bytes) {
  copy_out({frame_head, h2::frame_head_bytes});
  for (std::size_t left = bytes; left > 0;) {
    const ByteView front = stream.out.front();
    const std::size_t part = std::min(front.size(), left);
    copy_out(front.first(part));
    stream.out.pop(part);
    left -= part;
  }
  sent(stream, bytes);
}

void H2Session::sent(H2Stream& stream, std::size_t bytes) {
  guard_.on_data_sent(bytes, cut_by_window_);
  if (bytes > 0) on_data_sent(stream, bytes);
}

// ---- commands ----

int H2Session::submit(
    H2Stream& stream, std::span<const OutField> first, const HeaderList& rest, Head kind
) {
  PairList pairs(first.size() + rest.size());
  for (const OutField& field : first) pairs.add(field.name, field.value);
  pairs.add(rest);
  const auto id = static_cast<std::int32_t>(stream.id);
  nghttp2_data_provider body{};
  body.read_callback = H2Callbacks::read_data;
  switch (kind) {
    case Head::interim:
      return nghttp2_submit_headers(
          ng_, NGHTTP2_FLAG_NONE, id, nullptr, pairs.data(), pairs.size(), nullptr
      );
    case Head::response:
      return nghttp2_submit_response(ng_, id, pairs.data(), pairs.size(), &body);
    case Head::response_end:
      return nghttp2_submit_response(ng_, id, pairs.data(), pairs.size(), nullptr);
    case Head::request:
      return nghttp2_submit_request(ng_, nullptr, pairs.data(), pairs.size(), &body, &stream);
    case Head::request_end:
      return nghttp2_submit_request(ng_, nullptr, pairs.data(), pairs.size(), nullptr, &stream);
  }
  return -1;
}

void H2Session::queue_body(H2Stream& stream, ByteView piece) {
  if (stream.dead || stream.body_ended || piece.empty()) return;
  stream.out.append(piece);
  resume(stream);
}

void H2Session::queue_end(H2Stream& stream, const HeaderList* trailers) {
  if (stream.dead || stream.body_ended) return;
  stream.body_ended = true;
  if (trailers != nullptr) {
    stream.trailers_out = *trailers;
    drop_forbidden_trailers(stream.trailers_out);
  }
  resume(stream);
}

void H2Session::resume(H2Stream& stream) {
  if (!stream.deferred) return;
  stream.deferred = false;
  nghttp2_session_resume_data(ng_, static_cast<std::int32_t>(stream.id));
}

void H2Session::give_credit(H2Stream& stream, std::size_t bytes) {
  const std::size_t n = std::min(bytes, stream.unconsumed);
  stream.unconsumed -= n;
  if (n == 0 || broken_ || closed_) return;
  if (role_ == Role::server) nghttp2_session_consume_connection(ng_, n);
  if (!stream.remote_ended && !stream.dead)
    nghttp2_session_consume_stream(ng_, static_cast<std::int32_t>(stream.id), n);
}

void H2Session::kill(H2Stream& stream, Reset why) {
  if (stream.dead) return;
  stream.dead = true;
  stream.why = why;
  stream.out.clear();
  unlist(stream);
  dead_.push_back(&stream);
  give_credit(stream, stream.unconsumed);
  if (broken_ || closed_) return;
  nghttp2_session_set_stream_user_data(ng_, static_cast<std::int32_t>(stream.id), nullptr);
  nghttp2_submit_rst_stream(
      ng_, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(stream.id), code_of(why)
  );
}

void H2Session::rst(std::uint32_t id, std::uint32_t code) {
  if (!broken_)
    nghttp2_submit_rst_stream(ng_, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(id), code);
}

void H2Session::rst_malformed(H2Stream& stream) { rst(stream.id, NGHTTP2_PROTOCOL_ERROR); }

// ---- streams ----

void H2Session::enlist(H2Stream& stream, std::int32_t id) {
  stream.id = static_cast<std::uint32_t>(id);
  stream.place = open_.size();
  open_.push_back(&stream);
}

H2Stream* H2Session::find(std::uint32_t id) const noexcept {
  return static_cast<H2Stream*>(
      nghttp2_session_get_stream_user_data(ng_, static_cast<std::int32_t>(id))
  );
}

bool H2Session::exists(std::uint32_t id) const noexcept {
  return nghttp2_session_find_stream(ng_, static_cast<std::int32_t>(id)) != nullptr;
}

void H2Session::unlist(H2Stream& stream) noexcept {
  open_[stream.place] = open_.back();
  open_[stream.place]->place = stream.place;
  open_.pop_back();
}

// nghttp2 has done with it.
void H2Session::close_stream(H2Stream& stream, Reset why) {
  give_credit(stream, stream.unconsumed);
  stream.dead = true;
  nghttp2_session_set_stream_user_data(ng_, static_cast<std::int32_t>(stream.id), nullptr);
  unlist(stream);
  on_stream_closed(stream, why);
}

void H2Session::fire_dead() {
  while (!dead_.empty()) {  // the owner may reset more streams while it is told
    H2Stream& stream = *dead_.front();
    dead_.erase(dead_.begin());
    on_stream_closed(stream, stream.why);
  }
}

void H2Session::close_all(Reset why) {
  closed_ = true;
  for (H2Stream* const stream : open_) {
    if (!broken_)
      nghttp2_session_set_stream_user_data(ng_, static_cast<std::int32_t>(stream->id), nullptr);
    stream->dead = true;
    stream->why = why;
    stream->out.clear();
    dead_.push_back(stream);
  }
  open_.clear();
  fire_dead();
}

void H2Session::lose() {
  if (!closed_) close_all(Reset::connection_lost);
  broken_ = true;
  control_.clear();
  rest_ = {};
}

}  // namespace gh::http
