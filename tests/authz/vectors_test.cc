// SPDX-License-Identifier: Apache-2.0
// The vectors of tests/vectors, through the judges of `gatehouse conformance`. GH_VECTORS names a
// folder to judge instead (other seeds).
#include "control/conformance/conformance.h"
#include "tests/support/tests_dir.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace gh {
namespace {

using conformance::Tally;

void expect_all_pass(
    Tally (*judge)(const std::string&, std::ostream&),
    const std::string& name,
    std::size_t cases_min
) {
  const char* const folder = std::getenv("GH_VECTORS");
  std::ostringstream out;
  const Tally tally =
      judge((folder != nullptr ? folder : tests_dir() + "/vectors") + "/" + name, out);
  EXPECT_EQ(tally.failed, 0U) << out.str().substr(0, 8000);
  EXPECT_GE(tally.passed, cases_min);
}

TEST(Vectors, every_request_info_is_as_in_kubernetes) {
  expect_all_pass(conformance::judge_requestinfo, "requestinfo.json", 4052);
}

TEST(Vectors, a_running_api_server_refuses_in_the_same_words) {
  if (std::getenv("GH_VECTORS") != nullptr) GTEST_SKIP();
  expect_all_pass(conformance::judge_requestinfo, "requestinfo-real-server.json", 1019);
}

TEST(Vectors, every_rbac_decision_and_reason_is_as_in_kubernetes) {
  expect_all_pass(conformance::judge_rbac, "rbac.json", 3426);
}

TEST(Vectors, every_front_proxy_identity_is_as_in_kubernetes) {
  expect_all_pass(conformance::judge_headerrequest, "headerrequest.json", 466);
}

TEST(Vectors, every_node_decision_and_reason_is_as_in_kubernetes) {
  expect_all_pass(conformance::judge_nodeauthz, "nodeauthz.json", 2198);
}

TEST(Vectors, every_change_by_a_node_is_admitted_or_refused_as_in_kubernetes) {
  expect_all_pass(conformance::judge_noderestriction, "noderestriction.json", 832);
}

TEST(Vectors, changes_by_a_node_in_protobuf_are_judged_like_those_in_json) {
  if (std::getenv("GH_VECTORS") != nullptr) GTEST_SKIP();
  expect_all_pass(conformance::judge_noderestriction, "noderestriction-protobuf.json", 532);
}

TEST(Vectors, patches_by_a_node_are_applied_and_judged_as_in_kubernetes) {
  if (std::getenv("GH_VECTORS") != nullptr) GTEST_SKIP();
  expect_all_pass(conformance::judge_noderestriction, "noderestriction-patches.json", 1200);
}

TEST(Vectors, every_impersonation_ends_as_in_kubernetes) {
  expect_all_pass(conformance::judge_impersonation, "impersonation.json", 5743);
}

}  // namespace
}  // namespace gh
