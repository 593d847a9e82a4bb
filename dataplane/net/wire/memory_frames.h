// SPDX-License-Identifier: Apache-2.0
// Frames in plain memory, for tests, the simulator and the bench. Slabs that stay; last given,
// first taken. Bound: `frames_max`; then take() gives null.
#pragma once

#include "dataplane/net/wire/frame.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gh::wire {

class MemoryFrames final : public FramePool {
 public:
  explicit MemoryFrames(std::size_t frames_max, std::uint32_t frame_bytes = 2048)
      : frames_max_(frames_max), frame_bytes_(frame_bytes) {}

  MemoryFrames(const MemoryFrames&) = delete;
  MemoryFrames& operator=(const MemoryFrames&) = delete;

  Frame* take() noexcept override;
  void give(Frame* frame) noexcept override;

  std::size_t in_use() const noexcept { return in_use_; }

 private:
  bool grow();

  std::size_t frames_max_;
  std::uint32_t frame_bytes_;
  std::size_t made_ = 0;
  std::size_t in_use_ = 0;
  Frame* free_ = nullptr;
  std::vector<std::unique_ptr<Frame[]>> frames_;
  std::vector<std::unique_ptr<std::uint8_t[]>> memory_;
};

}  // namespace gh::wire
