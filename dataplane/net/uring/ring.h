// SPDX-License-Identifier: Apache-2.0
// One io_uring with its ring of receive buffers. Includes liburing: a private header of this
// folder. In: operations prepared by prepare(); Out: completions, one by one, from wait(). Owner:
// the thread that made it (SINGLE_ISSUER).
#pragma once

#include "base/byte_view.h"
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

  static constexpr std::uint16_t buffer_group = 0;
  ByteView buffer(unsigned id, std::size_t bytes) const noexcept;
  void give_back(unsigned id) noexcept;

 private:
  Ring() = default;
  std::string open();  // empty, or what failed

  io_uring ring_{};
  bool open_ = false;
  io_uring_buf_ring* entries_ = nullptr;
  std::uint8_t* buffers_ = nullptr;
};

}  // namespace gh::net::uring
