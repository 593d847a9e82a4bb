// SPDX-License-Identifier: Apache-2.0
// An HTTP/2 client session under a program: the input is a list of steps, each bytes from an
// upstream or a command of the owner. Whatever the steps: no event after on_closed, one on_closed
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
#include <set>
#include <string>

namespace {

using namespace gh;
using namespace gh::http;
using gh::http::test::frame;
using gh::test::require;
using gh::test::Steps;

class Owner : public ClientEvents {
 public:
  struct Known {
    Stream* stream;
    std::size_t owed = 0;
    std::size_t queued = 0;
    bool answered = false;
    bool ended = false;
  };

  std::map<std::uint32_t, Known> open;
  bool in_command = false;

  void on_response(Stream& stream, ResponseHead& head) override {
    Known& known = check(stream);
    require(!known.answered && head.status >= 100 && head.status <= 599 && head.status != 101);
    require(head.headers.bytes() <= limits::head_bytes_max);
    known.answered = !head.interim();
  }

  void on_body(Stream& stream, ByteView piece) override {
    Known& known = check(stream);
    require(known.answered && !known.ended && !piece.empty());
    known.owed += piece.size();
    require(known.owed <= limits::h2_stream_window_bytes);
  }

  void on_response_end(Stream& stream, const HeaderList* trailers) override {
    Known& known = check(stream);
    require(known.answered && !known.ended);
    require(trailers == nullptr || trailers->bytes() <= limits::trailer_bytes_max);
    known.ended = true;
  }

  void on_tunnel_bytes(Stream&, ByteView) override { std::abort(); }

  void on_tunnel_end(Stream&) override { std::abort(); }

  void on_sent(Stream& stream, std::size_t bytes) override {
    Known& known = check(stream);
    require(bytes <= known.queued);
    known.queued -= bytes;
  }

  void on_closed(Stream& stream, Reset why) override {
    Known& known = check(stream);
    require(why != Reset::none || known.ended || reset_as_none.contains(stream.id));
    open.erase(stream.id);
  }

  void on_capacity() override { require(!in_command); }

  std::set<std::uint32_t> reset_as_none;

  Known* pick(std::uint8_t n) {
    if (open.empty()) return nullptr;
    auto at = open.begin();
    std::advance(at, n % open.size());
    return &at->second;
  }

 private:
  Known& check(Stream& stream) {
    require(!in_command && open.contains(stream.id) && open.at(stream.id).stream == &stream);
    return open.at(stream.id);
  }
};

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size)
      : steps_(data, size), session_(make_h2_client(owner_, pool_)) {}

  ~Program() {
    session_->on_lost();
    require(
        owner_.open.empty() && pool_.in_use() == 0 && session_->open_streams() == 0 &&
        session_->finished()
    );
  }

  void run() {
    produce(255);
    if ((steps_.byte() & 1) == 0) give(as_bytes(frame(4, 0, 0, "") + frame(4, 1, 0, "")));
    while (steps_.more()) step(steps_.byte());
    produce(255);
  }

 private:
  void step(std::uint8_t op) {
    switch (op % 13) {
      case 0:
        return give(steps_.bytes(steps_.byte()));
      case 1: {
        const std::uint8_t type = steps_.byte();
        const std::uint8_t flags = steps_.byte();
        const std::uint32_t stream = steps_.byte();
        return give(as_bytes(frame(type, flags, stream, as_text(steps_.bytes(steps_.byte())))));
      }
      case 2: {  // an answer, with what HPACK bytes follow
        const Owner::Known* known = owner_.pick(steps_.byte());
        if (known == nullptr) return;
        std::string block = known->answered ? "" : "\x88";
        block += as_text(steps_.bytes(steps_.byte() % 64));
        return give(as_bytes(
            frame(1, static_cast<std::uint8_t>(0x4 | (steps_.byte() & 1)), known->stream->id, block)
        ));
      }
      case 3: {
        const Owner::Known* known = owner_.pick(steps_.byte());
        const std::uint8_t how = steps_.byte();
        if (known == nullptr) return;
        return give(
            as_bytes(frame(0, how & 1, known->stream->id, std::string(std::size_t{how} * 64, 'b')))
        );
      }
      case 4:
        return open();
      case 5:
        return send();
      case 6:
        if (Owner::Known* known = owner_.pick(steps_.byte()))
          command([&] { session_->end_body(*known->stream, nullptr); });
        return;
      case 7:
        if (Owner::Known* known = owner_.pick(steps_.byte())) {
          const auto why = static_cast<Reset>(steps_.byte() % 7);
          if (why == Reset::none) owner_.reset_as_none.insert(known->stream->id);
          command([&] { session_->reset(*known->stream, why); });
        }
        return;
      case 8:
        if (Owner::Known* known = owner_.pick(steps_.byte())) {
          const std::size_t n =
              std::min<std::size_t>(known->owed, std::size_t{steps_.byte()} * 256);
          known->owed -= n;
          command([&] { session_->consumed(*known->stream, n); });
        }
        return;
      case 9:
        return produce(steps_.byte());
      case 10:
        return command([&] { session_->begin_drain(); });
      case 11:
        return give(as_bytes(frame(8, 0, steps_.byte(), std::string("\0\0\x40\0", 4))));
      case 12:
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
    if (!session_->on_plaintext(bytes, now_))
      require(owner_.open.empty() && session_->free_streams() == 0);
    now_ = now_ + std::chrono::milliseconds(1);
  }

  void open() {
    if (session_->free_streams() == 0) return;
    const std::uint8_t how = steps_.byte();
    RequestHead head;
    head.method = (how & 1) != 0 ? "HEAD" : "POST";
    head.target = "/";
    head.authority = "k";
    if ((how & 2) != 0) head.headers.add("x-a", "b");
    if ((how & 4) != 0) head.content_length = how;
    owner_.in_command = true;
    Stream& stream = session_->open(head, (how & 8) != 0, nullptr);
    owner_.in_command = false;
    require(!owner_.open.contains(stream.id));
    owner_.open[stream.id] = {&stream};
  }

  void send() {
    Owner::Known* known = owner_.pick(steps_.byte());
    if (known == nullptr) return;
    const std::string body(std::size_t{steps_.byte()} * 100, 'r');
    if (known->queued + body.size() > limits::h2_stream_window_bytes) return;
    known->queued += body.size();
    command([&] { session_->send_body(*known->stream, as_bytes(body)); });
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
  std::unique_ptr<ClientSession> session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program(data, size).run();
  return 0;
}
