// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server session fed arbitrary bytes in arbitrary pieces, its owner answering in
// several manners. Held: the order of events, one on_closed a stream, no byte of a refused request
// handed up, and for a plain owner the same transcript and output whatever the cut. Input: manner,
// cut, then the client's bytes.
#include "base/assert.h"
#include "tests/http/h1_rig.h"

namespace gh::http::test {
namespace {

enum class Manner : std::uint8_t { at_end, at_end_chunked, at_request, late, reset, count };

// Watches that events come in a legal order.
class Order final : public ServerEvents {
 public:
  explicit Order(Manner manner)
      : manner_(manner),
        session_(make_h1_server(
            *this, pool_, {limits::head_timeout, limits::idle_timeout, 1}, Instant{0}
        )) {}

  void run(std::string_view bytes, std::size_t piece_bytes) {
    for (std::size_t at = 0; at < bytes.size() && !session_->finished(); at += piece_bytes) {
      if (!session_->on_plaintext(as_bytes(bytes.substr(at, piece_bytes)), Instant{1})) break;
      produce();
    }
    if (!session_->finished()) static_cast<void>(session_->on_eof());
    produce();
    for (int i = 0; i < 4; ++i) {
      static_cast<void>(session_->on_deadline(Instant{(i + 1) * std::int64_t{1'000'000'000'000}}));
      produce();
    }
    session_->on_lost();
    GH_ASSERT(state_ == State::none && session_->finished());
  }

 private:
  enum class State : std::uint8_t { none, head, ended, tunnel, tunnel_ended };

  void produce() {
    std::uint8_t block[512];
    for (int turns = 0; session_->wants_output(); ++turns) {
      GH_ASSERT(turns < 100'000);
      session_->produce(block);
      if (!session_->wants_output() && late_ != nullptr) answer(*std::exchange(late_, nullptr));
    }
    if (late_ != nullptr) {
      answer(*std::exchange(late_, nullptr));
      produce();
    }
  }

  void answer(Stream& stream) {
    ResponseHead head;
    head.status = upgrade_ && state_ == State::ended ? 101 : 200;
    if (head.status == 101) {
      head.upgrade = "x";
      session_->respond(stream, head, false);
      session_->send_body(stream, as_bytes("raw"));
      session_->end_body(stream, nullptr);
      return;
    }
    if (manner_ != Manner::at_end_chunked) head.content_length = 3;
    session_->respond(stream, head, false);
    session_->send_body(stream, as_bytes("abc"));
    session_->end_body(stream, nullptr);
  }

  void on_request(Stream& stream, RequestHead& head) override {
    GH_ASSERT(state_ == State::none && session_->open_streams() == 1);
    GH_ASSERT(is_sound(head));
    state_ = State::head;
    upgrade_ = !head.upgrade.empty();
    if (manner_ == Manner::at_request) answer(stream);
    if (manner_ == Manner::reset && stream.id % 3 == 0)
      session_->reset(stream, Reset::internal_error);
  }

  static bool is_sound(const RequestHead& head) {
    for (const char c : head.target) {
      if (c <= ' ' || c >= 0x7f || c == '#') return false;
    }
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
      for (const char c : head.headers[i].value) {
        if (c == '\r' || c == '\n' || c == 0) return false;
      }
    }
    return !head.method.empty() && (head.target.starts_with('/') || head.target == "*");
  }

  void on_body(Stream& stream, ByteView piece) override {
    GH_ASSERT(state_ == State::head && !piece.empty());
    session_->consumed(stream, piece.size());
    if (manner_ == Manner::reset && piece.size() % 5 == 0)
      session_->reset(stream, Reset::cancelled);
  }

  void on_request_end(Stream& stream, const HeaderList*) override {
    GH_ASSERT(state_ == State::head);
    state_ = State::ended;
    if (manner_ == Manner::at_end || manner_ == Manner::at_end_chunked) answer(stream);
    if (manner_ == Manner::late) late_ = &stream;
    if (manner_ == Manner::reset && stream.id % 2 == 0) session_->reset(stream, Reset::refused);
    if (manner_ == Manner::reset) answer(stream);
  }

  void on_tunnel_bytes(Stream& stream, ByteView piece) override {
    GH_ASSERT(state_ == State::ended || state_ == State::tunnel);
    state_ = State::tunnel;
    session_->consumed(stream, piece.size());
  }

  void on_tunnel_end(Stream&) override {
    GH_ASSERT(state_ == State::ended || state_ == State::tunnel);
    state_ = State::tunnel_ended;
  }

  void on_sent(Stream&, std::size_t n) override { GH_ASSERT(state_ != State::none && n > 0); }

  void on_closed(Stream&, Reset) override {
    GH_ASSERT(state_ != State::none);
    state_ = State::none;
    late_ = nullptr;
  }

  Manner manner_;
  State state_ = State::none;
  bool upgrade_ = false;
  Stream* late_ = nullptr;
  BufferPool pool_;
  std::unique_ptr<ServerSession> session_;
};

std::string plain(std::string_view bytes, std::size_t piece_bytes) {
  ServerRig rig;
  rig.feed_cut(bytes, piece_bytes);
  rig.eof();
  return rig.all();
}

}  // namespace
}  // namespace gh::http::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gh::http::test;
  if (size < 3) return 0;
  const auto manner = static_cast<Manner>(data[0] % static_cast<int>(Manner::count));
  const std::size_t cut = 1 + data[1] % 40;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Order(manner).run(bytes, cut);
  GH_ASSERT(plain(bytes, cut) == plain(bytes, bytes.size()));
  return 0;
}
