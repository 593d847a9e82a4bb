// SPDX-License-Identifier: Apache-2.0
// `gatehouse explain`: the verdict on one request and every rule that allows it, for a person.
// In: policy paths, who, what.   Out: text, and the exit code: 0 allowed, 1 denied, 2 the policy or
// the question is not usable. The verdict is the compiled table's, as when serving; the rules come
// from the walk over the whole policy. Should the two ever differ, that is said and the code is 2.
#pragma once

#include "control/command_line.h"

#include <iosfwd>

namespace gh::control {

int explain_command(const ExplainArguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace gh::control
