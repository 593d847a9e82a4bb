// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 client session given arbitrary answers in arbitrary pieces.
// Held: the order of events, one on_closed a stream, a body no longer than its length, and the same
// transcript whatever the cut. Input: what was asked, cut, then the server's bytes.
#include "base/assert.h"
#include "tests/http/h1_rig.h"

namespace gh::http::test {
namespace {

class Order final : public ClientEvents {
 public:
  Order() : session_(make_h1_client(*this, pool_)) {}

  void run(std::uint8_t asked, std::string_view bytes, std::size_t piece_bytes) {
    asked_ = asked;
    open();
    for (std::size_t at = 0; at < bytes.size() && !session_->finished(); at += piece_bytes) {
      if (!session_->on_plaintext(as_bytes(bytes.substr(at, piece_bytes)), Instant{1})) break;
      drain(*session_);
      if (session_->free_streams() > 0 && session_->open_streams() == 0) open();
    }
    if (!session_->finished()) static_cast<void>(session_->on_eof());
    drain(*session_);
    session_->on_lost();
    GH_ASSERT(state_ == State::none && session_->open_streams() == 0);
  }

 private:
  enum class State : std::uint8_t { none, asked, body, ended, tunnel, tunnel_ended };

  void open() {
    RequestHead head;
    head.method = (asked_ & 1) != 0 ? "HEAD" : "POST";
    head.target = "/";
    if ((asked_ & 2) != 0) head.upgrade = "x";
    const bool end = (asked_ & 4) == 0;
    state_ = State::asked;
    Stream& stream = session_->open(head, end, this);
    if (!end) session_->send_body(stream, as_bytes("abc"));
    if (!end && (asked_ & 8) != 0) session_->end_body(stream, nullptr);
    drain(*session_);
  }

  void on_response(Stream&, ResponseHead& head) override {
    GH_ASSERT(state_ == State::asked && head.status >= 100 && head.status <= 599);
    if (head.interim()) return;
    state_ = head.status == 101 ? State::tunnel : State::body;
    left_ = head.content_length;
  }

  void on_body(Stream& stream, ByteView piece) override {
    GH_ASSERT(state_ == State::body && !piece.empty() && (asked_ & 1) == 0);
    GH_ASSERT(!left_ || *left_ >= piece.size());
    if (left_) *left_ -= piece.size();
    session_->consumed(stream, piece.size());
    if ((asked_ & 16) != 0 && piece.size() % 3 == 0) session_->reset(stream, Reset::cancelled);
  }

  void on_response_end(Stream&, const HeaderList*) override {
    GH_ASSERT(state_ == State::body);
    state_ = State::ended;
  }

  void on_tunnel_bytes(Stream&, ByteView) override { GH_ASSERT(state_ == State::tunnel); }

  void on_tunnel_end(Stream& stream) override {
    GH_ASSERT(state_ == State::tunnel);
    state_ = State::tunnel_ended;
    session_->end_body(stream, nullptr);
  }

  void on_sent(Stream&, std::size_t) override { GH_ASSERT(state_ != State::none); }

  void on_closed(Stream&, Reset reset) override {
    GH_ASSERT(state_ != State::none);
    GH_ASSERT(reset != Reset::none || state_ == State::ended || state_ == State::tunnel_ended);
    state_ = State::none;
  }

  void on_capacity() override { GH_ASSERT(session_->free_streams() > 0); }

  std::uint8_t asked_ = 0;
  State state_ = State::none;
  std::optional<std::uint64_t> left_;
  BufferPool pool_;
  std::unique_ptr<ClientSession> session_;
};

std::string plain(std::uint8_t asked, std::string_view bytes, std::size_t piece_bytes) {
  ClientRig rig;
  RequestHead head;
  head.method = (asked & 1) != 0 ? "HEAD" : "GET";
  head.target = "/";
  if ((asked & 2) != 0) head.upgrade = "x";
  rig.open(head);
  rig.feed_cut(bytes, piece_bytes);
  rig.eof();
  return rig.all();
}

}  // namespace
}  // namespace gh::http::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gh::http::test;
  if (size < 3) return 0;
  const std::size_t cut = 1 + data[1] % 40;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Order().run(data[0], bytes, cut);
  GH_ASSERT(plain(data[0], bytes, cut) == plain(data[0], bytes, bytes.size()));
  return 0;
}
