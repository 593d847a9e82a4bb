// SPDX-License-Identifier: Apache-2.0
// Borrowed bytes. A view never outlives the call it is handed to, unless its header says so.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gh {

using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace gh
