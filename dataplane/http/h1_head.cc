// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/h1_head.h"

#include "base/assert.h"

#include "llhttp.h"

#include <algorithm>
#include <cstring>

namespace gh::http {

static_assert(LLHTTP_STRICT_MODE == 1);

namespace {

constexpr std::size_t partial_kept_bytes = 4096;  // a longer gathering buffer is given back

Refused bad_line(std::string_view text) { return {SessionError::bad_request_line, 400, text}; }

Refused bad_header(std::string_view text) { return {SessionError::bad_header, 400, text}; }

Refused bad_framing(std::string_view text) { return {SessionError::bad_framing, 400, text}; }

Refused too_large() {
  return {SessionError::head_too_large, 431, "the header fields of the request are too large"};
}

Refused bad_response(std::string_view text) { return {SessionError::bad_response, 502, text}; }

// ---- llhttp, the first reader of every field section ----

using FieldFunction = bool (*)(void* visitor, std::string_view name, std::string_view value);

struct Walk {
  FieldFunction each;
  void* visitor;
  std::string_view name;
  std::string_view value;
  bool whole = false;
};

Walk& walk_of(llhttp_t* parser) { return *static_cast<Walk*>(parser->data); }

// A span may come in parts, which are adjacent as the section is in one piece.
void extend(std::string_view& span, const char* at, std::size_t n) {
  span = span.empty()
             ? std::string_view(at, n)
             : std::string_view(span.data(), static_cast<std::size_t>(at + n - span.data()));
}

int on_name(llhttp_t* parser, const char* at, std::size_t n) {
  extend(walk_of(parser).name, at, n);
  return 0;
}

int on_value(llhttp_t* parser, const char* at, std::size_t n) {
  extend(walk_of(parser).value, at, n);
  return 0;
}

int on_field(llhttp_t* parser) {
  Walk& walk = walk_of(parser);
  const bool go_on = walk.each(walk.visitor, walk.name, walk.value);
  walk.name = walk.value = {};
  return go_on ? 0 : -1;
}

int on_section_end(llhttp_t* parser) {
  walk_of(parser).whole = true;
  return 2;  // stop here whatever the framing fields say: bodies are h1_body.h
}

const llhttp_settings_t settings = [] {
  llhttp_settings_t made;
  llhttp_settings_init(&made);
  made.on_header_field = on_name;
  made.on_header_value = on_value;
  made.on_header_value_complete = on_field;
  made.on_headers_complete = on_section_end;
  return made;
}();

// A parser that has just read a request line. First lines are read by us: llhttp knows a list of
// methods, while Kubernetes gives an answer to any token.
const llhttp_t after_request_line = [] {
  constexpr std::string_view line = "GET / HTTP/1.1\r\n";
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  Walk nothing{nullptr, nullptr, {}, {}};
  parser.data = &nothing;
  GH_ASSERT(llhttp_execute(&parser, line.data(), line.size()) == HPE_OK);
  parser.data = nullptr;
  return parser;
}();

Result<void, Refused> walk_fields(std::string_view lines, FieldFunction each, void* visitor) {
  llhttp_t parser = after_request_line;
  Walk walk{each, visitor, {}, {}};
  parser.data = &walk;
  const llhttp_errno_t error = llhttp_execute(&parser, lines.data(), lines.size());
  switch (error) {
    case HPE_PAUSED_UPGRADE:
      if (walk.whole && llhttp_get_error_pos(&parser) == lines.data() + lines.size()) return {};
      return fail(bad_header("a header field is malformed"));
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return fail(bad_framing("Content-Length is not one number"));
    case HPE_INVALID_TRANSFER_ENCODING:
      return fail(bad_framing("Transfer-Encoding is not \"chunked\" alone"));
    default:
      return fail(bad_header("a header field is malformed"));
  }
}

// Calls `each(name, trimmed value)`, which says whether to go on, for every field that both readers
// accept.
template <class Each>
Result<void, Refused> for_each_field(std::string_view lines, Each each) {
  struct Visit {
    Each& each;
    std::size_t bytes = 0;
    std::size_t fields = 0;
    Refused refused;

    bool field(std::string_view name, std::string_view raw) {
      const std::string_view value = trim_whitespace(raw);
      bytes += name.size() + value.size() + 32;
      if (++fields > limits::header_fields_max || bytes > limits::head_bytes_max) {
        refused = too_large();
      } else if (!is_token(name)) {
        refused = bad_header("a header field's name is malformed");
      } else if (!is_field_value(value)) {
        refused = bad_header("a header field's value has control characters");
      } else {
        refused = each(name, value);
      }
      return refused.error == SessionError::none;
    }
  };

  Visit visit{each, 0, 0, {}};
  const auto read = walk_fields(
      lines,
      [](void* to, std::string_view name, std::string_view value) {
        return static_cast<Visit*>(to)->field(name, value);
      },
      &visit
  );
  if (visit.refused.error != SessionError::none) return fail(visit.refused);
  return read;
}

}  // namespace

// ---- gathering ----

Result<std::string_view, Refused> SectionReader::take(ByteView& bytes) {
  if (bytes.empty()) return std::string_view{};
  std::string_view section = as_text(bytes);
  const std::size_t before = partial_.size();
  if (before > 0) {
    partial_.append(section);
    section = partial_;
  } else {
    scanned_ = line_start_ = 0;
  }
  GH_TRY(const std::size_t length, scan(section));
  if (length == 0) {
    if (before == 0) partial_.assign(section);
    bytes = {};
    return std::string_view{};
  }
  bytes = bytes.subspan(length - before);
  if (before == 0) return section.substr(0, length);
  return std::string_view(partial_).substr(0, length);
}

void SectionReader::clear() {
  if (partial_.capacity() > partial_kept_bytes) {
    std::string().swap(partial_);
  } else {
    partial_.clear();
  }
  scanned_ = line_start_ = 0;
}

// Line by line in order, each bound before the next rule, so that every cut of the same bytes meets
// the same verdict.
Result<std::size_t, Refused> SectionReader::scan(std::string_view section) {
  const std::size_t section_max = kind_ == Kind::trailers
                                      ? limits::trailer_bytes_max
                                      : limits::request_line_bytes_max + limits::head_bytes_max;
  for (;;) {
    const void* const found =
        std::memchr(section.data() + scanned_, '\n', section.size() - scanned_);
    const std::size_t at =
        found == nullptr
            ? section.size()
            : static_cast<std::size_t>(static_cast<const char*>(found) - section.data());
    const bool first = line_start_ == 0;
    if (first && kind_ == Kind::request && at > limits::request_line_bytes_max) {
      return fail(Refused{SessionError::target_too_long, 414, "the request line is too long"});
    }
    if (at >= section_max) {
      if (kind_ != Kind::trailers) return fail(too_large());
      return fail(bad_framing("the trailers are too large"));
    }
    if (found == nullptr) {
      scanned_ = at;
      return 0;
    }
    if (at == line_start_ || section[at - 1] != '\r') {
      return fail(bad_header("a line does not end in CR LF"));
    }
    if (at - line_start_ == 1) return at + 1;
    const bool folded = section[line_start_] == ' ' || section[line_start_] == '\t';
    if (folded && (!first || kind_ == Kind::trailers)) {
      return fail(bad_header("a header field is folded over lines"));
    }
    scanned_ = line_start_ = at + 1;
  }
}

// ---- reading ----

struct HeadReader::Fields {
  HeaderList* headers = nullptr;
  std::string* authority = nullptr;
  std::string* upgrade = nullptr;
  std::optional<std::uint64_t> content_length;
  std::size_t hosts = 0;
  bool content_length_seen = false;
  bool chunked = false;
  bool expect_continue = false;
  bool te_trailers = false;

  Refused take(FieldKind kind, std::string_view name, std::string_view value, HopByHop& hops);
  Refused take_framing(FieldKind kind, std::string_view value);
  Refused take_host(std::string_view value);
  Refused take_upgrade(std::string_view value);
  Refused take_expect(std::string_view value);
};

Refused HeadReader::Fields::take(
    FieldKind kind, std::string_view name, std::string_view value, HopByHop& hops
) {
  switch (kind) {
    case FieldKind::end_to_end:
      headers->add(name, value);
      return {};
    case FieldKind::connection:
      if (hops.take(value)) return {};
      return bad_header("Connection is malformed or names a field that is not for one hop");
    case FieldKind::content_length:
    case FieldKind::transfer_encoding:
      return take_framing(kind, value);
    case FieldKind::expect:
      return take_expect(value);
    case FieldKind::host:
      return take_host(value);
    case FieldKind::te:
      te_trailers = te_trailers || wants_trailers(value);
      return {};
    case FieldKind::upgrade:
      return take_upgrade(value);
    case FieldKind::dropped:
      return {};
  }
  return {};
}

// RFC 9112 §6.1, §6.3. Repeated and list values are refused even when all are the same.
Refused HeadReader::Fields::take_framing(FieldKind kind, std::string_view value) {
  if (kind == FieldKind::content_length) {
    if (content_length_seen) return bad_framing("Content-Length is repeated");
    content_length_seen = true;
    content_length = parse_content_length(value);
    if (!content_length) return bad_framing("Content-Length is not one number");
  } else {
    if (chunked || !equals_ignoring_case(value, "chunked")) {
      return bad_framing("Transfer-Encoding is not \"chunked\" alone");
    }
    chunked = true;
  }
  if (chunked && content_length_seen) {
    return bad_framing("Content-Length and Transfer-Encoding in one message");
  }
  return {};
}

Refused HeadReader::Fields::take_host(std::string_view value) {
  if (authority == nullptr) return {};  // means nothing in a response
  if (++hosts > 1) return bad_header("Host is repeated");
  if (!is_authority(value)) return bad_header("Host is malformed");
  authority->assign(value);
  return {};
}

Refused HeadReader::Fields::take_upgrade(std::string_view value) {
  bool h2c = false;
  const bool well_formed = for_each_item(value, [&](std::string_view protocol) {
    const std::size_t slash = protocol.find('/');
    const std::string_view name = protocol.substr(0, slash);
    h2c = h2c || equals_ignoring_case(name, "h2c");
    return is_token(name) &&
           (slash == std::string_view::npos || is_token(protocol.substr(slash + 1)));
  });
  if (!well_formed) return bad_header("Upgrade is malformed");
  if (h2c) return {SessionError::connect_refused, 400, "an upgrade to h2c is not offered"};
  if (!upgrade->empty()) upgrade->append(", ");
  upgrade->append(value);
  return {};
}

Refused HeadReader::Fields::take_expect(std::string_view value) {
  const bool known = for_each_item(value, [](std::string_view item) {
    return equals_ignoring_case(item, "100-continue");
  });
  if (!known) return {SessionError::bad_header, 417, "the only expectation met is 100-continue"};
  expect_continue = true;
  return {};
}

Result<void, Refused> HeadReader::read_fields(std::string_view lines, Fields& fields) {
  hops_.clear();
  GH_TRY_VOID(for_each_field(lines, [&](std::string_view name, std::string_view value) {
    return fields.take(kind_of(name), name, value, hops_);
  }));
  hops_.strip(*fields.headers);
  return {};
}

namespace {

struct FirstLine {
  std::string_view line;  // without CR LF
  std::string_view rest;  // the field section
};

FirstLine split_first_line(std::string_view section) {
  const std::size_t end = section.find('\n');
  return {section.substr(0, end - 1), section.substr(end + 1)};
}

Result<Version, Refused> read_version(std::string_view text) {
  if (text == "HTTP/1.1") return Version::http_1_1;
  if (text == "HTTP/1.0") return Version::http_1_0;
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() == 8 && text.starts_with("HTTP/") && digit(5) && text[6] == '.' && digit(7)) {
    return fail(Refused{
        SessionError::unsupported_version, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"
    });
  }
  return fail(bad_line("the request line is malformed"));
}

// http://authority/path: the path as it is, the authority instead of Host (RFC 9112 §3.2.2). One
// without a path has no bytes that could be forwarded as they came, so it is refused.
Result<std::string_view, Refused> read_absolute(
    std::string_view target, std::string_view& authority
) {
  const std::size_t colon = target.find("://");
  const std::string_view scheme = target.substr(0, colon);
  const bool known = colon != std::string_view::npos && (equals_ignoring_case(scheme, "https") ||
                                                         equals_ignoring_case(scheme, "http"));
  if (!known) return fail(bad_line("the request target is malformed"));
  const std::string_view after = target.substr(colon + 3);
  const std::size_t slash = after.find_first_of("/?#");
  authority = after.substr(0, slash);
  if (slash == std::string_view::npos || !is_authority(authority)) {
    return fail(bad_line("the request target is malformed"));
  }
  return after.substr(slash);
}

// method SP target SP version, one space each (RFC 9112 §3). `authority`: of an absolute-form
// target.
Result<void, Refused> read_request_line(
    std::string_view line, RequestHead& head, std::string_view& authority
) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return fail(bad_line("the request line is malformed"));
  }
  const std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || method.size() > limits::method_bytes_max)
    return fail(bad_line("the request method is malformed"));
  GH_TRY(head.version, read_version(line.substr(last + 1)));
  if (method == "CONNECT") {
    return fail(Refused{SessionError::connect_refused, 400, "CONNECT is not offered"});
  }
  if (!target.starts_with('/') && target != "*") {
    GH_TRY(target, read_absolute(target, authority));
  }
  if (!is_target(method, target)) return fail(bad_line("the request target is malformed"));
  head.method.assign(method);
  head.target.assign(target);
  return {};
}

}  // namespace

Result<HeadTraits, Refused> HeadReader::read_request(std::string_view section, RequestHead& head) {
  head.clear();
  const FirstLine split = split_first_line(section);
  std::string_view absolute_authority;
  GH_TRY_VOID(read_request_line(split.line, head, absolute_authority));

  Fields fields;
  fields.headers = &head.headers;
  fields.authority = &head.authority;
  fields.upgrade = &head.upgrade;
  GH_TRY_VOID(read_fields(split.rest, fields));

  const bool http_1_1 = head.version == Version::http_1_1;
  if (http_1_1 && fields.hosts == 0) return fail(bad_header("Host is missing"));
  if (!http_1_1 && fields.chunked) return fail(bad_framing("Transfer-Encoding in HTTP/1.0"));
  if (!absolute_authority.empty()) head.authority.assign(absolute_authority);
  head.scheme.assign("https");
  head.content_length = fields.content_length;
  head.has_body = fields.chunked || fields.content_length.value_or(0) > 0;
  head.expect_continue = fields.expect_continue && http_1_1 && head.has_body;
  head.te_trailers = fields.te_trailers && http_1_1;
  if (!hops_.upgrade || !http_1_1) head.upgrade.clear();
  HeadTraits traits;
  traits.keep_alive = !hops_.close && (http_1_1 || hops_.keep_alive);
  traits.framing = !head.has_body   ? BodyFraming::none
                   : fields.chunked ? BodyFraming::chunked
                                    : BodyFraming::fixed;
  return traits;
}

namespace {

struct StatusLine {
  int status = 0;
  Version version = Version::http_1_1;
};

// HTTP-version SP 3DIGIT [SP reason] (RFC 9112 §4); some servers leave out the space before an
// empty reason.
Result<StatusLine, Refused> read_status_line(std::string_view line) {
  const auto digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  if (line.size() < 12 || line[8] != ' ' || !digit(9) || !digit(10) || !digit(11)) {
    return fail(bad_response("the status line is malformed"));
  }
  if (line.size() > 12 && (line[12] != ' ' || !is_field_value(trim_whitespace(line.substr(13))))) {
    return fail(bad_response("the status line is malformed"));
  }
  const auto version = read_version(line.substr(0, 8));
  if (!version) return fail(bad_response("the status line has another version"));
  const int status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (status < 100 || status > 599) return fail(bad_response("the status is no status"));
  return StatusLine{status, *version};
}

// A server chooses one of the protocols it was offered (RFC 9110 §7.8).
bool was_offered(std::string_view chosen, std::string_view offered) {
  return !chosen.empty() && for_each_item(chosen, [&](std::string_view item) {
    return !for_each_item(offered, [&](std::string_view each) {
      return !std::equal(item.begin(), item.end(), each.begin(), each.end(), [](char a, char b) {
        return ascii_lower(a) == ascii_lower(b);
      });
    });
  });
}

}  // namespace

Result<HeadTraits, Refused> HeadReader::read_response(
    std::string_view section, bool head_request, std::string_view upgrade_asked, ResponseHead& head
) {
  head.clear();
  const FirstLine split = split_first_line(section);
  GH_TRY(const StatusLine line, read_status_line(split.line));

  Fields fields;
  fields.headers = &head.headers;
  fields.upgrade = &head.upgrade;
  if (const auto read = read_fields(split.rest, fields); !read) {
    return fail(bad_response(read.error().text));
  }
  const bool http_1_1 = line.version == Version::http_1_1;
  if (fields.chunked && !http_1_1) return fail(bad_response("Transfer-Encoding in HTTP/1.0"));
  head.status = line.status;
  HeadTraits traits;
  traits.keep_alive = http_1_1 && !hops_.close;
  if (line.status == 101) {
    if (!http_1_1 || !hops_.upgrade || !was_offered(head.upgrade, upgrade_asked)) {
      return fail(bad_response("101 without an upgrade that was asked for"));
    }
  } else {
    head.upgrade.clear();
  }
  if (line.status < 200 || line.status == 204) {
    // RFC 9110 §8.6, RFC 9112 §6.1: neither may be here; whoever believes one reads the next answer
    // elsewhere.
    if (fields.chunked || fields.content_length.value_or(0) > 0) {
      return fail(bad_response("a body where there can be none"));
    }
    return traits;
  }
  head.content_length = fields.content_length;
  if (head_request || line.status == 304) return traits;
  traits.framing = fields.chunked          ? BodyFraming::chunked
                   : fields.content_length ? BodyFraming::fixed
                                           : BodyFraming::until_close;
  if (traits.framing == BodyFraming::until_close) traits.keep_alive = false;
  return traits;
}

Result<void, Refused> HeadReader::read_trailers(std::string_view section, HeaderList& trailers)
    const {
  trailers.clear();
  if (section == "\r\n") return {};
  GH_TRY_VOID(for_each_field(
      section,
      [&](std::string_view name, std::string_view value) -> Refused {
        trailers.add(name, value);
        return {};
      }
  ));
  drop_forbidden_trailers(trailers);
  hops_.strip(trailers);
  return {};
}

}  // namespace gh::http
