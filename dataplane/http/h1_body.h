// SPDX-License-Identifier: Apache-2.0
// Where a body's bytes are and where it ends: Content-Length, chunked (RFC 9112 §7.1), or up to the
// end of the connection. In: the bytes after a head.   Out: pieces, then the end with trailers; or
// Refused. Order: begin, then take() until it says end or refused.   Owner: one session. Not here:
// heads (h1_head.h), how much may be read (the session's credit).
#pragma once

#include "base/byte_view.h"
#include "base/result.h"
#include "dataplane/http/h1_head.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace gh::http {

// The chunked coding up to the trailer section. Chunk extensions are checked, bounded and dropped.
class ChunkReader {
 public:
  enum class Step : std::uint8_t { more, piece, last, malformed };

  void begin() noexcept { *this = {}; }

  // Consumes from the front of `bytes`; `piece` is set with Step::piece. Step::last: the trailer
  // section follows.
  Step take(ByteView& bytes, ByteView& piece) noexcept;

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    extension_name_first,
    extension_name,
    extension_value_first,
    extension_value,
    extension_quoted,
    extension_escaped,
    extension_end,  // after a quoted string
    size_line_feed,
    data,
    data_carriage_return,
    data_line_feed,
  };
  bool take_size_line(std::uint8_t byte) noexcept;
  bool take_extension(std::uint8_t byte) noexcept;
  bool end_of_value(std::uint8_t byte) noexcept;
  bool add_digit(std::uint8_t byte) noexcept;

  State state_ = State::size_first;
  std::uint8_t digits_ = 0;
  std::uint32_t extension_bytes_ = 0;  // of the whole body
  std::uint64_t left_ = 0;             // of the chunk
};

class BodyReader {
 public:
  enum class Step : std::uint8_t { more, piece, end };

  void begin(BodyFraming framing, std::uint64_t content_length);
  // Consumes from the front of `bytes`. `piece` is set with Step::piece and borrows from `bytes`.
  // After Step::end no more is taken.
  Result<Step, Refused> take(ByteView& bytes, ByteView& piece, const HeadReader& head);

  BodyFraming framing() const noexcept { return framing_; }

  std::uint64_t left() const noexcept { return left_; }  // with BodyFraming::fixed

  const HeaderList* trailers() const noexcept { return trailers_.empty() ? nullptr : &trailers_; }

 private:
  Result<Step, Refused> take_chunked(ByteView& bytes, ByteView& piece, const HeadReader& head);

  BodyFraming framing_ = BodyFraming::none;
  bool in_trailers_ = false;
  std::uint64_t left_ = 0;
  ChunkReader chunks_;
  SectionReader section_{SectionReader::Kind::trailers};
  HeaderList trailers_;
};

}  // namespace gh::http
