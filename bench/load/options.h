// SPDX-License-Identifier: Apache-2.0
// The command line of gatehouse-load, checked: what is asked of whom, how often, and what to tell.
// In: argv, the files it names.   Out: Options, or what is wrong with them.
// Owner: main(); threads read it only.
#pragma once

#include "base/result.h"
#include "base/units.h"
#include "bench/load/expectation.h"
#include "dataplane/http/message.h"
#include "dataplane/net/byte_stream.h"
#include "tls/context.h"

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::load {

enum class Mode : std::uint8_t { full, resume, requests, h2, watch, idle, storm };
std::string_view name_of(Mode mode);

struct Options {
  Mode mode = Mode::full;
  std::string url;
  std::string host;
  std::uint16_t port = 443;
  std::vector<net::Endpoint> targets;  // of the host; taken in turn
  std::vector<net::Endpoint> sources;  // empty: the system chooses

  // TLS. `tls` is complete but for the certificate, which is one of `identities`.
  tls::ClientSettings tls;
  std::vector<tls::KeyPair> identities;  // taken in turn; empty: no client certificate

  bool ask = true;  // false: the handshake is all (a URL without a path)
  http::RequestHead head;
  std::string body;
  std::vector<int> expect_status = {200};
  std::optional<std::string> expect_body;  // the answer contains it
  std::string event_time = "renewTime";

  std::size_t connections = 0;  // 0 on the command line: the mode's default
  std::size_t streams = 1;
  std::size_t threads = 0;
  double rate = 0;  // 0: closed loop
  Duration duration = std::chrono::seconds(10);
  std::uint64_t requests = 0;  // 0: by duration
  Duration warm_up{0};
  Duration timeout = std::chrono::seconds(10);
  Duration expected_interval{0};
  net::RoadKind road = net::RoadKind::uring;

  std::vector<pid_t> server_pids;
  std::vector<Expectation> expectations;
  std::string json, html;
  bool quiet = false;
  std::string command;  // as typed, for the report

  // A connection is the operation (full, resume, storm), it does not carry many.
  bool by_connection() const noexcept {
    return mode == Mode::full || mode == Mode::resume || mode == Mode::storm;
  }
};

// What the command line asks for: to run, or to print `text` and end with `code`.
struct Parsed {
  std::optional<Options> options;
  std::string text;
  int code = 0;
};

Parsed parse_command_line(int argc, const char* const* argv);

// Enough descriptors and memory for it; raises the soft limit. Else a sentence.
Outcome<void> make_room(const Options& options);

}  // namespace gh::load
