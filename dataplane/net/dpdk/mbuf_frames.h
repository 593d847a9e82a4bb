// SPDX-License-Identifier: Apache-2.0
// Frames on DPDK's packet buffers: the Frame lies in the private area of its mbuf, both show the
// same bytes, so nothing is copied either way.
// Whoever holds a Frame (any number of times) holds one reference of its mbuf; a port that is still
// sending it holds another. Owner: one core; give() may be called on any core.
#pragma once

#include "dataplane/net/wire/frame.h"

#include <cstdint>

struct rte_mbuf;
struct rte_mempool;

namespace gh::net::dpdk {

class MbufFrames final : public wire::FramePool {
 public:
  explicit MbufFrames(rte_mempool* pool) : pool_(pool) {}

  MbufFrames(const MbufFrames&) = delete;
  MbufFrames& operator=(const MbufFrames&) = delete;

  wire::Frame* take() noexcept override;
  void give(wire::Frame* frame) noexcept override;
  bool shared(const wire::Frame& frame) const noexcept override;

  wire::Frame* adopt(rte_mbuf* mbuf) noexcept;  // as received; all its segments
  // For a burst to transmit; takes the frame. Offloads as the frame asks for.
  rte_mbuf* release(wire::Frame* frame) noexcept;

  rte_mempool* pool() const noexcept { return pool_; }

  static std::uint16_t private_bytes() noexcept;

 private:
  wire::Frame* dress(rte_mbuf* mbuf) noexcept;

  rte_mempool* pool_;
};

}  // namespace gh::net::dpdk
