// SPDX-License-Identifier: Apache-2.0
// One frame on its way: memory with room in front for headers. Its bytes are never copied on the
// way in; layers move `begin` and `end`. A FramePool gives the memory: plain (memory_frames.h) or a
// port's own. Owner: whoever holds the pointer, on one core; hold() makes a second owner.
#pragma once

#include "base/assert.h"
#include "base/byte_view.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace gh::wire {

class FramePool;

struct Frame {
  Frame* next = nullptr;  // in the list of its owner
  Frame* more = nullptr;  // further bytes of the same frame (scattered receive), owned by this one
  FramePool* pool = nullptr;
  std::uint8_t* memory = nullptr;
  std::uint32_t capacity = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint16_t refs = 0;

  // Set by the port on the way in: the checksum was found good there.
  bool ip_checksum_good = false;
  bool l4_checksum_good = false;
  // Set by us on the way out: the port fills them in. The L4 field then holds the pseudo header's
  // sum.
  bool ip_checksum_wanted = false;
  bool l4_checksum_wanted = false;
  std::uint8_t l2_bytes = 0;  // lengths of the headers, for ports that offload
  std::uint8_t l3_bytes = 0;
  std::uint8_t l4_bytes = 0;

  // A place for the owner's own words about the frame (tcp: sequence numbers and links).
  static constexpr std::size_t note_bytes = 48;
  alignas(8) std::byte note_memory[note_bytes];

  template <class T>
  T& make_note() noexcept {
    static_assert(sizeof(T) <= note_bytes && std::is_trivially_destructible_v<T>);
    return *new (note_memory) T{};
  }

  template <class T>
  T& note() noexcept {
    return *std::launder(reinterpret_cast<T*>(note_memory));
  }

  std::uint8_t* data() noexcept { return memory + begin; }

  const std::uint8_t* data() const noexcept { return memory + begin; }

  std::uint32_t size() const noexcept { return end - begin; }  // of this piece

  ByteView bytes() const noexcept { return {memory + begin, end - begin}; }

  std::uint32_t tail_room() const noexcept { return capacity - end; }

  std::size_t chain_size() const noexcept {
    std::size_t sum = 0;
    for (const Frame* piece = this; piece != nullptr; piece = piece->more) sum += piece->size();
    return sum;
  }

  // Room for a header in front. There is always enough: limits::frame_headroom_bytes.
  std::uint8_t* push(std::uint32_t bytes) noexcept {
    GH_ASSERT(bytes <= begin);
    begin -= bytes;
    return data();
  }

  void pull(std::uint32_t bytes) noexcept {  // a header that was read
    GH_ASSERT(bytes <= size());
    begin += bytes;
  }

  std::uint8_t* put(std::uint32_t bytes) noexcept {  // room at the end, to be written
    GH_ASSERT(bytes <= tail_room());
    end += bytes;
    return memory + end - bytes;
  }

  void trim_chain(std::size_t bytes) noexcept;  // keeps the first `bytes` (Ethernet pads)

  void hold() noexcept { ++refs; }
};

// A chain is given back whole.
class FramePool {
 public:
  virtual Frame* take() noexcept = 0;  // empty, one owner, begin = headroom; null when none is left
  virtual void give(Frame* frame) noexcept = 0;  // one owner less

  // Somebody else (the port) may still read it: it must not be written to.
  virtual bool shared(const Frame& frame) const noexcept { return frame.refs > 1; }

 protected:
  FramePool() = default;
  FramePool(const FramePool&) = default;
  FramePool& operator=(const FramePool&) = default;
  ~FramePool() = default;
};

inline void give(Frame* frame) noexcept { frame->pool->give(frame); }

// First in, first out, linked through Frame::next.
class FrameList {
 public:
  FrameList() = default;

  FrameList(FrameList&& other) noexcept
      : head_(other.head_), tail_(other.tail_), size_(other.size_) {
    other.head_ = other.tail_ = nullptr;
    other.size_ = 0;
  }

  FrameList& operator=(FrameList&&) = delete;

  ~FrameList() { clear(); }

  bool empty() const noexcept { return head_ == nullptr; }

  std::size_t size() const noexcept { return size_; }

  Frame* front() const noexcept { return head_; }

  void push_back(Frame* frame) noexcept {
    frame->next = nullptr;
    (tail_ == nullptr ? head_ : tail_->next) = frame;
    tail_ = frame;
    ++size_;
  }

  Frame* pop_front() noexcept {
    Frame* frame = head_;
    if (frame == nullptr) return nullptr;
    head_ = frame->next;
    if (head_ == nullptr) tail_ = nullptr;
    frame->next = nullptr;
    --size_;
    return frame;
  }

  void clear() noexcept {
    while (Frame* frame = pop_front()) give(frame);
  }

 private:
  Frame* head_ = nullptr;
  Frame* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace gh::wire
