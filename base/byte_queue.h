// SPDX-License-Identifier: Apache-2.0
// Bytes in order, appended at one end and taken at the other, in pooled chunks: no memory when
// empty. Owner: one core (that of its pool). Its user bounds it: see the limit named where it is
// declared.
#pragma once

#include "base/buffer_pool.h"
#include "base/byte_view.h"

#include <cstddef>
#include <utility>

namespace gh {

class ByteQueue {
 public:
  explicit ByteQueue(BufferPool& pool) : pool_(&pool) {}

  ByteQueue(ByteQueue&& other) noexcept
      : pool_(other.pool_),
        head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}

  ByteQueue& operator=(ByteQueue&&) = delete;

  ~ByteQueue() { clear(); }

  std::size_t size() const noexcept { return size_; }

  BufferPool& pool() const noexcept { return *pool_; }

  bool empty() const noexcept { return size_ == 0; }

  void append(ByteView bytes);
  // Room at the tail to write into (at least one byte; allocates a chunk when the last is full),
  // then commit(n).
  MutableBytes room();
  void commit(std::size_t n) noexcept;

  ByteView front() const noexcept;   // the first contiguous bytes; empty when the queue is
  void pop(std::size_t n) noexcept;  // n <= size()

  const Chunk* first() const noexcept { return head_; }  // for gathering sends; walk by next

  void clear() noexcept;

 private:
  BufferPool* pool_;
  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gh
