// SPDX-License-Identifier: Apache-2.0
// Scripts of segments in the manner of packetdrill, one line a step, against one stack and a peer
// that does what the script says. Grammar and examples: tests/tcp/scripts/README.md.
#pragma once

#include <string>
#include <vector>

namespace gh::test {

struct Script {
  std::string file, name;  // name: "RFC 9293 §3.5: …"
  int line = 0;
  std::vector<std::string> steps;
};

std::vector<Script> read_scripts(const std::string& folder);

// Empty: as the script says. Else what was different, with file and line.
std::string run_script(const Script& script);

}  // namespace gh::test
