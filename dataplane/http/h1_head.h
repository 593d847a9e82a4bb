// SPDX-License-Identifier: Apache-2.0
// Heads and trailer sections of HTTP/1.1 (RFC 9112 §2 to §7): gathered from pieces, then read at
// once, so that the verdict never depends on how the bytes were cut. A field section has two
// readers that must both accept: llhttp (strict) and ours. In: bytes from the start of a section.
// Out: RequestHead, ResponseHead or trailers, and how the body is framed; or Refused. Owner: one
// session. Not here: bodies (h1_body.h), what is done with a request (h1_server.h), writing heads
// (h1_out.h).
#pragma once

#include "base/byte_view.h"
#include "base/limits.h"
#include "base/result.h"
#include "dataplane/http/fields.h"
#include "dataplane/http/message.h"
#include "dataplane/http/session.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace gh::http {

// Why bytes were not understood, and what a client is told.
struct Refused {
  SessionError error = SessionError::none;
  int status = 400;
  std::string_view text;  // a sentence, static
};

// Gathers one section, its empty line included. One that arrives whole is not copied.
class SectionReader {
 public:
  enum class Kind : std::uint8_t { request, response, trailers };

  explicit SectionReader(Kind kind) : kind_(kind) {}

  // Consumes from the front of `bytes`. The whole section, valid until the next call and as long as
  // `bytes`; empty: more is needed.
  Result<std::string_view, Refused> take(ByteView& bytes);

  bool started() const noexcept { return !partial_.empty(); }

  void clear();

 private:
  Result<std::size_t, Refused> scan(std::string_view section
  );  // its length, 0 when it is not whole

  Kind kind_;
  std::string partial_;
  std::size_t scanned_ = 0;  // no line feed before this but those already seen
  std::size_t line_start_ = 0;
};

// How the bytes after a head are delimited.
enum class BodyFraming : std::uint8_t { none, fixed, chunked, until_close };

struct HeadTraits {
  BodyFraming framing = BodyFraming::none;
  bool keep_alive = false;
};

class HeadReader {
 public:
  // `section` as SectionReader gives it. `head` is cleared first.
  Result<HeadTraits, Refused> read_request(std::string_view section, RequestHead& head);
  // What was asked decides what the answer may be: no body after HEAD, 101 only when an upgrade was
  // asked for.
  Result<HeadTraits, Refused> read_response(
      std::string_view section,
      bool head_request,
      std::string_view upgrade_asked,
      ResponseHead& head
  );
  // Forbidden and nominated trailers are dropped.
  Result<void, Refused> read_trailers(std::string_view section, HeaderList& trailers) const;

 private:
  struct Fields;  // what the field section said, while it is read
  Result<void, Refused> read_fields(std::string_view lines, Fields& fields);

  HopByHop hops_;  // of the last head; trailers are judged by it too
};

}  // namespace gh::http
