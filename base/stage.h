// SPDX-License-Identifier: Apache-2.0
// The stages of a request, in order of the path: metric labels, trace points and bench rows use
// these names.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gh {

enum class Stage : std::uint8_t { socket, tls, http, identity, authorize, forward };

inline constexpr std::array<std::string_view, 6> stage_names = {
    "socket", "tls", "http", "identity", "authorize", "forward"
};

constexpr std::string_view name_of(Stage stage) {
  return stage_names[static_cast<std::size_t>(stage)];
}

}  // namespace gh
