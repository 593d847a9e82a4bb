// SPDX-License-Identifier: Apache-2.0
// The text of /metrics: counters of all workers summed, control's own, the process. Wraps
// prometheus-cpp. In: a View.   Out: Prometheus text format 0.0.4. Any thread but a worker's; reads
// counters only. Rows that are zero are left out where the labels could make thousands (requests,
// errors).
#pragma once

#include "control/status.h"

#include <string>

namespace gh::control {

std::string render_metrics(const View& view);

}  // namespace gh::control
