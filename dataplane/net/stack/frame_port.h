// SPDX-License-Identifier: Apache-2.0
// What a port offers one core: frames in, frames out, and how to sleep until one comes.
// Owner: the core's road. Implementations: net/dpdk (a queue of a NIC), tests (a TAP device, a link
// in memory).
#pragma once

#include "dataplane/net/wire/frame.h"

#include <poll.h>

#include <cstddef>
#include <span>
#include <vector>

namespace gh::net::stack {

class FramePort {
 public:
  virtual ~FramePort() = default;

  virtual wire::FramePool& frames() noexcept = 0;

  // Fills `into` with frames that have arrived; gives how many. They belong to the caller.
  virtual std::size_t receive(std::span<wire::Frame*> into) noexcept = 0;

  // Takes frames from the front, as many as there is room for. False: some had to stay.
  virtual bool transmit(wire::FrameList& frames) noexcept = 0;

  // Before a sleep: adds descriptors that become readable when a frame arrives. False: none tells
  // of all frames, so look again soon. The caller looks once more after arm() and before it sleeps,
  // and disarms after.
  virtual bool arm(std::vector<pollfd>& waits) noexcept {
    (void)waits;
    return false;
  }

  virtual void disarm() noexcept {}
};

}  // namespace gh::net::stack
