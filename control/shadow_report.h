// SPDX-License-Identifier: Apache-2.0
// `gatehouse shadow-report FILE…`: what --authorization-shadow let through, from access logs.
// In: JSON lines of --access-log; those with `"decision":"shadow-deny"` count. Out: who asked for
// what, how often, from when to when, and the smallest rule that would allow it; as text, JSON, or
// the Roles and bindings to apply (YAML). Lines that cannot be read are counted, requests beyond
// limits::shadow_entries_max too. Exit code: 0, or 2 when a file cannot be read.
#pragma once

#include "control/command_line.h"

#include <iosfwd>

namespace gh::control {

int shadow_report_command(
    const ShadowReportArguments& arguments, std::ostream& out, std::ostream& err
);

}  // namespace gh::control
