// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/uring/ring.h"

#include "base/assert.h"
#include "base/limits.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gh::net::uring {
namespace {

void* map(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

// Completions are worked off when we enter (6.1), or at least without interrupting us (5.19).
constexpr std::array<unsigned, 2> flag_sets = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
};

std::string why_no_ring(int error) {
  switch (error) {
    case ENOSYS:
      return "this kernel has no io_uring";
    case EPERM:
    case EACCES:
      return "io_uring is forbidden here (seccomp profile or kernel.io_uring_disabled)";
    case ENOMEM:
      return "io_uring got no memory (RLIMIT_MEMLOCK)";
    case EINVAL:
      return "io_uring of this kernel is too old (Linux 5.19 is needed)";
    default:
      return std::string("io_uring_setup: ") + std::strerror(error);
  }
}

bool has_operations(io_uring* ring) {
  io_uring_probe* probe = io_uring_get_probe_ring(ring);
  if (probe == nullptr) return false;
  bool all = true;
  for (const int op :
       {IORING_OP_RECV, IORING_OP_ACCEPT, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL}) {
    all = all && io_uring_opcode_supported(probe, op) != 0;
  }
  io_uring_free_probe(probe);
  return all;
}

}  // namespace

std::string missing() {
  auto ring = Ring::make();
  return ring ? std::string() : ring.error().text;
}

Outcome<std::unique_ptr<Ring>> Ring::make() {
  std::unique_ptr<Ring> ring(new Ring);
  if (std::string why = ring->open(); !why.empty()) return fault(std::move(why));
  return ring;
}

std::string Ring::open() {
  int error = EINVAL;
  for (const unsigned flags : flag_sets) {
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_CQSIZE;
    params.cq_entries = limits::uring_completions;
    error = -io_uring_queue_init_params(limits::uring_entries, &ring_, &params);
    open_ = error == 0;
    multishot_receive_ = open_ && (flags & IORING_SETUP_DEFER_TASKRUN) != 0;  // 6.1, so it has it
    if (open_ || error != EINVAL) break;
  }
  if (!open_) return why_no_ring(error);
  if ((ring_.features & IORING_FEAT_EXT_ARG) == 0 || !has_operations(&ring_))
    return why_no_ring(EINVAL);
  (void)io_uring_register_ring_fd(&ring_);  // saves a lookup per call; works without

  for (BufferGroup* group : {&small_, &bulk_}) {
    error = group->open(ring_);
    if (error == EINVAL) return why_no_ring(EINVAL);
    if (error != 0) return std::string("io_uring buffers: ") + std::strerror(error);
  }
  return {};
}

Ring::~Ring() {
  if (open_) io_uring_queue_exit(&ring_);
}

io_uring_sqe& Ring::prepare(std::uint64_t user_data) noexcept {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    const int rc = io_uring_submit(&ring_);
    GH_ASSERT(rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY);
    if (rc == -EBUSY) (void)io_uring_get_events(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  std::memset(sqe, 0, sizeof *sqe);
  sqe->user_data = user_data;
  return *sqe;
}

void Ring::enter(Duration timeout) noexcept {
  if (timeout.count() == 0) {
    (void)io_uring_submit_and_get_events(&ring_);
    return;
  }
  __kernel_timespec limit{timeout.count() / 1'000'000'000, timeout.count() % 1'000'000'000};
  io_uring_cqe* first = nullptr;
  (void)io_uring_submit_and_wait_timeout(
      &ring_, &first, 1, timeout.count() < 0 ? nullptr : &limit, nullptr
  );
}

int BufferGroup::open(io_uring& ring) noexcept {
  entries_ = static_cast<io_uring_buf_ring*>(map(count_ * sizeof(io_uring_buf)));
  memory_ = static_cast<std::uint8_t*>(map(count_ * each_));
  if (entries_ == nullptr || memory_ == nullptr) return ENOMEM;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_);
  registration.ring_entries = count_;
  registration.bgid = group_;
  const int rc = io_uring_register_buf_ring(&ring, &registration, 0);
  if (rc != 0) return -rc;
  io_uring_buf_ring_init(entries_);
  for (unsigned id = 0; id < count_; ++id) give_back(id);
  return 0;
}

BufferGroup::~BufferGroup() {
  if (entries_ != nullptr) munmap(entries_, count_ * sizeof(io_uring_buf));
  if (memory_ != nullptr) munmap(memory_, count_ * each_);
}

ByteView BufferGroup::view(unsigned id, std::size_t bytes) const noexcept {
  GH_ASSERT(id < count_ && bytes <= each_);
  return {memory_ + id * each_, bytes};
}

void BufferGroup::give_back(unsigned id) noexcept {
  const auto number = static_cast<unsigned short>(id);
  const auto size = static_cast<unsigned>(each_);
  io_uring_buf_ring_add(
      entries_, memory_ + id * each_, size, number, io_uring_buf_ring_mask(count_), 0
  );
  io_uring_buf_ring_advance(entries_, 1);
}

}  // namespace gh::net::uring
