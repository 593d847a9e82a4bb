// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/headers.h"

#include <gtest/gtest.h>

namespace gh::proxy {
namespace {

std::vector<std::string> names(const http::HeaderList& list) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < list.size(); ++i) out.emplace_back(list[i].name);
  return out;
}

struct NameCase {
  const char* name;
  bool reserved;
};

TEST(ProxyHeaders, only_we_may_say_who_the_caller_is) {
  const NameCase cases[] = {
      {"x-remote-user", true},    {"x_remote_user", true},
      {"x-remote_group", true},   {"x-remote-extra-a", true},
      {"x-remote-uid", true},     {"x-remote-anything", true},
      {"x-forwarded-for", true},  {"x_forwarded_for", true},
      {"x-forwarded-host", true}, {"forwarded", true},
      {"x-real-ip", true},        {"x_real_ip", true},
      {"authorization", true},    {"x-remote", false},
      {"x-remoteuser", false},    {"x-request-id", false},
      {"user-agent", false},      {"accept", false},
      {"x-real-ips", false},      {"", false},
  };
  for (const auto& c : cases) EXPECT_EQ(is_reserved_field(c.name), c.reserved) << c.name;
}

TEST(ProxyHeaders, impersonation_is_seen_under_every_spelling) {
  for (const char* name :
       {"impersonate-user",
        "impersonate_user",
        "impersonate-group",
        "impersonate-extra-scopes",
        "impersonate-uid"}) {
    EXPECT_TRUE(is_impersonation_field(name)) << name;
  }
  EXPECT_FALSE(is_impersonation_field("x-impersonate-user"));
}

TEST(ProxyHeaders, what_the_client_said_is_replaced_by_what_we_know) {
  http::RequestHead head;
  head.headers.add("X-Remote-User", "root");
  head.headers.add("accept", "*/*");
  head.headers.add("x_remote_group", "system:masters");
  head.headers.add("X-Forwarded-For", "10.0.0.1");
  head.headers.add("authorization", "Bearer abc");
  prepare_request(head, {{"X-Remote-User", "alice"}, {"X-Remote-Group", "dev"}}, "127.0.0.1");
  EXPECT_EQ(
      names(head.headers),
      (std::vector<std::string>{"accept", "x-remote-user", "x-remote-group", "x-forwarded-for"})
  );
  EXPECT_EQ(head.headers.find("x-remote-user"), "alice");
  EXPECT_EQ(head.headers.find("x-forwarded-for"), "127.0.0.1");
}

TEST(ProxyHeaders, trailers_cannot_bring_an_identity) {
  http::HeaderList trailers;
  trailers.add("grpc-status", "0");
  trailers.add("x-remote-user", "root");
  trailers.add("impersonate-user", "root");
  strip_trailers(trailers);
  EXPECT_EQ(names(trailers), std::vector<std::string>{"grpc-status"});
}

}  // namespace
}  // namespace gh::proxy
