// SPDX-License-Identifier: Apache-2.0
// One io_uring with its ring of receive buffers. Includes liburing: a private header of this
// folder. In: operations prepared by prepare(); Out: completions, one by one, from wait(). Owner:
// the thread that made it (SINGLE_ISSUER).
#pragma once

#include "base/byte_view.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/units.h"

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace gh::net::uring {

// What io_uring lacks on this kernel, or empty.
std::string missing();

// Receive buffers the kernel takes from as bytes arrive (ordinary memory, not locked).
class BufferGroup {
 public:
  BufferGroup(std::uint16_t group, unsigned count, std::size_t each)
      : group_(group), count_(count), each_(each) {}

  ~BufferGroup();  // after the ring's end
  BufferGroup(const BufferGroup&) = delete;
  BufferGroup& operator=(const BufferGroup&) = delete;

  int open(io_uring& ring) noexcept;  // 0 or errno

  std::uint16_t group() const noexcept { return group_; }

  std::size_t each() const noexcept { return each_; }

  ByteView view(unsigned id, std::size_t bytes) const noexcept;
  void give_back(unsigned id) noexcept;

 private:
  std::uint16_t group_;
  unsigned count_;
  std::size_t each_;
  io_uring_buf_ring* entries_ = nullptr;
  std::uint8_t* memory_ = nullptr;
};

class Ring {
 public:
  static Outcome<std::unique_ptr<Ring>> make();
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // The next submission, zeroed; hands over what is prepared when there is no room. It goes out
  // with the next wait().
  io_uring_sqe& prepare(std::uint64_t user_data) noexcept;

  void submit_now() noexcept { io_uring_submit(&ring_); }

  // Hands over and waits for a completion, in one system call. Negative: no timeout; 0: does not
  // wait.
  void enter(Duration timeout) noexcept;

  template <class Visit>
  void each_completion(Visit visit) noexcept {
    for (unsigned left = io_uring_cq_ready(&ring_); left > 0; --left) {
      io_uring_cqe* next = nullptr;
      if (io_uring_peek_cqe(&ring_, &next) != 0) return;
      const io_uring_cqe done = *next;
      io_uring_cq_advance(&ring_, 1);
      visit(done);
    }
  }

  BufferGroup& buffers(bool bulk) noexcept { return bulk ? bulk_ : small_; }

  bool has_multishot_receive() const noexcept { return multishot_receive_; }  // Linux 6.0

 private:
  Ring() = default;
  std::string open();  // empty, or what failed

  io_uring ring_{};
  bool open_ = false;
  bool multishot_receive_ = false;
  BufferGroup small_{0, limits::uring_small_buffers, limits::uring_small_buffer_bytes};
  BufferGroup bulk_{1, limits::uring_bulk_buffers, limits::uring_bulk_buffer_bytes};
};

}  // namespace gh::net::uring
