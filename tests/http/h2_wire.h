// SPDX-License-Identifier: Apache-2.0
// A peer made by hand: frames as bytes, header blocks by nghttp2's HPACK, and recorders of what a
// session tells its owner.
#pragma once

#include "base/buffer_pool.h"
#include "dataplane/http/h2_frame_guard.h"
#include "dataplane/http/session.h"
#include "tests/http/h2_frame.h"

#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gh::http::test {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string setting(std::uint16_t id, std::uint32_t value) {
  return std::string{static_cast<char>(id >> 8), static_cast<char>(id)} + u32(value);
}

inline std::string data(std::uint32_t stream, std::string_view bytes, bool end = false) {
  return frame(h2::data, end ? 1 : 0, stream, bytes);
}

inline std::string rst(std::uint32_t stream, std::uint32_t code = NGHTTP2_CANCEL) {
  return frame(h2::rst_stream, 0, stream, u32(code));
}

inline std::string window_update(std::uint32_t stream, std::uint32_t by) {
  return frame(h2::window_update, 0, stream, u32(by));
}

struct GotFrame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
  Fields fields;  // of a HEADERS frame, CONTINUATION included

  std::uint32_t number(std::size_t at = 0) const {
    const auto* p = reinterpret_cast<const std::uint8_t*>(payload.data() + at);
    return static_cast<std::uint32_t>(p[0]) << 24 |
           static_cast<std::uint32_t>(p[1] << 16 | p[2] << 8 | p[3]);
  }

  std::string field(std::string_view name) const {
    for (const auto& [n, v] : fields) {
      if (n == name) return v;
    }
    return "(none)";
  }

  bool ends() const { return (flags & 1) != 0; }
};

// One direction's HPACK writer and the other's reader, as a peer has them.
class Hpack {
 public:
  Hpack() {
    nghttp2_hd_deflate_new(&out_, 4096);
    nghttp2_hd_inflate_new(&in_);
  }

  ~Hpack() {
    nghttp2_hd_deflate_del(out_);
    nghttp2_hd_inflate_del(in_);
  }

  Hpack(const Hpack&) = delete;
  Hpack& operator=(const Hpack&) = delete;

  std::string pack(const Fields& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) {
      pairs.push_back(
          {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
           reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
           name.size(),
           value.size(),
           NGHTTP2_NV_FLAG_NONE}
      );
    }
    std::string out(nghttp2_hd_deflate_bound(out_, pairs.data(), pairs.size()), '\0');
    const ssize_t n = nghttp2_hd_deflate_hd(
        out_, reinterpret_cast<std::uint8_t*>(out.data()), out.size(), pairs.data(), pairs.size()
    );
    out.resize(static_cast<std::size_t>(n));
    return out;
  }

  Fields unpack(std::string_view block) {
    Fields fields;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
      nghttp2_nv pair;
      int flags = 0;
      const ssize_t n = nghttp2_hd_inflate_hd2(in_, &pair, &flags, at, left, 1);
      if (n < 0) return {{"(bad block)", ""}};
      at += n;
      left -= static_cast<std::size_t>(n);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.emplace_back(
            std::string(reinterpret_cast<char*>(pair.name), pair.namelen),
            std::string(reinterpret_cast<char*>(pair.value), pair.valuelen)
        );
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
    }
    nghttp2_hd_inflate_end_headers(in_);
    return fields;
  }

  // HEADERS, with CONTINUATION as the frame size asks.
  std::string headers(std::uint32_t stream, const Fields& fields, bool end) {
    return split(stream, pack(fields), end);
  }

  static std::string split(
      std::uint32_t stream, std::string_view block, bool end, std::size_t each = 16384
  ) {
    std::string out;
    std::uint8_t type = h2::headers;
    std::uint8_t flags = end ? 1 : 0;
    do {
      const std::string_view part = block.substr(0, each);
      block.remove_prefix(part.size());
      out += frame(
          type,
          static_cast<std::uint8_t>(flags | (block.empty() ? h2::flag_end_headers : 0)),
          stream,
          part
      );
      type = h2::continuation;
      flags = 0;
    } while (!block.empty());
    return out;
  }

 private:
  nghttp2_hd_deflater* out_ = nullptr;
  nghttp2_hd_inflater* in_ = nullptr;
};

// Takes a session's output apart.
class FrameReader {
 public:
  explicit FrameReader(Hpack& hpack) : hpack_(hpack) {}

  std::vector<GotFrame> take(std::string_view bytes) {
    rest_ += bytes;
    std::vector<GotFrame> frames;
    while (rest_.size() >= h2::frame_head_bytes) {
      const h2::FrameHead head =
          h2::parse_frame_head(reinterpret_cast<const std::uint8_t*>(rest_.data()));
      if (rest_.size() < h2::frame_head_bytes + head.length) break;
      GotFrame got{
          head.type, head.flags, head.stream, rest_.substr(h2::frame_head_bytes, head.length), {}
      };
      rest_.erase(0, h2::frame_head_bytes + head.length);
      if (got.type == h2::headers || got.type == h2::continuation) {
        if (got.type == h2::headers) block_ = got;
        if (got.type == h2::continuation) block_.payload += got.payload;
        if ((got.flags & h2::flag_end_headers) == 0) continue;
        block_.fields = hpack_.unpack(block_.payload);
        got = block_;
      }
      frames.push_back(std::move(got));
    }
    return frames;
  }

  bool between_frames() const { return rest_.empty(); }

 private:
  Hpack& hpack_;
  std::string rest_;
  GotFrame block_;
};

inline const GotFrame* first_of(
    const std::vector<GotFrame>& frames, std::uint8_t type, std::uint32_t stream
) {
  for (const GotFrame& frame : frames) {
    if (frame.type == type && frame.stream == stream) return &frame;
  }
  return nullptr;
}

inline const GotFrame* goaway_of(const std::vector<GotFrame>& frames) {
  return first_of(frames, h2::goaway, 0);
}

inline std::string text_of(const HeaderList& list) {
  std::string text;
  for (std::size_t i = 0; i < list.size(); ++i)
    text += std::string(list[i].name) + "=" + std::string(list[i].value) + ";";
  return text;
}

// What one stream's owner was told, in order, as words.
struct Told {
  std::string log;
  std::string body;
  Stream* stream = nullptr;
  std::size_t sent = 0;
  int closed = 0;
  Reset why = Reset::none;
  RequestHead request;
  ResponseHead response;
  std::string trailers = "(none)";
};

// The hooks run inside the events: what an owner would do there.
class ServerRecorder : public ServerEvents {
 public:
  std::map<std::uint32_t, Told> streams;
  std::function<void(Stream&, RequestHead&)> request;
  std::function<void(Stream&, ByteView)> body;
  std::function<void(Stream&)> request_end;
  std::function<void(Stream&, std::size_t)> sent;
  std::function<void(Stream&)> closed;
  bool inside_command = false;  // set by a test around commands: no event may fire then

  void on_request(Stream& stream, RequestHead& head) override {
    Told& told = note(stream, "request ");
    told.request = head;
    told.stream = &stream;
    if (request) request(stream, head);
  }

  void on_body(Stream& stream, ByteView piece) override {
    note(stream, "body ").body += as_text(piece);
    if (body) body(stream, piece);
  }

  void on_request_end(Stream& stream, const HeaderList* trailers) override {
    Told& told = note(stream, "end ");
    if (trailers != nullptr) told.trailers = text_of(*trailers);
    if (request_end) request_end(stream);
  }

  void on_tunnel_bytes(Stream& stream, ByteView) override { note(stream, "tunnel "); }

  void on_tunnel_end(Stream& stream) override { note(stream, "tunnel-end "); }

  void on_sent(Stream& stream, std::size_t bytes) override {
    note(stream, "").sent += bytes;
    if (sent) sent(stream, bytes);
  }

  void on_closed(Stream& stream, Reset why) override {
    Told& told = note(stream, "closed ");
    ++told.closed;
    told.why = why;
    told.stream = nullptr;
    if (closed) closed(stream);
  }

  std::size_t open() const {
    std::size_t n = 0;
    for (const auto& [id, told] : streams) n += told.closed == 0;
    return n;
  }

 private:
  Told& note(Stream& stream, const char* word) {
    if (inside_command) std::abort();
    Told& told = streams[stream.id];
    if (told.closed > 0) std::abort();  // an event after on_closed
    told.log += word;
    return told;
  }
};

class ClientRecorder : public ClientEvents {
 public:
  std::map<std::uint32_t, Told> streams;
  std::function<void(Stream&, ResponseHead&)> response;
  std::function<void(Stream&, ByteView)> body;
  std::function<void(Stream&)> response_end;
  std::function<void(Stream&, std::size_t)> sent;
  std::function<void(Stream&)> closed;
  std::function<void()> capacity;
  int capacities = 0;
  bool inside_command = false;

  void on_response(Stream& stream, ResponseHead& head) override {
    note(stream, head.interim() ? "interim " : "response ").response = head;
    if (response) response(stream, head);
  }

  void on_body(Stream& stream, ByteView piece) override {
    note(stream, "body ").body += as_text(piece);
    if (body) body(stream, piece);
  }

  void on_response_end(Stream& stream, const HeaderList* trailers) override {
    Told& told = note(stream, "end ");
    if (trailers != nullptr) told.trailers = text_of(*trailers);
    if (response_end) response_end(stream);
  }

  void on_tunnel_bytes(Stream& stream, ByteView) override { note(stream, "tunnel "); }

  void on_tunnel_end(Stream& stream) override { note(stream, "tunnel-end "); }

  void on_sent(Stream& stream, std::size_t bytes) override {
    note(stream, "").sent += bytes;
    if (sent) sent(stream, bytes);
  }

  void on_closed(Stream& stream, Reset why) override {
    Told& told = note(stream, "closed ");
    ++told.closed;
    told.why = why;
    if (closed) closed(stream);
  }

  void on_capacity() override {
    ++capacities;
    if (capacity) capacity();
  }

 private:
  Told& note(Stream& stream, const char* word) {
    if (inside_command) std::abort();
    Told& told = streams[stream.id];
    if (told.closed > 0) std::abort();
    told.log += word;
    return told;
  }
};

template <class Session>
std::string produce_all(Session& session, std::size_t each = 64 * 1024) {
  std::string out;
  std::string piece(each, '\0');
  for (;;) {
    const std::size_t n =
        session.produce({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()});
    out.append(piece, 0, n);
    if (n == 0 && !session.wants_output()) return out;
    if (n == 0) {
      // It wanted to speak and did not: once is an event only (on_closed), twice would be a loop.
      const std::size_t again =
          session.produce({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()});
      out.append(piece, 0, again);
      if (again == 0) return out;
    }
  }
}

}  // namespace gh::http::test
