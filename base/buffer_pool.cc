// SPDX-License-Identifier: Apache-2.0
#include "base/buffer_pool.h"

namespace gh {

BufferPool::~BufferPool() {
  while (free_ != nullptr) {
    Chunk* next = free_->next;
    delete free_;
    free_ = next;
  }
}

Chunk* BufferPool::take() {
  ++in_use_;
  if (free_ == nullptr) return new Chunk;
  Chunk* chunk = free_;
  free_ = chunk->next;
  --idle_;
  chunk->next = nullptr;
  chunk->begin = 0;
  chunk->end = 0;
  return chunk;
}

void BufferPool::give(Chunk* chunk) noexcept {
  --in_use_;
  if (idle_ >= limits::pool_idle_chunks_max) {
    delete chunk;
    return;
  }
  chunk->next = free_;
  free_ = chunk;
  ++idle_;
}

}  // namespace gh
