// SPDX-License-Identifier: Apache-2.0
// The accepting side of HTTP/2: preface, requests as they must look (RFC 9113 §8.2, §8.3), answers,
// drain, time limits. In: plaintext, time, answers.   Out: ServerEvents, frames. Owner: the
// connection of its worker, so one core. Not here: frames, windows, output (h2_session.h), floods
// (h2_frame_guard.h).
#pragma once

#include "dataplane/http/h2_session.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace gh::http {

struct H2ServerStream final : H2Stream {
  using H2Stream::H2Stream;

  RequestHead head;
  std::string host;
  std::string cookie;  // crumbs joined again (RFC 9113 §8.2.3)
  std::size_t fields = 0;
  Instant opened;
  bool has_host = false;
  bool unknown_expectation = false;  // 417
  bool too_large = false;            // 431 will be the answer; what comes is only counted
};

class H2Server final : public ServerSession, private H2Session {
 public:
  H2Server(ServerEvents& events, BufferPool& pool, const ServerSettings& settings, Instant now);
  ~H2Server() override;

  Version version() const noexcept override { return Version::http_2; }

  Result<void, SessionError> on_plaintext(ByteView bytes, Instant now) override;
  Result<void, SessionError> on_eof() override;

  void on_lost() override { lose(); }

  std::size_t produce(MutableBytes into) override;

  bool wants_output() const noexcept override { return has_output(); }

  Instant next_deadline() const noexcept override;
  Result<void, SessionError> on_deadline(Instant now) override;
  void respond(Stream& stream, const ResponseHead& head, bool end) override;
  void send_body(Stream& stream, ByteView piece) override;
  void end_body(Stream& stream, const HeaderList* trailers) override;
  void reset(Stream& stream, Reset why) override;
  void consumed(Stream& stream, std::size_t body_bytes) override;

  bool reading_paused() const noexcept override {
    return false;
  }  // the windows bound what can come

  void begin_drain() override;
  bool finished() const noexcept override;

  SessionError error() const noexcept override { return error_; }

  std::size_t open_streams() const noexcept override { return open_.size() + dead_.size(); }

 private:
  // How a stream that is gone ended; what may still come on it depends on that (RFC 9113 §5.1).
  enum class Fate : std::uint8_t { never_opened, ended, reset_by_client, reset_by_us, forgotten };
  enum class Drain : std::uint8_t { none, noticed, last_stream_named };

  void on_frame(const h2::FrameHead& frame) override;
  H2Stream* on_new_stream(std::int32_t id) override;
  void on_head_begin(H2Stream& stream) override;
  FieldVerdict on_field(H2Stream& stream, std::string_view name, std::string_view value) override;
  bool on_head_end(H2Stream& stream) override;
  void on_data(H2Stream& stream, ByteView piece) override;
  void on_remote_end(H2Stream& stream) override;
  void on_data_sent(H2Stream& stream, std::size_t bytes) override;

  bool is_whole(const H2Stream& stream) const override { return stream.local_ended; }

  void on_local_end(H2Stream& stream) override;
  void on_stream_closed(H2Stream& stream, Reset why) override;
  void on_reset_received(std::uint32_t id, H2Stream* stream) override;
  void on_reset_sent(std::uint32_t id, std::uint32_t code) override;

  void on_settings() override { settings_seen_ = true; }

  void on_ping_ack() override;

  bool take_preface(ByteView& bytes);
  FieldVerdict on_trailer(H2ServerStream& stream, std::string_view name, std::string_view value);
  FieldVerdict on_request_field(
      H2ServerStream& stream, std::string_view name, std::string_view value
  );
  bool check_request(H2ServerStream& stream);
  void refuse(H2ServerStream& stream, int code, std::string_view message);
  void wasted();
  Fate fate_of(std::uint32_t id) const noexcept;
  void set_fate(std::uint32_t id, Fate fate) noexcept;
  void open_id(std::uint32_t id) noexcept;
  void name_last_stream();

  static constexpr std::size_t fates_kept = 512;
  static constexpr std::size_t streams_kept = 16;  // unused stream objects a connection keeps

  ServerEvents& events_;
  ServerSettings settings_;
  Instant start_;
  Instant idle_from_;
  bool idle_exact_ = true;  // idle_from_ is a time that was handed in then, not earlier
  bool producing_ = false;
  std::size_t preface_have_ = 0;
  bool settings_seen_ = false;
  Drain drain_ = Drain::none;
  bool drain_armed_ = false;
  Instant drain_due_;
  std::uint32_t last_id_ = 0;
  std::array<Fate, fates_kept> fates_{};
  std::vector<std::unique_ptr<H2ServerStream>> idle_streams_;
};

}  // namespace gh::http
