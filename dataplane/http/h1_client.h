// SPDX-License-Identifier: Apache-2.0
// The asking side of one HTTP/1.1 connection to an API server: one exchange at a time, the
// connection reused while both sides keep it. An answer that could be read in two ways breaks the
// connection; so do bytes nobody asked for. In: requests, plaintext.   Out: ClientEvents, bytes by
// produce(). Owner: one core's upstream connection. Legal orders: session.h. One reused exchange;
// nothing is allocated once warm. Not here: which request goes where, retries (dataplane/proxy),
// timeouts (the proxy's).
#pragma once

#include "dataplane/http/h1_body.h"
#include "dataplane/http/h1_head.h"
#include "dataplane/http/h1_out.h"
#include "dataplane/http/session.h"

namespace gh::http {

class H1Client final : public ClientSession {
 public:
  H1Client(ClientEvents& events, BufferPool& pool) : events_(events), out_(pool) {}

  Version version() const noexcept override { return Version::http_1_1; }

  Result<void, SessionError> on_plaintext(ByteView bytes, Instant now) override;
  Result<void, SessionError> on_eof() override;
  void on_lost() override;
  std::size_t produce(MutableBytes into) override;

  bool wants_output() const noexcept override { return out_.waiting() || unsettled(); }

  std::size_t free_streams() const noexcept override;
  Stream& open(const RequestHead& head, bool end, void* user) override;
  void send_body(Stream& stream, ByteView piece) override;
  void end_body(Stream& stream, const HeaderList* trailers) override;
  void reset(Stream& stream, Reset why) override;
  void consumed(Stream& stream, std::size_t body_bytes) override;

  bool reading_paused() const noexcept override;

  void begin_drain() override { draining_ = true; }

  bool finished() const noexcept override;
  bool sending_ended() const noexcept override;

  std::size_t open_streams() const noexcept override { return open_ ? 1 : 0; }

 private:
  struct Exchange : Stream {
    ResponseHead head;
  };

  enum class Reading : std::uint8_t {
    idle,  // nothing was asked
    head,
    body,
    whole,  // the answer is whole
    tunnel,
    tunnel_ended,
    ended,  // what comes is dropped
  };
  enum class Writing : std::uint8_t { idle, body, whole, tunnel, tunnel_ended };

  Result<void, SessionError> read(ByteView bytes);
  Result<void, SessionError> read_head(ByteView& bytes);
  Result<void, SessionError> take_head(std::string_view section);
  void enter_tunnel();
  Result<void, SessionError> read_body(ByteView& bytes);
  void read_tunnel(ByteView& bytes);
  void end_response();

  void settle();
  bool unsettled() const noexcept;
  bool exchange_over() const noexcept;
  void close_stream(Reset why);
  void break_with(Reset why);
  Result<void, SessionError> fail_with(SessionError error, Reset why);

  bool usable() const noexcept { return open_ && broken_ == Reset::none; }

  ClientEvents& events_;
  Exchange exchange_;
  HeadReader head_reader_;
  SectionReader section_{SectionReader::Kind::response};
  BodyReader body_;
  Outbox out_;
  std::string upgrade_asked_;

  Reading reading_ = Reading::idle;
  Writing writing_ = Writing::idle;
  bool open_ = false;  // the exchange has not had its on_closed
  bool head_request_ = false;
  bool keep_alive_ = true;
  bool draining_ = false;
  bool spoiled_ = false;        // no further exchange
  Reset broken_ = Reset::none;  // reset() may not raise events: the next settle() tells
  std::size_t interim_heads_ = 0;
  std::size_t unread_ = 0;
};

}  // namespace gh::http
