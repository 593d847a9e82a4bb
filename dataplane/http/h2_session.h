// SPDX-License-Identifier: Apache-2.0
// What both roles of HTTP/2 share (RFC 9113): nghttp2, bytes in and out, flow control by credit,
// streams and their end. In: plaintext, time, commands of the role.   Out: frames by produce(); the
// role's hooks, then the owner's events. Owner: H2Server or H2Client, so one core. Not here: what a
// head must look like, who may open a stream (h2_server.cc, h2_client.cc), floods
// (h2_frame_guard.h).
//
// Two queues lead out. Control frames and heads are serialised into control_ as soon as they exist,
// so that what nghttp2 decided (a reset, GOAWAY) is known in the same call and what waits is
// bounded by limits::h2_control_frames_queued_max. DATA is made only in produce(), straight from
// the stream's queue into the caller's buffer.
#pragma once

#include "base/byte_queue.h"
#include "dataplane/http/h2_frame_guard.h"
#include "dataplane/http/session.h"

#include <sys/types.h>

#include <array>
#include <memory>
#include <vector>

struct nghttp2_session;

namespace gh::http {

// One stream of either role. On the session's list from its first frame until closed; then reused.
struct H2Stream : Stream {
  explicit H2Stream(BufferPool& pool) : out(pool) {}

  ByteQueue out;  // our body, bounded by the window of whoever fills it
  HeaderList trailers_out;
  HeaderList trailers_in;
  std::size_t unconsumed = 0;  // handed up and not consumed: what the stream's window lacks
  std::size_t head_bytes = 0;  // of the block being read, as RFC 9113 §6.5.2 counts
  std::size_t place = 0;       // index in the session's list
  Reset why = Reset::none;     // of our own reset
  bool announced = false;      // the owner knows it and will hear on_closed
  bool dead = false;           // reset by us: nothing more is read or sent
  bool in_trailers = false;
  bool remote_ended = false;  // END_STREAM came
  bool local_ended = false;   // END_STREAM went out
  bool head_sent = false;     // the final head was submitted
  bool body_ended = false;    // end_body() was called
  bool discard_body = false;  // no body may be sent (HEAD, 204, 304)
  bool deferred = false;      // nghttp2 waits for resume

  void clear_common() noexcept;
};

class H2Session {
 public:
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

 protected:
  enum class Role : std::uint8_t { server, client };
  enum class FieldVerdict : std::uint8_t { keep, malformed, too_large };

  H2Session(Role role, BufferPool& pool, Instant now);
  virtual ~H2Session();

  // ---- hooks, called while nghttp2 reads or writes ----
  virtual void on_frame(const h2::FrameHead& frame
  ) = 0;  // a frame begins, before nghttp2 sees it; may fail()
  virtual H2Stream* on_new_stream(std::int32_t id) = 0;  // server: a request begins; null: refused
  virtual void on_head_begin(H2Stream& stream) = 0;      // a further header block of a known stream
  virtual FieldVerdict on_field(
      H2Stream& stream, std::string_view name, std::string_view value
  ) = 0;
  virtual bool on_head_end(H2Stream& stream) = 0;  // false: malformed
  virtual void on_data(H2Stream& stream, ByteView piece) = 0;
  virtual void on_remote_end(H2Stream& stream
  ) = 0;  // END_STREAM, after the head or data that carried it
  virtual void on_data_sent(H2Stream& stream, std::size_t bytes) = 0;
  virtual bool is_whole(const H2Stream& stream
  ) const = 0;                                      // closed by NO_ERROR: was everything said?
  virtual void on_local_end(H2Stream& stream) = 0;  // our END_STREAM went out
  virtual void on_stream_closed(H2Stream& stream, Reset why) = 0;  // and to be recycled
  virtual void on_reset_received(
      std::uint32_t id, H2Stream* stream
  ) = 0;                                                                 // on_stream_closed follows
  virtual void on_reset_sent(std::uint32_t id, std::uint32_t code) = 0;  // ours or nghttp2's
  virtual void on_settings() = 0;
  virtual void on_ping_ack() = 0;

  // ---- for the roles ----
  Result<void, SessionError> take_plaintext(ByteView bytes, Instant now);
  std::size_t produce_into(MutableBytes into);
  bool has_output() const noexcept;

  bool mid_frame() const noexcept {
    return head_have_ > 0 || payload_left_ > 0 || guard_.block_open();
  }

  // Fails the connection: GOAWAY with the code of `error`, and on_closed for every stream when the
  // running call ends.
  void fail(SessionError error);
  void fail(SessionError error, std::uint32_t code);
  Result<void, SessionError> settle(
  );  // end of every call that may fire events: dead streams, failure
  void close_all(Reset why);
  void lose();  // the connection is gone: nothing is read or sent any more

  void send_settings(std::uint32_t streams_max);

  struct OutField {
    std::string_view name;
    std::string_view value;
  };
  enum class Head : std::uint8_t { interim, response, response_end, request, request_end };
  // Pseudo fields and the like in `first`. Below 0: not taken; for a request: its stream id.
  int submit(H2Stream& stream, std::span<const OutField> first, const HeaderList& rest, Head kind);
  void queue_body(H2Stream& stream, ByteView piece);
  void queue_end(H2Stream& stream, const HeaderList* trailers);
  void kill(H2Stream& stream, Reset why);  // RST_STREAM, then on_closed from settle()
  void rst_malformed(H2Stream& stream
  );  // RST_STREAM PROTOCOL_ERROR: nghttp2 closes it, on_closed(peer_error)
  void rst(std::uint32_t id, std::uint32_t code);  // a stream that has no H2Stream
  void give_credit(H2Stream& stream, std::size_t bytes);
  void enlist(H2Stream& stream, std::int32_t id);
  H2Stream* find(std::uint32_t id) const noexcept;
  bool exists(std::uint32_t id) const noexcept;  // nghttp2 has it open still

  nghttp2_session* ng_ = nullptr;
  BufferPool& pool_;
  H2FrameGuard guard_;
  Instant now_;
  std::vector<H2Stream*> open_;  // announced or not, not dead
  std::vector<H2Stream*> dead_;  // reset by us, on_closed is due
  SessionError error_ = SessionError::none;
  bool peer_goaway_ = false;
  bool eof_ = false;
  bool closed_ = false;  // close_all() has run: no events any more

 private:
  friend struct H2Callbacks;

  bool begin_frame(ByteView& bytes);
  void receive(ByteView bytes);
  void pump();
  void take_frame(const std::uint8_t* at, std::size_t bytes);
  void fire_dead();
  void unlist(H2Stream& stream) noexcept;
  void close_stream(H2Stream& stream, Reset why);
  void count_control_frame();
  void copy_out(ByteView bytes) noexcept;
  void sent(H2Stream& stream, std::size_t bytes);
  void resume(H2Stream& stream);
  // A DATA payload of at most `max` bytes: how many now, with nghttp2's flags; or one of its error
  // codes.
  ssize_t size_data(H2Stream& stream, std::uint8_t* copy_to, std::size_t max, std::uint32_t& flags);
  void write_data(H2Stream& stream, const std::uint8_t* frame_head, std::size_t bytes);

  Role role_;
  std::array<std::uint8_t, h2::frame_head_bytes>
      head_;  // of a frame whose header is arriving in pieces
  std::size_t head_have_ = 0;
  std::uint32_t payload_left_ = 0;

  ByteQueue control_;               // frames ready to go
  std::size_t control_frames_ = 0;  // of those in control_, the ones a peer can provoke
  ByteView rest_;                   // of a frame nghttp2 holds for us until its next call
  MutableBytes room_;               // produce(): where DATA is written
  std::size_t written_ = 0;
  bool pumping_ = false;                    // no DATA now
  bool cut_by_window_ = false;              // the DATA frame being made
  bool broken_ = false;                     // nghttp2 may not be called any more
  std::uint32_t announce_streams_max_ = 0;  // see send_settings()
  bool settings_to_patch_ = false;
};

}  // namespace gh::http
