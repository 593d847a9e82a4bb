// SPDX-License-Identifier: Apache-2.0
// One receive and one transmit queue of a port, as a core uses them.
// Owner: one core.
#pragma once

#include "base/counters.h"
#include "base/limits.h"
#include "dataplane/net/dpdk/mbuf_frames.h"
#include "dataplane/net/stack/frame_port.h"

#include <array>
#include <cstdint>

namespace gh::net::dpdk {

class Queue final : public stack::FramePort {
 public:
  // `prepare`: the port computes checksums, and wants frames prepared for that.
  Queue(std::uint16_t port, std::uint16_t queue, rte_mempool* pool, bool prepare, bool interrupts);
  ~Queue() override;

  wire::FramePool& frames() noexcept override { return frames_; }

  std::size_t receive(std::span<wire::Frame*> into) noexcept override;
  bool transmit(wire::FrameList& frames) noexcept override;
  bool arm(std::vector<pollfd>& waits) noexcept override;
  void disarm() noexcept override;

  Counter rx_frames, rx_bytes, tx_frames, tx_bytes, tx_full, tx_refused;

 private:
  bool send_left() noexcept;
  void gather(wire::FrameList& frames) noexcept;

  std::uint16_t port_;
  std::uint16_t queue_;
  MbufFrames frames_;
  bool prepare_;
  int epoll_fd_ = -1;  // readable when the port has interrupted; -1: it cannot
  // What the port had no room for: sent first in the next turn.
  std::array<rte_mbuf*, limits::stack_burst> left_;
  std::uint16_t left_begin_ = 0, left_end_ = 0;
};

}  // namespace gh::net::dpdk
