// SPDX-License-Identifier: Apache-2.0
// `gatehouse diff OLD NEW`: which subjects gain and lose what when one set of policy files takes
// the place of another. Exit code as diff(1): 0 nothing, 1 something, 2 a set cannot be used.
#pragma once

#include "control/command_line.h"

#include <iosfwd>

namespace gh::control {

int diff_command(const DiffArguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace gh::control
