// SPDX-License-Identifier: Apache-2.0
// `gatehouse serve`: from a checked configuration to running workers, and to the end of them.
// Start: limits, log, policy and certificates, upstream addresses, listening sockets, admin
// listener, workers. Whatever fails there ends the start with every problem known by then. Then:
// signals (signalfd), file events (inotify), timers. Owner: the main thread, which is the control
// thread; see DESIGN of the doors in base/ for how it speaks to workers.
#pragma once

#include "control/config.h"

namespace gh::control {

// The exit code: 0 stopped as asked, 1 it could not start or a worker failed.
int serve(const Config& config);

}  // namespace gh::control
