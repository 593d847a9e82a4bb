// SPDX-License-Identifier: Apache-2.0
// Every script of tests/tcp/scripts is a test.
#include "tests/tcp/script.h"

#include "tests/support/tests_dir.h"

#include <gtest/gtest.h>

namespace gh::test {
namespace {

const std::vector<Script>& scripts() {
  static const std::vector<Script> all = read_scripts(std::string(tests_dir()) + "/tcp/scripts");
  return all;
}

TEST(TcpScripts, every_script_runs_as_it_says) {
  EXPECT_GE(scripts().size(), 40u);
  for (const Script& script : scripts()) {
    EXPECT_TRUE(script.name.starts_with("RFC ")) << script.file << ": " << script.name;
    const std::string wrong = run_script(script);
    EXPECT_TRUE(wrong.empty()) << script.name << "\n  " << wrong;
  }
}

}  // namespace
}  // namespace gh::test
