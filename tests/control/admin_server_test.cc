// SPDX-License-Identifier: Apache-2.0
#include "control/admin_server.h"

#include "base/limits.h"
#include "tests/control/loopback_client.h"

#include <gtest/gtest.h>

#include <list>

namespace gh::control {
namespace {

class AdminServerTest : public testing::Test {
 protected:
  AdminServerTest() {
    auto server = AdminServer::make({"127.0.0.1", 0}, [](const AdminRequest& request) {
      if (request.path == "/large")
        return AdminResponse{200, "text/plain", std::string(3'000'000, 'x')};
      return AdminResponse{
          200, "text/plain", std::string(request.path) + "?" + std::string(request.query) + "!"
      };
    });
    if (server) server_ = std::move(*server);
  }

  std::string exchange(std::string_view bytes) {
    LoopbackClient client(server_->address().port);
    EXPECT_TRUE(client.send(bytes));
    return client.read_until_close();
  }

  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, answers_a_request_with_its_framing) {
  const std::string answer =
      exchange("GET /path?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("Content-Length: 10\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n/path?a=b!")) << answer;
}

TEST_F(AdminServerTest, several_requests_share_a_connection) {
  LoopbackClient client(server_->address().port);
  ASSERT_TRUE(client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(client.read_until("/1?!").ends_with("/1?!"));
  ASSERT_TRUE(client.send(
      "GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
  ));
  const std::string rest = client.read_until_close();
  EXPECT_NE(rest.find("/2?!"), std::string::npos);
  EXPECT_TRUE(rest.ends_with("/3?!")) << rest;
}

TEST_F(AdminServerTest, a_large_page_arrives_whole) {
  const std::string answer =
      exchange("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 3'000'000u);
}

TEST_F(AdminServerTest, head_has_no_body) {
  const std::string answer = exchange("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Length: 3\r\n"), std::string::npos) << answer;
}

TEST_F(AdminServerTest, other_methods_are_not_allowed) {
  const std::string answer =
      exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
}

TEST_F(AdminServerTest, rubbish_is_answered_400_and_closed) {
  for (const char* bytes :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    LoopbackClient client(server_->address().port);
    ASSERT_TRUE(client.send(bytes));
    client.finish();
    const std::string answer = client.read_until_close();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ")) << answer;
  }
}

TEST_F(AdminServerTest, connections_beyond_the_bound_are_closed_and_the_others_live) {
  std::list<LoopbackClient> clients;
  for (std::size_t i = 0; i < limits::admin_connections_max; ++i) {
    clients.emplace_back(server_->address().port);
    ASSERT_TRUE(clients.back().send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    ASSERT_TRUE(clients.back().read_until("/a?!").ends_with("/a?!"));
  }
  LoopbackClient more(server_->address().port);
  EXPECT_EQ(more.read_until_close(), "");
  ASSERT_TRUE(clients.front().send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(clients.front().read_until("/b?!").ends_with("/b?!"));
}

TEST_F(AdminServerTest, a_port_in_use_is_a_fault) {
  const auto second = AdminServer::make(
      {"127.0.0.1", server_->address().port}, [](const AdminRequest&) { return AdminResponse{}; }
  );
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("in use"), std::string::npos) << second.error().text;
}

TEST_F(AdminServerTest, ends_while_connections_are_open) {
  LoopbackClient client(server_->address().port);
  ASSERT_TRUE(client.send("GET /a HTTP/1.1\r\nHo"));
  server_.reset();
  EXPECT_EQ(client.read_until_close(), "");
}

}  // namespace
}  // namespace gh::control
