// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h1_body.h"

#include "base/limits.h"

#include <algorithm>
#include <string_view>

namespace gh::http {

namespace {

constexpr std::uint8_t digits_max = 15;  // of a chunk size: below 2^60, no overflow

bool is_token_byte(std::uint8_t byte) noexcept {
  const char c = static_cast<char>(byte);
  return is_token({&c, 1});
}

ByteView take_front(ByteView& bytes, std::uint64_t& left) noexcept {
  const ByteView piece =
      bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left)));
  bytes = bytes.subspan(piece.size());
  left -= piece.size();
  return piece;
}

}  // namespace

ChunkReader::Step ChunkReader::take(ByteView& bytes, ByteView& piece) noexcept {
  while (!bytes.empty()) {
    if (state_ == State::data) {
      piece = take_front(bytes, left_);
      if (left_ == 0) state_ = State::data_carriage_return;
      return Step::piece;
    }
    const std::uint8_t byte = bytes.front();
    bytes = bytes.subspan(1);
    if (state_ == State::data_carriage_return) {
      if (byte != '\r') return Step::malformed;
      state_ = State::data_line_feed;
    } else if (state_ == State::data_line_feed) {
      if (byte != '\n') return Step::malformed;
      state_ = State::size_first;
      digits_ = 0;
    } else if (state_ == State::size_line_feed) {
      if (byte != '\n') return Step::malformed;
      if (left_ == 0) return Step::last;
      state_ = State::data;
    } else if (!take_size_line(byte)) {
      return Step::malformed;
    }
  }
  return Step::more;
}

bool ChunkReader::take_size_line(std::uint8_t byte) noexcept {
  switch (state_) {
    case State::size_first:
      state_ = State::size;
      return add_digit(byte);
    case State::size:
      if (byte == '\r' || byte == ';') return end_of_value(byte);
      return add_digit(byte);
    case State::extension_name_first:
    case State::extension_name:
    case State::extension_value_first:
    case State::extension_value:
    case State::extension_quoted:
    case State::extension_escaped:
    case State::extension_end:
      return ++extension_bytes_ <= limits::h1_chunk_extension_bytes_max && take_extension(byte);
    case State::size_line_feed:
    case State::data:
    case State::data_carriage_return:
    case State::data_line_feed:
      break;
  }
  return false;
}

// *( ";" name [ "=" ( token / quoted-string ) ] ), RFC 9112 §7.1.1, without the optional bad
// whitespace.
bool ChunkReader::take_extension(std::uint8_t byte) noexcept {
  const bool text = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  switch (state_) {
    case State::extension_name_first:
      state_ = State::extension_name;
      return is_token_byte(byte);
    case State::extension_name:
      if (byte != '=') return is_token_byte(byte) || end_of_value(byte);
      state_ = State::extension_value_first;
      return true;
    case State::extension_value_first:
      state_ = byte == '"' ? State::extension_quoted : State::extension_value;
      return byte == '"' || is_token_byte(byte);
    case State::extension_value:
      return is_token_byte(byte) || end_of_value(byte);
    case State::extension_quoted:
      if (byte == '"') state_ = State::extension_end;
      if (byte == '\\') state_ = State::extension_escaped;
      return text;
    case State::extension_escaped:
      state_ = State::extension_quoted;
      return text;
    case State::extension_end:
      return end_of_value(byte);
    case State::size_first:
    case State::size:
    case State::size_line_feed:
    case State::data:
    case State::data_carriage_return:
    case State::data_line_feed:
      break;
  }
  return false;
}

bool ChunkReader::end_of_value(std::uint8_t byte) noexcept {
  if (byte == '\r') state_ = State::size_line_feed;
  if (byte == ';') state_ = State::extension_name_first;
  return byte == '\r' || byte == ';';
}

bool ChunkReader::add_digit(std::uint8_t byte) noexcept {
  const char c = ascii_lower(static_cast<char>(byte));
  const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  if (value < 0 || ++digits_ > digits_max) return false;
  left_ = left_ * 16 + static_cast<std::uint64_t>(value);
  return true;
}

void BodyReader::begin(BodyFraming framing, std::uint64_t content_length) {
  framing_ = framing;
  left_ = content_length;
  trailers_.clear();
  if (framing != BodyFraming::chunked) return;
  in_trailers_ = false;
  chunks_.begin();
  section_.clear();
}

Result<BodyReader::Step, Refused> BodyReader::take(
    ByteView& bytes, ByteView& piece, const HeadReader& head
) {
  switch (framing_) {
    case BodyFraming::none:
      return Step::end;
    case BodyFraming::fixed:
      if (left_ == 0) return Step::end;
      if (bytes.empty()) return Step::more;
      piece = take_front(bytes, left_);
      return Step::piece;
    case BodyFraming::chunked:
      return take_chunked(bytes, piece, head);
    case BodyFraming::until_close:
      if (bytes.empty()) return Step::more;
      piece = bytes;
      bytes = {};
      return Step::piece;
  }
  return Step::end;
}

Result<BodyReader::Step, Refused> BodyReader::take_chunked(
    ByteView& bytes, ByteView& piece, const HeadReader& head
) {
  if (!in_trailers_) {
    switch (chunks_.take(bytes, piece)) {
      case ChunkReader::Step::more:
        return Step::more;
      case ChunkReader::Step::piece:
        return Step::piece;
      case ChunkReader::Step::last:
        in_trailers_ = true;
        break;
      case ChunkReader::Step::malformed:
        return fail(Refused{SessionError::bad_framing, 400, "a chunk is malformed"});
    }
  }
  GH_TRY(const std::string_view section, section_.take(bytes));
  if (section.empty()) return Step::more;
  GH_TRY_VOID(head.read_trailers(section, trailers_));
  section_.clear();
  framing_ = BodyFraming::none;
  return Step::end;
}

}  // namespace gh::http
