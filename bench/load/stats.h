// SPDX-License-Identifier: Apache-2.0
// What a run counts. Live: counters of a thread that the progress reads while it runs. Tally: a
// thread's latencies and texts, merged when all threads have ended.
// Owner: the thread that writes them.
#pragma once

#include "base/counters.h"
#include "bench/load/histogram.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace gh::load {

// Why an operation does not count as done.
enum class Failure : std::uint8_t {
  connect,      // TCP: refused, unreachable, no port or descriptor left
  tls,          // the handshake failed, on either side
  not_resumed,  // a ticket was offered and the server did a full handshake all the same
  no_ticket,    // resume mode: the server gave no ticket
  http,         // the answer does not parse, was reset, or the protocol is not the one asked for
  status,       // another status than --expect-status
  body,         // another body than --expect-body
  lost,         // the connection went away before the answer was whole
  timeout,      // --timeout
  dropped,      // open loop: due, but the generator could not begin it (limits::load_backlog_max)
};
inline constexpr std::size_t failures = 10;
std::string_view name_of(Failure failure);

struct Live {
  Counter done;       // operations that ended well, warm-up and all
  Counter failed;     // and that did not
  Counter unreached;  // of these: not even TCP
  Counter ready;      // connections (idle, requests) or watches that stand
  Counter under_way;
  Counter sockets;  // TCP connections that are open
};

struct Tally {
  Histogram latency;    // of an operation; open loop: from when it was meant to begin
  Histogram handshake;  // from connect() to the end of the TLS handshake
  std::uint64_t done = 0;
  std::uint64_t bytes = 0;  // of bodies
  std::uint64_t full = 0;   // handshakes, measured window only
  std::uint64_t resumed = 0;
  std::uint64_t unfinished = 0;  // open loop: under way or due as the run ended
  std::array<std::uint64_t, failures> failed{};
  std::map<std::string, std::uint64_t> texts;      // of errors, with how often; bounded
  std::map<std::string, std::uint64_t> protocols;  // "TLSv1.3 TLS_AES_128_GCM_SHA256 h2"

  std::uint64_t errors() const noexcept;
  void fail(Failure why, const std::string& text);
  void add(const Tally& other);
};

}  // namespace gh::load
