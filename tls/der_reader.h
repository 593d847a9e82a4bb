// SPDX-License-Identifier: Apache-2.0
// Strict DER, element by element (X.690 §8, §10): minimal lengths, low tag numbers, lengths up to
// 32 bits. In: borrowed bytes.   Out: views into them. Allocates nothing; every read says whether
// it succeeded. It accepts exactly what Go's golang.org/x/crypto/cryptobyte accepts, since
// Kubernetes reads certificates with that.
#pragma once

#include "base/byte_view.h"

#include <cstdint>

namespace gh::tls {

namespace der {
inline constexpr std::uint8_t boolean = 0x01, integer = 0x02, bit_string = 0x03,
                              octet_string = 0x04, object_identifier = 0x06, utf8_string = 0x0c,
                              numeric_string = 0x12, printable_string = 0x13, t61_string = 0x14,
                              ia5_string = 0x16, utc_time = 0x17, generalized_time = 0x18,
                              bmp_string = 0x1e, sequence = 0x30, set = 0x31;

constexpr std::uint8_t context(std::uint8_t n) { return static_cast<std::uint8_t>(0x80 | n); }

constexpr std::uint8_t context_constructed(std::uint8_t n) {
  return static_cast<std::uint8_t>(0xa0 | n);
}
}  // namespace der

class DerReader {
 public:
  explicit DerReader(ByteView bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  ByteView rest() const { return rest_; }

  bool peek(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }

  // `contents` without, `element` with the tag and length.
  bool read_any(std::uint8_t& tag, ByteView& contents, ByteView& element);
  bool read(std::uint8_t tag, ByteView& contents);
  bool read_element(std::uint8_t tag, ByteView& element);
  bool read_optional(std::uint8_t tag, ByteView& contents, bool& present);
  bool skip_optional(std::uint8_t tag);

  bool read_boolean(bool& value);
  bool read_integer(ByteView& contents);  // two's complement, minimal
  bool read_int64(std::int64_t& value, std::uint8_t tag = der::integer);
  bool read_oid(ByteView& contents);  // each arc below 2^31
  bool read_bit_string(ByteView& bytes, unsigned& padding_bits);

 private:
  ByteView rest_;
};

}  // namespace gh::tls
