// SPDX-License-Identifier: Apache-2.0
#include "control/conformance/vectors.h"

#include "authz/go_text.h"

#include <algorithm>

namespace gh::conformance {

std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value =
        std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
            .find(c);
    if (value == std::string_view::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

std::string shown(std::string_view text) { return authz::go_quoted(text); }

std::string shown(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) out += (out.size() > 1 ? ", " : "") + shown(text);
  return out + "]";
}

const Json* load_vectors(
    simdjson::dom::parser& parser,
    const std::string& file,
    std::initializer_list<std::string_view> formats,
    Json& root,
    Tally& tally,
    std::ostream& out,
    std::string_view cases
) {
  if (const auto error = parser.load(file).get(root); error != simdjson::SUCCESS) {
    out << file << ": " << simdjson::error_message(error) << "\n";
    ++tally.failed;
    tally.unusable = true;
    return nullptr;
  }
  const std::string format = text_at(root, "format");
  simdjson::dom::array array;
  if (std::find(formats.begin(), formats.end(), format) == formats.end() ||
      root[cases].get_array().get(array) != simdjson::SUCCESS) {
    out << file << ": format " << shown(format) << " is not " << *formats.begin() << "\n";
    ++tally.failed;
    tally.unusable = true;
    return nullptr;
  }
  return &root;
}

}  // namespace gh::conformance
