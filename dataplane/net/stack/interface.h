// SPDX-License-Identifier: Apache-2.0
// A port as one core uses it: its frames, its addresses, its TCP. Plain composition, so that who
// owns the port (and shows its counters) can keep it longer than the road that runs on it.
// Owner: one core; counters may be read by control.
#pragma once

#include "dataplane/net/stack/frame_port.h"
#include "dataplane/net/wire/ip_host.h"
#include "dataplane/tcp/stack.h"

namespace gh::net::stack {

struct Interface {
  Interface(
      FramePort& frame_port,
      const wire::HostConfig& ip,
      const tcp::StackConfig& tcp_config,
      Instant now
  )
      : port(frame_port),
        host(ip, frame_port.frames(), siphash_key(tcp_config), now),
        tcp(tcp_config, host, frame_port.frames(), now) {}

  FramePort& port;
  wire::IpHost host;
  tcp::Stack tcp;
  Counter frames_unsent;  // dropped: the port took none for too long

 private:
  static SipKey siphash_key(const tcp::StackConfig& config) {
    return {siphash24(config.secret, {21}), siphash24(config.secret, {22})};
  }
};

}  // namespace gh::net::stack
