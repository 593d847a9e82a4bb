// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server for people, probes and Prometheus, on a thread of its own: it answers
// while a reload runs. In: GET and HEAD requests in plain text.   Out: what the handler says.
// Owner: its own thread. Bounds: limits::admin_connections_max connections (further ones are closed
// at accept), limits::admin_timeout for a request head, for idling and for a reader that takes
// nothing. Not here: what the pages say (admin_pages.h).
#pragma once

#include "base/result.h"
#include "control/config.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace gh::control {

struct AdminRequest {
  std::string_view path;
  std::string_view query;  // without "?"
};

struct AdminResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using AdminHandler = std::function<AdminResponse(const AdminRequest&)>;

class AdminServer {
 public:
  // Listens, then serves. A Fault: the address cannot be had.
  static Outcome<std::unique_ptr<AdminServer>> make(const HostPort& at, AdminHandler handler);
  ~AdminServer();  // stops
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  const HostPort& address() const noexcept {
    return at_;
  }  // with the port the system chose for port 0

 private:
  class Loop;
  AdminServer(HostPort at, std::unique_ptr<Loop> loop);

  HostPort at_;
  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace gh::control
