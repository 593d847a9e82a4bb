// SPDX-License-Identifier: Apache-2.0
// Durations as Go's time.ParseDuration reads and Duration.String writes them: "30s", "1m30s",
// "500ms". Pure; used for flags and the configuration file.
#pragma once

#include "base/units.h"

#include <optional>
#include <string>
#include <string_view>

namespace gh::control {

// Nothing for what Go refuses ("30", "s", "1d") or what does not fit 64 bits of nanoseconds.
std::optional<Duration> parse_duration(std::string_view text);

std::string format_duration(Duration duration);

}  // namespace gh::control
