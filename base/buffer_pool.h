// SPDX-License-Identifier: Apache-2.0
// Pieces of memory for bytes on their way, pooled per core, last freed first used (warm in cache).
// Owner: one core. Bound: limits::pool_idle_chunks_max free chunks are kept, further ones go back
// to the allocator.
#pragma once

#include "base/limits.h"

#include <cstddef>
#include <cstdint>

namespace gh {

struct Chunk {
  Chunk* next = nullptr;
  std::uint32_t begin = 0;  // first unread byte
  std::uint32_t end = 0;    // one past the last byte
  static constexpr std::size_t capacity = limits::chunk_bytes;
  std::uint8_t data[capacity];
};

class BufferPool {
 public:
  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  Chunk* take();                     // empty; allocates when the pool has none
  void give(Chunk* chunk) noexcept;  // back to the pool

  std::size_t in_use() const noexcept { return in_use_; }

 private:
  Chunk* free_ = nullptr;
  std::size_t idle_ = 0;
  std::size_t in_use_ = 0;
};

}  // namespace gh
