// SPDX-License-Identifier: Apache-2.0
// The accepting side of one HTTP/1.x connection (RFC 9112): requests one after another, each
// answered whole before the next is read. Bytes that could be read in two ways are answered 400
// with a Status body, and the connection closes (README's table). In: plaintext and time.   Out:
// ServerEvents, bytes by produce(), the next deadline. Owner: one core's connection. One exchange
// at a time, in one reused object; nothing is allocated once warm. Not here: who may ask what
// (pipeline), what a head means (h1_head.h), bodies (h1_body.h, h1_out.h).
//
// Legal orders: session.h. A request is read through head → body → behind (its answer's turn) →
// head again, or tunnel, or ended.
#pragma once

#include "base/byte_queue.h"
#include "dataplane/http/h1_body.h"
#include "dataplane/http/h1_head.h"
#include "dataplane/http/h1_out.h"
#include "dataplane/http/session.h"

namespace gh::http {

class H1Server final : public ServerSession {
 public:
  H1Server(ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now);

  Version version() const noexcept override { return Version::http_1_1; }

  Result<void, SessionError> on_plaintext(ByteView bytes, Instant now) override;
  Result<void, SessionError> on_eof() override;
  void on_lost() override;
  std::size_t produce(MutableBytes into) override;
  bool wants_output() const noexcept override;
  Instant next_deadline() const noexcept override;
  Result<void, SessionError> on_deadline(Instant now) override;

  void respond(Stream& stream, const ResponseHead& head, bool end) override;
  void send_body(Stream& stream, ByteView piece) override;
  void end_body(Stream& stream, const HeaderList* trailers) override;
  void reset(Stream& stream, Reset why) override;
  void consumed(Stream& stream, std::size_t body_bytes) override;

  bool reading_paused() const noexcept override;

  void begin_drain() override { draining_ = true; }

  bool finished() const noexcept override;

  bool aborted() const noexcept override { return aborted_; }

  SessionError error() const noexcept override { return error_; }

  bool sending_ended() const noexcept override;

  std::size_t open_streams() const noexcept override { return open_ ? 1 : 0; }

 private:
  struct Exchange : Stream {
    RequestHead head;
  };

  enum class Reading : std::uint8_t {
    head,
    body,    // also when the answer is already out and the rest is only drained
    behind,  // the request is whole; what comes is held until it is answered
    tunnel,
    ended,  // what comes is dropped
  };
  enum class Writing : std::uint8_t { idle, waiting, body, whole, tunnel, tunnel_ended };
  enum class Timer : std::uint8_t {
    none,         // a request is being answered: the proxy's deadlines count
    idle,         // no request has begun
    head,         // a head has begun
    drain,        // the answer is out before the request's body is in
    half_closed,  // the client sends no more, the answer is under way
    tunnel,       // our direction of a tunnel has ended, the client's has not
    closing,      // the last bytes before the close are not taken
  };

  // ---- bytes in ----
  Result<void, SessionError> read(ByteView& bytes);
  Result<void, SessionError> read_head(ByteView& bytes);
  Result<void, SessionError> begin_exchange(std::string_view section);
  Result<void, SessionError> read_body(ByteView& bytes);
  void take_body(ByteView piece);
  void end_request();
  void read_tunnel(ByteView& bytes);
  Result<void, SessionError> read_held();
  Result<void, SessionError> end_of_input();
  bool request_whole() const noexcept;

  // ---- answers ----
  void final_head(const ResponseHead& head, bool end);
  std::string_view connection_field() const noexcept;
  bool rest_will_be_drained() const noexcept;
  void switch_protocols(const ResponseHead& head);
  Result<void, SessionError> refuse(const Refused& refused);

  // ---- ends ----
  Result<void, SessionError> settle();
  bool unsettled() const noexcept;
  bool held_readable() const noexcept;
  bool exchange_over() const noexcept;

  bool input_over() const noexcept { return eof_ && held_.empty() && !ending_; }

  void finish_exchange();
  void close_stream(Reset why);
  void break_with(Reset why);
  void end_connection() noexcept;
  Result<void, SessionError> end_with(SessionError error) noexcept;

  bool answerable() const noexcept { return open_ && broken_ == Reset::none; }

  // ---- time ----
  void arm(Timer timer) noexcept;
  Duration length_of(Timer timer) const noexcept;
  Result<void, SessionError> on_expired();

  ServerEvents& events_;
  ServerSettings settings_;
  Exchange exchange_;
  HeadReader head_reader_;
  SectionReader section_{SectionReader::Kind::request};
  BodyReader body_;
  Outbox out_;
  ByteQueue held_;  // limits::h1_pipelined_bytes_max, and at most one delivery more

  Reading reading_ = Reading::head;
  Writing writing_ = Writing::idle;
  bool open_ = false;  // the exchange has not had its on_closed
  bool keep_alive_ = true;
  bool skipped_empty_line_ = false;
  bool continue_sent_ = false;
  bool draining_ = false;
  bool eof_ = false;
  bool input_end_seen_ = false;  // end_of_input() has done what there is to do in this state
  bool ending_ = false;          // once out_ is empty the connection is finished
  bool aborted_ = false;
  SessionError error_ = SessionError::none;
  Reset broken_ = Reset::none;  // reset() may not raise events: the next settle() tells
  std::size_t unread_ = 0;      // body or tunnel bytes handed up and not consumed
  std::size_t drained_ = 0;

  Timer timer_ = Timer::idle;
  bool timer_stale_ =
      false;  // armed when the time was not known: counts from the next on_deadline()
  bool time_known_ = false;
  Instant now_;
  Instant timer_from_;
};

}  // namespace gh::http
