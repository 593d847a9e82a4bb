// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/wire/frame.h"

#include "base/limits.h"
#include "dataplane/net/wire/memory_frames.h"

#include <algorithm>

namespace gh::wire {

void Frame::trim_chain(std::size_t bytes) noexcept {
  Frame* piece = this;
  while (piece->more != nullptr && bytes > piece->size()) {
    bytes -= piece->size();
    piece = piece->more;
  }
  GH_ASSERT(bytes <= piece->size());
  piece->end = piece->begin + static_cast<std::uint32_t>(bytes);
  if (piece->more != nullptr) {
    wire::give(piece->more);
    piece->more = nullptr;
  }
}

bool MemoryFrames::grow() {
  const std::size_t count = std::min<std::size_t>(64, frames_max_ - made_);
  if (count == 0) return false;
  frames_.push_back(std::make_unique<Frame[]>(count));
  memory_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(count * frame_bytes_));
  for (std::size_t i = count; i-- > 0;) {
    Frame& frame = frames_.back()[i];
    frame.pool = this;
    frame.memory = memory_.back().get() + i * frame_bytes_;
    frame.capacity = frame_bytes_;
    frame.next = free_;
    free_ = &frame;
  }
  made_ += count;
  return true;
}

Frame* MemoryFrames::take() noexcept {
  if (free_ == nullptr && !grow()) return nullptr;
  Frame* frame = free_;
  free_ = frame->next;
  frame->next = nullptr;
  frame->begin = frame->end = limits::frame_headroom_bytes;
  frame->refs = 1;
  frame->ip_checksum_good = frame->l4_checksum_good = false;
  frame->ip_checksum_wanted = frame->l4_checksum_wanted = false;
  ++in_use_;
  return frame;
}

void MemoryFrames::give(Frame* frame) noexcept {
  while (frame != nullptr) {
    GH_ASSERT(frame->refs > 0);
    if (--frame->refs > 0) return;
    Frame* more = frame->more;
    frame->more = nullptr;
    frame->next = free_;
    free_ = frame;
    --in_use_;
    frame = more;
  }
}

}  // namespace gh::wire
