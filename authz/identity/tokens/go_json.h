// SPDX-License-Identifier: Apache-2.0
// JSON as Go's encoding/json reads it, in views of the text: a value stays raw until somebody asks
// for it as something. Bytes that are no UTF-8 and lone surrogates become U+FFFD, numbers may be of
// any size, keys may repeat: where simdjson refuses the whole document, Kubernetes accepts the
// token, so tokens are read here. In: a borrowed text that valid() has passed.   Out: views into
// it. Nothing recurses: nesting costs a byte a level, up to Go's own bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gh::identity::json {

// One JSON value with nothing but white space around it, not nested too deep.
bool valid(std::string_view text);

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

// Precondition of all below: the text is valid().
Kind kind_of(std::string_view raw);
std::optional<std::string> string_of(std::string_view raw);  // null: not a string

// strconv.ParseFloat of a number as written. Null: not a number, or too large for a double.
std::optional<double> double_of(std::string_view raw);
// As int64, or else a double's whole part (amd64: out of range is the smallest int64).
std::int64_t truncated(double value);

// The members of an object in order, repeats and all; of anything else: none.
class Members {
 public:
  explicit Members(std::string_view object);
  bool next(std::string& key, std::string_view& value);

 private:
  std::string_view rest_;
};

class Elements {
 public:
  explicit Elements(std::string_view array);
  bool next(std::string_view& value);

 private:
  std::string_view rest_;
};

// encoding/json's match of a key and a struct field in lower case ASCII: letter case is ignored,
// and U+017F and U+212A are letters s and k.
bool key_matches(std::string_view key, std::string_view field);

// What go-jose's fork refuses when it decodes a value of no known type: repeated keys at any depth,
// numbers too large for a double.
bool plain(std::string_view raw);
// The second half of it: what decoding into interface{} needs with encoding/json itself.
bool numbers_fit(std::string_view raw);

}  // namespace gh::identity::json
