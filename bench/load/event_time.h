// SPDX-License-Identifier: Apache-2.0
// How old a watch event is: it says in a field when it was sent. Pure, but for the clock.
#pragma once

#include "base/units.h"

#include <optional>
#include <string_view>

namespace gh::load {

// When `event` (JSON text) was sent by its member `field`, in Unix ns: an RFC 3339 time with or
// without fraction ("2026-11-24T10:00:00.123456Z", as MicroTime of a Lease) or Unix microseconds.
std::optional<std::int64_t> sent_at(std::string_view event, std::string_view field);

// By this machine's clock; nothing when it does not say, or says the future.
std::optional<Duration> age_of_event(std::string_view event, std::string_view field);

}  // namespace gh::load
