// SPDX-License-Identifier: Apache-2.0
// The requesting side of HTTP/2, towards an API server: requests out, responses checked and handed
// up (RFC 9113 §8.3.2). In: plaintext, requests.   Out: ClientEvents, frames. Owner: the upstream
// connection of its worker, so one core. Not here: frames, windows, output (h2_session.h); which
// connection a request takes (proxy).
#pragma once

#include "dataplane/http/h2_session.h"

#include <memory>
#include <vector>

namespace gh::http {

struct H2ClientStream final : H2Stream {
  using H2Stream::H2Stream;

  ResponseHead head;
  std::size_t fields = 0;
  bool head_seen = false;  // the final one
};

class H2Client final : public ClientSession, private H2Session {
 public:
  H2Client(ClientEvents& events, BufferPool& pool);
  ~H2Client() override;

  Version version() const noexcept override { return Version::http_2; }

  Result<void, SessionError> on_plaintext(ByteView bytes, Instant now) override;
  Result<void, SessionError> on_eof() override;

  void on_lost() override { lose(); }

  std::size_t produce(MutableBytes into) override;

  bool wants_output() const noexcept override { return has_output(); }

  std::size_t free_streams() const noexcept override;
  Stream& open(const RequestHead& head, bool end, void* user) override;
  void send_body(Stream& stream, ByteView piece) override;
  void end_body(Stream& stream, const HeaderList* trailers) override;
  void reset(Stream& stream, Reset why) override;
  void consumed(Stream& stream, std::size_t body_bytes) override;

  bool reading_paused() const noexcept override {
    return false;
  }  // the windows bound what can come

  void begin_drain() override;
  bool finished() const noexcept override;

  std::size_t open_streams() const noexcept override { return open_.size() + dead_.size(); }

 private:
  void on_frame(const h2::FrameHead&) override {}

  H2Stream* on_new_stream(std::int32_t) override { return nullptr; }

  void on_head_begin(H2Stream& stream) override;
  FieldVerdict on_field(H2Stream& stream, std::string_view name, std::string_view value) override;
  bool on_head_end(H2Stream& stream) override;
  void on_data(H2Stream& stream, ByteView piece) override;
  void on_remote_end(H2Stream& stream) override;
  void on_data_sent(H2Stream& stream, std::size_t bytes) override;

  bool is_whole(const H2Stream& stream) const override { return stream.remote_ended; }

  void on_local_end(H2Stream&) override {}

  void on_stream_closed(H2Stream& stream, Reset why) override;
  void on_reset_received(std::uint32_t id, H2Stream* stream) override;

  void on_reset_sent(std::uint32_t, std::uint32_t) override {}

  void on_settings() override { capacity_grew_ = true; }

  void on_ping_ack() override {}

  FieldVerdict on_status(H2ClientStream& stream, std::string_view value);
  void part_if_drained();
  void tell_capacity();

  static constexpr std::size_t streams_kept = 128;  // unused stream objects a connection keeps

  ClientEvents& events_;
  bool draining_ = false;
  bool parted_ = false;  // the last GOAWAY is on its way
  bool capacity_grew_ = false;
  std::vector<std::unique_ptr<H2ClientStream>> idle_streams_;
};

}  // namespace gh::http
