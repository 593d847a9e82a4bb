// SPDX-License-Identifier: Apache-2.0
// tests/vectors/tokens.json, made by Kubernetes' own authenticators (tests/oracle/cmd/tokens).
// GH_VECTORS names a folder to judge instead (other seeds).
#include "control/conformance/conformance.h"
#include "tests/support/tests_dir.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace gh {
namespace {

TEST(TokenVectors, every_token_and_every_file_is_judged_as_in_kubernetes) {
  const char* const folder = std::getenv("GH_VECTORS");
  std::ostringstream out;
  const conformance::Tally tally = conformance::judge_tokens(
      (folder != nullptr ? std::string(folder) : tests_dir() + "/vectors") + "/tokens.json", out
  );
  EXPECT_EQ(tally.failed, 0U) << out.str().substr(0, 8000);
  EXPECT_GE(tally.passed, 4000U);
}

}  // namespace
}  // namespace gh
