// SPDX-License-Identifier: Apache-2.0
// One HTTP connection as a machine: plaintext goes in by on_plaintext(), plaintext comes out by
// produce(); the rest are events and commands. Both versions, both roles look like this:
// h1_server.h h2_server.h h1_client.h h2_client.h. Owner: one core. No sockets, no clock of its
// own: time is handed in.
//
// Flow control is by credit. Body bytes handed up by on_body() count against the stream's window
// (limits::h2_stream_window_bytes, h1_body_unread_max) until the receiver says consumed(); then
// more may arrive. send_body() never refuses: the sender holds at most what its own source's window
// lets it, and when the session has moved bytes out through produce() it says on_sent(), which the
// other side turns into consumed().
//
// A Stream is valid from the event or call that brings it until on_closed(stream) returns.
// on_closed comes exactly once for each. Events never come from inside
// respond/send_body/end_body/reset/consumed/open; they come from on_plaintext(), produce(),
// on_eof(), on_deadline() and on_lost() only.
#pragma once

#include "base/buffer_pool.h"
#include "base/byte_view.h"
#include "base/result.h"
#include "base/units.h"
#include "dataplane/http/message.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace gh::http {

// Why a session ended by the peer's fault or a bound; a counter each.
enum class SessionError : std::uint8_t {
  none,
  bad_request_line,
  bad_header,
  bad_framing,  // Content-Length / Transfer-Encoding / chunk that could be read in two ways
  unsupported_version,
  head_too_large,   // 431
  target_too_long,  // 414
  head_timeout,     // 408
  idle_timeout,
  truncated,        // the peer closed in the middle of a message
  connect_refused,  // CONNECT, h2c upgrade
  h2_protocol,
  h2_compression,
  h2_flow_control,
  h2_flood,      // resets, pings, settings, empty frames beyond the bounds: ENHANCE_YOUR_CALM
  bad_response,  // the upstream's answer does not parse
};
std::string_view name_of(SessionError error);

// How a stream ended other than by a whole request and a whole response.
enum class Reset : std::uint8_t {
  none,             // it ended well
  cancelled,        // the peer does not want it any more
  refused,          // not processed at all: safe to send again (REFUSED_STREAM, GOAWAY below it)
  peer_error,       // the peer broke the protocol on it
  internal_error,   // our side, or the other leg, failed midway
  too_large,        // trailers beyond the bound
  connection_lost,  // the connection went away under it
};
std::string_view name_of(Reset reset);

struct Stream {
  void* user = nullptr;  // the owner of the exchange; the session does not look at it
  // HTTP/2 stream id; HTTP/1.1: number of the request on its connection, from 1
  std::uint32_t id = 0;

 protected:
  Stream() = default;
  ~Stream() = default;
};

// ---- the side that accepts requests ----
// Order for one stream:  on_request  on_body*  on_request_end  on_sent*  on_closed   with on_closed
// possible at any point after on_request. A tunnel (respond() with 101): after on_request_end,
// on_tunnel_bytes* [on_tunnel_end].
class ServerEvents {
 public:
  // head: owned by the stream, may be changed by the receiver
  virtual void on_request(Stream& stream, RequestHead& head) = 0;
  virtual void on_body(Stream& stream, ByteView piece) = 0;
  virtual void on_request_end(Stream& stream, const HeaderList* trailers) = 0;
  // after 101, same credit as on_body
  virtual void on_tunnel_bytes(Stream& stream, ByteView piece) = 0;
  virtual void on_tunnel_end(Stream& stream) = 0;  // the client half-closed
  virtual void on_sent(Stream& stream, std::size_t body_bytes) = 0;
  virtual void on_closed(Stream& stream, Reset reset) = 0;

 protected:
  ~ServerEvents() = default;
};

class ServerSession {
 public:
  virtual ~ServerSession() = default;
  virtual Version version() const noexcept = 0;

  // An error means: send what produce() still gives, then close. Streams have had their on_closed.
  virtual Result<void, SessionError> on_plaintext(ByteView bytes, Instant now) = 0;
  // the client sends no more (close_notify or FIN)
  virtual Result<void, SessionError> on_eof() = 0;
  // The connection is gone (reset, timed out, TLS failure): every open stream gets
  // on_closed(connection_lost). Last call.
  virtual void on_lost() = 0;
  virtual std::size_t produce(MutableBytes into) = 0;  // 0: nothing to send now
  virtual bool wants_output() const noexcept = 0;
  // Head and idle timeouts.
  virtual Instant next_deadline() const noexcept = 0;
  virtual Result<void, SessionError> on_deadline(Instant now) = 0;

  // Interim heads (100, 103) may come before the final one. `end`: no body and no trailers follow.
  // The session adds framing: Content-Length from head.content_length, else chunked (HTTP/1.1) or
  // close (HTTP/1.0); none where there can be no body (HEAD, 204, 304). Date is passed through, not
  // added.
  virtual void respond(Stream& stream, const ResponseHead& head, bool end) = 0;
  virtual void send_body(Stream& stream, ByteView piece) = 0;
  virtual void end_body(Stream& stream, const HeaderList* trailers) = 0;  // in a tunnel: half-close
  // HTTP/1.1 after the head was sent: the connection breaks (no silent success)
  virtual void reset(Stream& stream, Reset why) = 0;
  virtual void consumed(Stream& stream, std::size_t body_bytes) = 0;

  // HTTP/1.1: give no more plaintext until this turns false (after consumed or produce)
  virtual bool reading_paused() const noexcept = 0;
  virtual void begin_drain() = 0;  // GOAWAY / Connection: close; running streams finish
  // nothing more will happen and produce() is empty: close the connection
  virtual bool finished() const noexcept = 0;

  // With finished(): a body was cut short, so close without close_notify, that no reader takes the
  // cut for an end.
  virtual bool aborted() const noexcept { return false; }

  // With finished(): why, when the peer or a bound ended it. HTTP/1.1 may find that inside
  // produce(), where no Result tells.
  virtual SessionError error() const noexcept { return SessionError::none; }

  // In a tunnel: our direction has ended and is all out: send close_notify and FIN, go on reading.
  virtual bool sending_ended() const noexcept { return false; }

  virtual std::size_t open_streams() const noexcept = 0;
};

// ---- the side that sends requests ----
// Order for one stream:  on_response(interim)*  on_response  on_body*  on_response_end  on_closed
// with on_sent between, and on_closed possible at any point. After a 101 head: on_tunnel_bytes*
// [on_tunnel_end] on_closed.
class ClientEvents {
 public:
  virtual void on_response(Stream& stream, ResponseHead& head) = 0;
  virtual void on_body(Stream& stream, ByteView piece) = 0;
  virtual void on_response_end(Stream& stream, const HeaderList* trailers) = 0;
  virtual void on_tunnel_bytes(Stream& stream, ByteView piece) = 0;
  virtual void on_tunnel_end(Stream& stream) = 0;
  virtual void on_sent(Stream& stream, std::size_t body_bytes) = 0;
  virtual void on_closed(Stream& stream, Reset reset) = 0;
  virtual void on_capacity() = 0;  // free_streams() grew (a stream ended, SETTINGS arrived)

 protected:
  ~ClientEvents() = default;
};

class ClientSession {
 public:
  virtual ~ClientSession() = default;
  virtual Version version() const noexcept = 0;

  virtual Result<void, SessionError> on_plaintext(ByteView bytes, Instant now) = 0;
  virtual Result<void, SessionError> on_eof() = 0;
  virtual void on_lost() = 0;  // as for ServerSession
  virtual std::size_t produce(MutableBytes into) = 0;
  virtual bool wants_output() const noexcept = 0;

  // How many more requests may be opened now: 0 or 1 for HTTP/1.1, the peer's
  // MAX_CONCURRENT_STREAMS less those open for HTTP/2; 0 after GOAWAY, Connection: close or on_eof.
  virtual std::size_t free_streams() const noexcept = 0;
  // head.upgrade (HTTP/1.1 only) makes an upgrade request. `end`: no body follows. Precondition:
  // free_streams() > 0.
  virtual Stream& open(const RequestHead& head, bool end, void* user) = 0;
  virtual void send_body(Stream& stream, ByteView piece) = 0;
  virtual void end_body(Stream& stream, const HeaderList* trailers) = 0;
  // HTTP/1.1: the connection is spoiled and finished() turns true
  virtual void reset(Stream& stream, Reset why) = 0;
  virtual void consumed(Stream& stream, std::size_t body_bytes) = 0;

  virtual bool reading_paused() const noexcept = 0;
  virtual void begin_drain() = 0;  // no new requests; finished() when the last stream ended
  virtual bool finished() const noexcept = 0;

  // In a tunnel: our direction has ended and is all out: send close_notify and FIN, go on reading.
  virtual bool sending_ended() const noexcept { return false; }

  virtual std::size_t open_streams() const noexcept = 0;
};

struct ServerSettings {
  Duration head_timeout;
  Duration idle_timeout;
  std::uint32_t streams_max;
};

std::unique_ptr<ServerSession> make_h1_server(
    ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now
);
std::unique_ptr<ServerSession> make_h2_server(
    ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now
);
std::unique_ptr<ClientSession> make_h1_client(ClientEvents& events, BufferPool& pool);
std::unique_ptr<ClientSession> make_h2_client(ClientEvents& events, BufferPool& pool);

}  // namespace gh::http
