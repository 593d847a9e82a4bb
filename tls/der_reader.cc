// SPDX-License-Identifier: Apache-2.0
#include "tls/der_reader.h"

#include <cstddef>

namespace gh::tls {

bool DerReader::read_any(std::uint8_t& tag, ByteView& contents, ByteView& element) {
  if (rest_.size() < 2) return false;
  tag = rest_[0];
  if ((tag & 0x1f) == 0x1f) return false;  // high tag numbers
  std::size_t header = 2;
  std::size_t length = rest_[1];
  if (length >= 0x80) {
    const std::size_t octets = length & 0x7f;
    if (octets == 0 || octets > 4 || rest_.size() < 2 + octets) return false;
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = length << 8 | rest_[2 + i];
    if (length < 0x80 || length >> ((octets - 1) * 8) == 0) return false;  // not minimal
    header += octets;
    if (header + length > 0xffff'ffff) return false;
  }
  if (rest_.size() < header + length) return false;
  element = rest_.first(header + length);
  contents = element.subspan(header);
  rest_ = rest_.subspan(header + length);
  return true;
}

bool DerReader::read(std::uint8_t tag, ByteView& contents) {
  std::uint8_t found = 0;
  ByteView element;
  return read_any(found, contents, element) && found == tag;
}

bool DerReader::read_element(std::uint8_t tag, ByteView& element) {
  std::uint8_t found = 0;
  ByteView contents;
  return read_any(found, contents, element) && found == tag;
}

bool DerReader::read_optional(std::uint8_t tag, ByteView& contents, bool& present) {
  present = peek(tag);
  return !present || read(tag, contents);
}

bool DerReader::skip_optional(std::uint8_t tag) {
  ByteView contents;
  bool present = false;
  return read_optional(tag, contents, present);
}

bool DerReader::read_boolean(bool& value) {
  ByteView contents;
  if (!read(der::boolean, contents) || contents.size() != 1) return false;
  if (contents[0] != 0 && contents[0] != 0xff) return false;
  value = contents[0] == 0xff;
  return true;
}

namespace {

bool minimal(ByteView integer) {
  if (integer.empty()) return false;
  if (integer.size() == 1) return true;
  return !(integer[0] == 0 && integer[1] < 0x80) && !(integer[0] == 0xff && integer[1] >= 0x80);
}

}  // namespace

bool DerReader::read_integer(ByteView& contents) {
  return read(der::integer, contents) && minimal(contents);
}

bool DerReader::read_int64(std::int64_t& value, std::uint8_t tag) {
  ByteView contents;
  if (!read(tag, contents) || !minimal(contents) || contents.size() > 8) return false;
  std::uint64_t bits = contents[0] >= 0x80 ? ~std::uint64_t{0} : 0;
  for (const std::uint8_t byte : contents) bits = bits << 8 | byte;
  value = static_cast<std::int64_t>(bits);
  return true;
}

bool DerReader::read_oid(ByteView& contents) {
  if (!read(der::object_identifier, contents) || contents.empty()) return false;
  std::size_t in_arc = 0;
  std::uint64_t arc = 0;
  for (const std::uint8_t byte : contents) {
    if (in_arc == 0 && byte == 0x80) return false;  // X.690 §8.19.2: fewest octets
    if (in_arc == 5 || arc >= 1u << 24) return false;
    arc = arc << 7 | (byte & 0x7f);
    ++in_arc;
    if (byte < 0x80) in_arc = arc = 0;
  }
  return in_arc == 0;
}

bool DerReader::read_bit_string(ByteView& bytes, unsigned& padding_bits) {
  ByteView contents;
  if (!read(der::bit_string, contents) || contents.empty()) return false;
  padding_bits = contents[0];
  bytes = contents.subspan(1);
  if (padding_bits > 7 || (bytes.empty() && padding_bits != 0)) return false;
  return bytes.empty() || (bytes.back() & ((1u << padding_bits) - 1)) == 0;
}

}  // namespace gh::tls
