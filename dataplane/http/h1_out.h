// SPDX-License-Identifier: Apache-2.0
// What one HTTP/1.1 session has to send: heads and framed bodies, written once into pooled chunks.
// In: heads and body pieces.   Out: produce(), and how many body bytes went with it (for credit).
// Owner: one session. Bound: what the senders' own windows let them hand over. Not here: which
// head, and when.
#pragma once

#include "base/byte_queue.h"
#include "dataplane/http/h1_head.h"
#include "dataplane/http/message.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gh::http {

// How a head says where its message ends and whether the connection goes on.
struct HeadFraming {
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  std::string_view connection;  // value of Connection; empty: no such field
  std::string_view upgrade;     // value of Upgrade; empty: no such field
};

class Outbox {
 public:
  explicit Outbox(BufferPool& pool) : bytes_(pool) {}

  bool empty() const noexcept { return bytes_.empty(); }

  bool waiting() const noexcept {
    return !bytes_.empty() || body_waiting_ > 0;
  }  // produce() has something to do or tell

  void clear() noexcept;

  void request_head(const RequestHead& head, const HeadFraming& framing);
  void status_head(int status, const HeaderList& headers, const HeadFraming& framing);

  // The body of the head last written. False: more or fewer bytes than Content-Length promised;
  // nothing was added.
  void begin_body(BodyFraming framing, std::uint64_t content_length) noexcept;
  bool body(ByteView piece);
  bool end_body(const HeaderList* trailers);

  void text(std::string_view text) { bytes_.append(as_bytes(text)); }  // not counted as body

  // Moves bytes out. `body_sent` grows by the body bytes that surely went: framing around them
  // counts first.
  std::size_t produce(MutableBytes into, std::size_t& body_sent) noexcept;

 private:
  class HeadWriter;

  ByteQueue bytes_;
  std::size_t body_waiting_ = 0;  // body bytes in bytes_, and those that are never sent (HEAD)
  BodyFraming framing_ = BodyFraming::none;
  std::uint64_t left_ = 0;
};

}  // namespace gh::http
