// SPDX-License-Identifier: Apache-2.0
// One JSON line a request. The first part is written when the request was judged (its views die
// later), the rest at its end.
#pragma once

#include "authz/attributes.h"
#include "authz/identity/identity.h"
#include "dataplane/http/message.h"
#include "dataplane/proxy/exchange.h"

#include <string>
#include <string_view>

namespace gh::worker {

// What is known when the request was judged.
struct Judged {
  std::string_view client;                        // "127.0.0.1"
  const identity::Identity& who;                  // as whom it was judged
  const identity::Identity* requestor = nullptr;  // who asked to be `who`
  const authz::Attributes& what;
  std::string_view decision;
  std::string_view reason;  // the binding that allowed, or why not
  std::string_view tls_version;
  bool resumed = false;
};

void begin_access_line(
    std::string& line, UnixTime at, const http::RequestHead& head, const Judged& judged
);
std::string end_access_line(
    const proxy::Record& record,
    http::Reset reset,
    std::string_view upstream,
    Duration took,
    unsigned attempts
);

}  // namespace gh::worker
