// SPDX-License-Identifier: Apache-2.0
// `gatehouse check`: everything serve would read, judged without serving.
// In: a Config with the problems found so far.   Out: a line for each problem, and the exit code (0
// none, 1 some).
#pragma once

#include "control/config.h"

#include <iosfwd>

namespace gh::control {

int check_command(const Loaded& loaded, std::ostream& out, std::ostream& err);

}  // namespace gh::control
