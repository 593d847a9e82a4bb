// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/csr.h"

#include "authz/admission/scalars.h"

#include <cstdint>
#include <optional>

namespace gh::authz::admission {
namespace {

constexpr std::string_view begin_line = "-----BEGIN CERTIFICATE REQUEST-----";
constexpr std::string_view end_line = "-----END CERTIFICATE REQUEST-----";

// X.690
constexpr std::uint8_t tag_integer = 0x02;
constexpr std::uint8_t tag_bit_string = 0x03;
constexpr std::uint8_t tag_oid = 0x06;
constexpr std::uint8_t tag_utf8_string = 0x0c;
constexpr std::uint8_t tag_printable_string = 0x13;
constexpr std::uint8_t tag_ia5_string = 0x16;
constexpr std::uint8_t tag_sequence = 0x30;
constexpr std::uint8_t tag_set = 0x31;
constexpr std::uint8_t tag_attributes = 0xa0;
constexpr std::string_view oid_common_name = "\x55\x04\x03";

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::string> read_pem(std::string_view text) {
  if (take_line(text) != begin_line) return std::nullopt;
  std::string body;
  for (;;) {
    if (text.empty()) return std::nullopt;
    const std::string_view line = take_line(text);
    if (line == end_line) break;
    body += line;
  }
  if (text.find_first_not_of(" \t\r\n") != std::string_view::npos) return std::nullopt;
  return from_base64(body);
}

struct Element {
  std::uint8_t tag = 0;
  std::string_view bytes;
};

// One DER element at the front of `text`.
std::optional<Element> take_element(std::string_view& text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  if (text.size() < 2 || (byte(0) & 0x1f) == 0x1f) return std::nullopt;
  Element element{byte(0), {}};
  std::size_t size = byte(1);
  std::size_t head = 2;
  if (size >= 0x80) {
    const std::size_t count = size & 0x7f;
    if (count == 0 || count > 3 || text.size() < 2 + count || byte(2) == 0) return std::nullopt;
    size = 0;
    for (std::size_t i = 0; i < count; ++i) size = size << 8 | byte(2 + i);
    if (size < 0x80) return std::nullopt;
    head += count;
  }
  if (size > text.size() - head) return std::nullopt;
  element.bytes = text.substr(head, size);
  text.remove_prefix(head + size);
  return element;
}

std::optional<std::string_view> take_tagged(std::string_view& text, std::uint8_t tag) {
  const auto element = take_element(text);
  if (!element || element->tag != tag) return std::nullopt;
  return element->bytes;
}

// Go's words for a request that is no sequence.
std::string tag_mismatch(const Element& element) {
  return "asn1: structure error: tags don't match (16 vs {class:" +
         std::to_string(element.tag >> 6) + " tag:" + std::to_string(element.tag & 0x1f) +
         " length:" + std::to_string(element.bytes.size()) +
         " isCompound:" + ((element.tag & 0x20) != 0 ? "true" : "false") +
         "}) {optional:false explicit:false application:false private:false defaultValue:<nil> "
         "tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} certificateRequest @2";
}

// AttributeTypeAndValue: its value when it is a common name.
struct Attribute {
  bool common_name = false;
  std::string_view value;
};

std::optional<Attribute> read_attribute(std::string_view bytes) {
  const auto oid = take_tagged(bytes, tag_oid);
  const auto value = take_element(bytes);
  if (!oid || !value || !bytes.empty()) return std::nullopt;
  if (*oid != oid_common_name) return Attribute{};
  if (value->tag != tag_utf8_string && value->tag != tag_printable_string &&
      value->tag != tag_ia5_string) {
    return std::nullopt;
  }
  return Attribute{true, value->bytes};
}

// Name: a sequence of sets of attributes. No common name gives the empty one.
std::optional<std::string> read_name(std::string_view name) {
  std::optional<std::string> found;
  while (!name.empty()) {
    auto set = take_tagged(name, tag_set);
    if (!set || set->empty()) return std::nullopt;
    while (!set->empty()) {
      const auto sequence = take_tagged(*set, tag_sequence);
      const auto attribute = sequence ? read_attribute(*sequence) : std::nullopt;
      if (!attribute || (attribute->common_name && found)) return std::nullopt;
      if (attribute->common_name) found = attribute->value;
    }
  }
  return found.value_or("");
}

// RFC 2986 §4.1
std::optional<std::string> read_request_info(std::string_view info) {
  const auto version = take_tagged(info, tag_integer);
  const auto subject = take_tagged(info, tag_sequence);
  const auto key = take_tagged(info, tag_sequence);
  if (!version || !subject || !key) return std::nullopt;
  if (!info.empty() && (!take_tagged(info, tag_attributes) || !info.empty())) return std::nullopt;
  return read_name(*subject);
}

}  // namespace

Result<std::string, std::string> csr_common_name(std::string_view pem) {
  const auto der = read_pem(pem);
  if (!der) return fail(std::string("PEM block type must be CERTIFICATE REQUEST"));
  std::string_view rest = *der;
  auto request = take_element(rest);
  if (!request) return fail(std::string("asn1: syntax error: data truncated"));
  if (request->tag != tag_sequence) return fail(tag_mismatch(*request));
  if (!rest.empty()) return fail(std::string("asn1: syntax error: trailing data"));
  const auto info = take_tagged(request->bytes, tag_sequence);
  const auto algorithm = take_tagged(request->bytes, tag_sequence);
  const auto signature = take_tagged(request->bytes, tag_bit_string);
  const bool whole = info && algorithm && signature && request->bytes.empty();
  const auto name = whole ? read_request_info(*info) : std::nullopt;
  if (!name) return fail(std::string("asn1: structure error: not a certificate request"));
  return *name;
}

}  // namespace gh::authz::admission
