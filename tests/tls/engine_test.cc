// SPDX-License-Identifier: Apache-2.0
#include "tls/engine.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tls/handshake_fixture.h"

namespace gh::tls {
namespace {

INSTANTIATE_TEST_SUITE_P(Tls, EitherVersion, ::testing::Values(ProtocolVersion::tls_1_2, ProtocolVersion::tls_1_3),
                         [](const auto& one) { return one.param == ProtocolVersion::tls_1_2 ? "tls12" : "tls13"; });

TEST_P(EitherVersion, mutual_handshake_gives_the_client_certificate) {
  connect();
  ASSERT_TRUE(both_established()) << server->engine->error_text() << " / " << client->engine->error_text();
  const auto* who = server->engine->client_certificate();
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(who->common_name, "alice");
  EXPECT_EQ(who->organizations, (std::vector<std::string>{"dev", "ops"}));
  EXPECT_EQ(server->engine->client_error(), TlsError::none);
  EXPECT_EQ(server->engine->trust_epoch(), server_settings.client_trust->epoch());
  EXPECT_EQ(server->engine->version(), GetParam());
  EXPECT_EQ(server->engine->alpn(), Alpn::h2);
  EXPECT_EQ(client->engine->alpn(), Alpn::h2);
  EXPECT_EQ(server->engine->server_name(), "api.test");
  EXPECT_FALSE(server->engine->resumed());
  EXPECT_FALSE(server->engine->cipher().empty());
}

}  // namespace
}  // namespace gh::tls
