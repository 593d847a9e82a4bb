// SPDX-License-Identifier: Apache-2.0
#include "control/version.h"

#include "tls/library.h"

#ifndef GH_VERSION
#error "GH_VERSION comes from control/CMakeLists.txt"
#endif

namespace gh::control {

std::string_view version() { return GH_VERSION; }

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

std::string version_text() {
  return "gatehouse " + std::string(version()) + " (" + compiler() + ", " + tls::library_version() +
         ")\n";
}

}  // namespace gh::control
