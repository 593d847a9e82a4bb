// SPDX-License-Identifier: Apache-2.0
// An HTTP/2 server session under a program: the input is a list of steps, each bytes from the
// client or a command of the owner. Whatever the steps: no event after on_closed, one on_closed
// each, windows and queues within bounds, nothing leaks.
#include "base/limits.h"
#include "dataplane/http/session.h"
#include "tests/fuzz/steps.h"
#include "tests/http/h2_frame.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

namespace {

using namespace gh;
using namespace gh::http;
using gh::http::test::frame;
using gh::test::require;
using gh::test::Steps;

class Owner : public ServerEvents {
 public:
  std::map<std::uint32_t, Stream*> open;
  std::map<std::uint32_t, std::size_t> owed;
  std::map<std::uint32_t, std::size_t> queued;
  bool in_command = false;

  void on_request(Stream& stream, RequestHead& head) override {
    require(!in_command && !open.contains(stream.id));
    require(!head.method.empty() && !head.target.empty() && !head.authority.empty());
    require(
        head.headers.bytes() <= limits::head_bytes_max &&
        head.headers.size() <= limits::header_fields_max
    );
    open[stream.id] = &stream;
  }

  void on_body(Stream& stream, ByteView piece) override {
    check(stream);
    require(!piece.empty());
    owed[stream.id] += piece.size();
    require(owed[stream.id] <= limits::h2_stream_window_bytes);
  }

  void on_request_end(Stream& stream, const HeaderList* trailers) override {
    check(stream);
    require(trailers == nullptr || trailers->bytes() <= limits::trailer_bytes_max);
  }

  void on_tunnel_bytes(Stream&, ByteView) override { std::abort(); }

  void on_tunnel_end(Stream&) override { std::abort(); }

  void on_sent(Stream& stream, std::size_t bytes) override {
    check(stream);
    require(bytes <= queued[stream.id]);
    queued[stream.id] -= bytes;
  }

  void on_closed(Stream& stream, Reset) override {
    check(stream);
    open.erase(stream.id);
    owed.erase(stream.id);
    queued.erase(stream.id);
  }

  Stream* pick(std::uint8_t n) {
    if (open.empty()) return nullptr;
    auto at = open.begin();
    std::advance(at, n % open.size());
    return at->second;
  }

 private:
  void check(Stream& stream) {
    require(!in_command && open.contains(stream.id) && open[stream.id] == &stream);
  }
};

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : steps_(data, size) {
    session_ = make_h2_server(
        owner_, pool_, {std::chrono::seconds(30), std::chrono::seconds(180), 8}, now_
    );
  }

  ~Program() {
    session_->on_lost();
    require(
        owner_.open.empty() && pool_.in_use() == 0 && session_->open_streams() == 0 &&
        session_->finished()
    );
  }

  void run() {
    if ((steps_.byte() & 1) == 0) {
      std::string hello = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
      hello += frame(4, 0, 0, "") + frame(4, 1, 0, "");
      (void)session_->on_plaintext(as_bytes(std::string_view(hello).substr(0, 24)), now_);
      produce(255);
      (void)session_->on_plaintext(as_bytes(std::string_view(hello).substr(24)), now_);
    }
    while (steps_.more()) step(steps_.byte());
    produce(255);
  }

 private:
  void step(std::uint8_t op) {
    switch (op % 14) {
      case 0:
        return give(steps_.bytes(steps_.byte()));
      case 1: {  // a frame with a true length
        const std::uint8_t type = steps_.byte();
        const std::uint8_t flags = steps_.byte();
        const std::uint32_t stream = steps_.byte();
        return give(as_bytes(frame(type, flags, stream, as_text(steps_.bytes(steps_.byte())))));
      }
      case 2: {  // a request, with what HPACK bytes follow
        std::string block = "\x82\x87\x84\x41\x01k";
        block += as_text(steps_.bytes(steps_.byte() % 64));
        const std::uint8_t flags = steps_.byte();
        next_id_ += 2;
        return give(as_bytes(frame(1, static_cast<std::uint8_t>(0x4 | (flags & 1)), next_id_, block)
        ));
      }
      case 3: {
        const std::uint8_t how = steps_.byte();
        const std::string body(std::size_t{how} * 64, 'b');
        const Stream* stream = owner_.pick(steps_.byte());
        return give(as_bytes(frame(0, how & 1, stream != nullptr ? stream->id : next_id_, body)));
      }
      case 4:
        return respond();
      case 5:
        return send();
      case 6:
        return end();
      case 7:
        if (Stream* stream = owner_.pick(steps_.byte()))
          command([&] { session_->reset(*stream, static_cast<Reset>(steps_.byte() % 7)); });
        return;
      case 8:
        if (Stream* stream = owner_.pick(steps_.byte())) {
          const std::size_t n =
              std::min<std::size_t>(owner_.owed[stream->id], std::size_t{steps_.byte()} * 256);
          owner_.owed[stream->id] -= n;
          command([&] { session_->consumed(*stream, n); });
        }
        return;
      case 9:
        return produce(steps_.byte());
      case 10:
        now_ = now_ + std::chrono::milliseconds(steps_.byte() * 16);
        return (void)session_->on_deadline(now_);
      case 11:
        return command([&] { session_->begin_drain(); });
      case 12:
        return give(as_bytes(frame(8, 0, steps_.byte(), std::string("\0\0\x40\0", 4))));
      case 13:
        if (steps_.byte() == 7) (void)session_->on_eof();
        return;
    }
  }

  template <class Command>
  void command(Command run_it) {
    owner_.in_command = true;
    run_it();
    owner_.in_command = false;
  }

  void give(ByteView bytes) {
    if (!session_->on_plaintext(bytes, now_)) require(owner_.open.empty());
    now_ = now_ + std::chrono::milliseconds(1);
  }

  void respond() {
    Stream* stream = owner_.pick(steps_.byte());
    if (stream == nullptr) return;
    ResponseHead head;
    const std::uint8_t how = steps_.byte();
    head.status = how < 10 ? 100 : how < 20 ? 204 : how < 30 ? 304 : 200;
    if ((how & 1) != 0) head.headers.add("x-a", "b");
    if ((how & 2) != 0) head.content_length = how;
    command([&] { session_->respond(*stream, head, how > 200); });
  }

  void send() {
    Stream* stream = owner_.pick(steps_.byte());
    if (stream == nullptr) return;
    const std::string body(std::size_t{steps_.byte()} * 100, 'r');
    if (owner_.queued[stream->id] + body.size() > limits::h2_stream_window_bytes) return;
    owner_.queued[stream->id] += body.size();
    command([&] { session_->send_body(*stream, as_bytes(body)); });
  }

  void end() {
    Stream* stream = owner_.pick(steps_.byte());
    if (stream == nullptr) return;
    HeaderList trailers;
    trailers.add("x-t", "v");
    const bool with = (steps_.byte() & 1) != 0;
    command([&] { session_->end_body(*stream, with ? &trailers : nullptr); });
  }

  void produce(std::uint8_t how) {
    std::array<std::uint8_t, 20'000> into;
    const std::size_t each = how == 255 ? into.size() : std::size_t{how} + 1;
    for (int i = 0; i < 10'000; ++i) {
      const std::size_t n = session_->produce(std::span(into).first(each));
      require(n <= each);
      if (n == 0 || how < 128) return;
    }
    std::abort();  // output without end
  }

  Steps steps_;
  Instant now_{1'000'000'000};
  BufferPool pool_;
  Owner owner_;
  std::unique_ptr<ServerSession> session_;
  std::uint32_t next_id_ = 0xffffffff;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program(data, size).run();
  return 0;
}
