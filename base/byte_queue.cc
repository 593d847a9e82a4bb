// SPDX-License-Identifier: Apache-2.0
#include "base/byte_queue.h"

#include "base/assert.h"

#include <algorithm>
#include <cstring>

namespace gh {

void ByteQueue::append(ByteView bytes) {
  while (!bytes.empty()) {
    const MutableBytes tail = room();
    const std::size_t n = std::min(tail.size(), bytes.size());
    std::memcpy(tail.data(), bytes.data(), n);
    commit(n);
    bytes = bytes.subspan(n);
  }
}

MutableBytes ByteQueue::room() {
  if (tail_ == nullptr || tail_->end == Chunk::capacity) {
    Chunk* chunk = pool_->take();
    (tail_ == nullptr ? head_ : tail_->next) = chunk;
    tail_ = chunk;
  }
  return {tail_->data + tail_->end, Chunk::capacity - tail_->end};
}

void ByteQueue::commit(std::size_t n) noexcept {
  GH_ASSERT(tail_ != nullptr && n <= Chunk::capacity - tail_->end);
  tail_->end += static_cast<std::uint32_t>(n);
  size_ += n;
}

ByteView ByteQueue::front() const noexcept {
  if (size_ == 0) return {};
  return {head_->data + head_->begin, head_->end - head_->begin};
}

void ByteQueue::pop(std::size_t n) noexcept {
  GH_ASSERT(n <= size_);
  size_ -= n;
  while (head_ != nullptr) {
    const std::size_t here = std::min<std::size_t>(n, head_->end - head_->begin);
    head_->begin += static_cast<std::uint32_t>(here);
    n -= here;
    if (head_->begin != head_->end) return;
    Chunk* done = head_;
    head_ = done->next;
    if (head_ == nullptr) tail_ = nullptr;
    pool_->give(done);
  }
}

void ByteQueue::clear() noexcept {
  while (head_ != nullptr) {
    Chunk* next = head_->next;
    pool_->give(head_);
    head_ = next;
  }
  tail_ = nullptr;
  size_ = 0;
}

}  // namespace gh
