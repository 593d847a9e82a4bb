// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h1_out.h"

#include "base/assert.h"
#include "dataplane/http/status_body.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

namespace gh::http {

namespace {

// Decimal or hexadecimal digits of a number, without a terminator.
class Digits {
 public:
  explicit Digits(std::uint64_t value, int base = 10)
      : end_(std::to_chars(text_, text_ + sizeof text_, value, base).ptr) {}

  std::string_view view() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

 private:
  char text_[20];
  char* end_;
};

constexpr std::string_view line_end = "\r\n";
// Status line, framing and Connection with room to spare; Host, Upgrade and the request line are
// counted apart.
constexpr std::size_t fixed_head_bytes = 256;

std::size_t head_bytes(const HeaderList& headers) { return fixed_head_bytes + headers.bytes(); }

}  // namespace

// Writes one head of at most `bytes_max` bytes straight into the queue's tail, or where the tail is
// too short through a block of its own.
class Outbox::HeadWriter {
 public:
  HeadWriter(ByteQueue& queue, std::size_t bytes_max) : queue_(queue) {
    const MutableBytes room = queue.room();
    if (room.size() < bytes_max) block_ = std::make_unique<std::uint8_t[]>(bytes_max);
    begin_ = at_ = block_ ? block_.get() : room.data();
    end_ = begin_ + bytes_max;
  }

  ~HeadWriter() {
    const auto n = static_cast<std::size_t>(at_ - begin_);
    if (block_) {
      queue_.append({begin_, n});
    } else {
      queue_.commit(n);
    }
  }

  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;

  HeadWriter& operator<<(std::string_view text) {
    GH_ASSERT(text.size() <= static_cast<std::size_t>(end_ - at_));
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }

  void field(std::string_view name, std::string_view value) {
    *this << name << ": " << value << line_end;
  }

  void fields(const HeaderList& headers) {
    for (std::size_t i = 0; i < headers.size(); ++i) field(headers[i].name, headers[i].value);
  }

  void end_of_head(const HeadFraming& framing) {
    if (framing.chunked) field("Transfer-Encoding", "chunked");
    if (framing.content_length) field("Content-Length", Digits(*framing.content_length).view());
    if (!framing.connection.empty()) field("Connection", framing.connection);
    if (!framing.upgrade.empty()) field("Upgrade", framing.upgrade);
    *this << line_end;
  }

 private:
  ByteQueue& queue_;
  std::unique_ptr<std::uint8_t[]> block_;
  std::uint8_t* begin_;
  std::uint8_t* at_;
  std::uint8_t* end_;
};

void Outbox::clear() noexcept {
  bytes_.clear();
  body_waiting_ = 0;
}

void Outbox::request_head(const RequestHead& head, const HeadFraming& framing) {
  HeadWriter writer(
      bytes_,
      head_bytes(head.headers) + head.method.size() + head.target.size() + head.authority.size() +
          framing.upgrade.size()
  );
  writer << head.method << " " << head.target << " HTTP/1.1\r\n";
  writer.field("Host", head.authority);
  writer.fields(head.headers);
  if (head.te_trailers) writer.field("TE", "trailers");
  if (head.expect_continue) writer.field("Expect", "100-continue");
  writer.end_of_head(framing);
}

void Outbox::status_head(int status, const HeaderList& headers, const HeadFraming& framing) {
  HeadWriter writer(bytes_, head_bytes(headers) + framing.upgrade.size());
  const std::string_view phrase = reason_phrase(status);
  writer << "HTTP/1.1 " << Digits(static_cast<std::uint64_t>(status)).view() << " " << phrase
         << line_end;
  writer.fields(headers);
  writer.end_of_head(framing);
}

void Outbox::begin_body(BodyFraming framing, std::uint64_t content_length) noexcept {
  framing_ = framing;
  left_ = content_length;
}

bool Outbox::body(ByteView piece) {
  if (piece.empty()) return true;  // an empty chunk would be the end
  if (framing_ == BodyFraming::fixed && piece.size() > left_) return false;
  body_waiting_ += piece.size();
  switch (framing_) {
    case BodyFraming::none:
      break;  // an answer to HEAD: counted as sent with the next produce()
    case BodyFraming::fixed:
      left_ -= piece.size();
      bytes_.append(piece);
      break;
    case BodyFraming::chunked:
      text(Digits(piece.size(), 16).view());
      text(line_end);
      bytes_.append(piece);
      text(line_end);
      break;
    case BodyFraming::until_close:
      bytes_.append(piece);
      break;
  }
  return true;
}

bool Outbox::end_body(const HeaderList* trailers) {
  if (framing_ == BodyFraming::fixed && left_ > 0) return false;
  if (framing_ == BodyFraming::chunked) {
    HeadWriter writer(bytes_, fixed_head_bytes + (trailers == nullptr ? 0 : trailers->bytes()));
    writer << "0\r\n";
    if (trailers != nullptr) writer.fields(*trailers);
    writer << line_end;
  }
  framing_ = BodyFraming::none;
  return true;
}

std::size_t Outbox::produce(MutableBytes into, std::size_t& body_sent) noexcept {
  std::size_t n = 0;
  while (n < into.size() && !bytes_.empty()) {
    const ByteView front = bytes_.front();
    const std::size_t here = std::min(front.size(), into.size() - n);
    std::memcpy(into.data() + n, front.data(), here);
    bytes_.pop(here);
    n += here;
  }
  // What waits now is at most what is queued; exact when the queue is empty.
  const std::size_t still = std::min(body_waiting_, bytes_.size());
  body_sent += body_waiting_ - still;
  body_waiting_ = still;
  return n;
}

}  // namespace gh::http
