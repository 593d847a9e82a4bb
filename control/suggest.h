// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the nearest of the known words, for flags, keys and values a person mistyped.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gh::control {

// The nearest known word, or empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// `, did you mean "WORD"?` or empty.
std::string did_you_mean(
    std::string_view word, std::span<const std::string_view> known, std::string_view prefix = ""
);

}  // namespace gh::control
