// SPDX-License-Identifier: Apache-2.0
#include "tls/verify_command.h"

#include "tests/support/test_pki.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace gh::tls {
namespace {

class VerifyCommand : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + "gatehouse-verify-" + name;
    std::ofstream(path) << text;
    files.push_back(path);
    return path;
  }

  ~VerifyCommand() override {
    for (const auto& file : files) std::remove(file.c_str());
  }

  int run(const test::Issued& leaf) {
    arguments.ca_file = write("ca.pem", ca.pem());
    arguments.chain_file = write("chain.pem", leaf.chain_pem());
    return run();
  }

  int run() {
    out.str("");
    err.str("");
    return verify_command(arguments, out, err);
  }

  std::vector<std::string> files;
  test::Authority ca{"ca"};
  VerifyArguments arguments{
      .ca_file = {},
      .crl_file = {},
      .chain_file = {},
      .now = {test::now_seconds},
      .purpose = Purpose::client,
      .name = {}
  };
  std::ostringstream out, err;
};

TEST_F(VerifyCommand, accepted_is_0) {
  EXPECT_EQ(run(ca.client("alice")), 0);
  EXPECT_NE(out.str().find("alice"), std::string::npos);
}

TEST_F(VerifyCommand, refused_is_1_with_the_reason) {
  EXPECT_EQ(run(test::Authority("other").client("alice")), 1);
  EXPECT_NE(out.str().find("unknown_authority"), std::string::npos);
  arguments.now = {test::valid_until_seconds + 1};
  EXPECT_EQ(run(ca.client("alice")), 1);
  EXPECT_NE(out.str().find("expired"), std::string::npos);
}

TEST_F(VerifyCommand, purpose_and_name_count) {
  const auto server = ca.server("api.test", {"10.0.0.1"});
  EXPECT_EQ(run(server), 1);
  arguments.purpose = Purpose::server;
  EXPECT_EQ(run(), 0);
  for (const auto& [name, status] :
       {std::pair{"DNS:api.test", 0},
        {"DNS:other.test", 1},
        {"IP:10.0.0.1", 0},
        {"IP:10.0.0.2", 1},
        {"IP:x", 2},
        {"DNS:", 2}}) {
    arguments.name = name;
    EXPECT_EQ(run(), status) << name;
  }
}

TEST_F(VerifyCommand, unreadable_input_is_2) {
  EXPECT_EQ(run(ca.client("alice")), 0);
  const auto good = arguments;
  arguments.ca_file = "/nonexistent";
  EXPECT_EQ(run(), 2);
  EXPECT_NE(err.str().find("/nonexistent"), std::string::npos);
  arguments = good;
  arguments.chain_file = write("empty.pem", "");
  EXPECT_EQ(run(), 2);
}

}  // namespace
}  // namespace gh::tls
