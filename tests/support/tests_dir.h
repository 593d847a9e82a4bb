// SPDX-License-Identifier: Apache-2.0
// Where the tests' data stands. A function, so that the path of the tree is compiled into one
// object only and the compiler cache serves every clone with the others.
#pragma once

#include <string>

namespace gh {

std::string tests_dir();

}  // namespace gh
