// SPDX-License-Identifier: Apache-2.0
// A segment that arrived, parsed. Inside the stack only.
#pragma once

#include "dataplane/net/wire/tcp_header.h"
#include "dataplane/tcp/stack.h"

namespace gh::tcp {

inline constexpr std::int8_t our_shift = 6;  // of the windows we tell
static_assert((65'535u << our_shift) >= limits::tcp_receive_bytes_max);

struct Stack::Segment {
  wire::TcpHeader header;
  Endpoint local, remote;
  Seq seq, ack;
  std::uint32_t payload = 0;     // bytes
  wire::Frame* frame = nullptr;  // at the payload; null once taken

  bool has(std::uint8_t flag) const noexcept { return header.has(flag); }

  // In sequence space (RFC 9293 §3.4).
  std::uint32_t length() const noexcept {
    return payload + (has(wire::TcpFlags::syn) ? 1u : 0u) + (has(wire::TcpFlags::fin) ? 1u : 0u);
  }
};

struct Stack::Listener {
  Endpoint at;
  Acceptor* acceptor = nullptr;
};

}  // namespace gh::tcp
