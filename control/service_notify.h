// SPDX-License-Identifier: Apache-2.0
// Tells systemd (Type=notify) how we are, by one datagram to $NOTIFY_SOCKET; nothing without it.
// See sd_notify(3).
#pragma once

#include <string_view>

namespace gh::control {

void notify_service_manager(std::string_view state
) noexcept;  // "READY=1", "STOPPING=1"; lines apart

}  // namespace gh::control
