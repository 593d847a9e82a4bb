// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/dpdk/queue.h"

#include "base/limits.h"

#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace gh::net::dpdk {

Queue::Queue(
    std::uint16_t port, std::uint16_t queue, rte_mempool* pool, bool prepare, bool interrupts
)
    : port_(port), queue_(queue), frames_(pool), prepare_(prepare) {
  if (!interrupts) return;
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return;
  if (rte_eth_dev_rx_intr_ctl_q(port, queue, epoll_fd_, RTE_INTR_EVENT_ADD, nullptr) != 0) {
    ::close(std::exchange(epoll_fd_, -1));
  }
}

Queue::~Queue() {
  if (left_end_ > left_begin_) {
    rte_pktmbuf_free_bulk(
        left_.data() + left_begin_, static_cast<unsigned>(left_end_ - left_begin_)
    );
  }
  if (epoll_fd_ < 0) return;
  rte_eth_dev_rx_intr_ctl_q(port_, queue_, epoll_fd_, RTE_INTR_EVENT_DEL, nullptr);
  ::close(epoll_fd_);
}

std::size_t Queue::receive(std::span<wire::Frame*> into) noexcept {
  std::array<rte_mbuf*, limits::stack_burst> burst;
  const auto most = static_cast<std::uint16_t>(std::min(into.size(), burst.size()));
  if (most == 0) return 0;
  const std::uint16_t count = rte_eth_rx_burst(port_, queue_, burst.data(), most);
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    bytes += burst[i]->pkt_len;
    into[i] = frames_.adopt(burst[i]);
  }
  if (count > 0) {
    rx_frames.add(count);
    rx_bytes.add(bytes);
  }
  return count;
}

bool Queue::transmit(wire::FrameList& frames) noexcept {
  while (send_left()) {
    if (frames.empty()) return true;
    gather(frames);
  }
  return false;
}

// A burst of frames; what the port cannot send at all goes: TCP sends it again.
void Queue::gather(wire::FrameList& frames) noexcept {
  left_begin_ = left_end_ = 0;
  std::uint64_t bytes = 0;
  while (left_end_ < left_.size() && !frames.empty()) {
    rte_mbuf* mbuf = frames_.release(frames.pop_front());
    bytes += mbuf->pkt_len;
    left_[left_end_++] = mbuf;
  }
  tx_frames.add(left_end_);
  tx_bytes.add(bytes);
  if (!prepare_) return;
  std::uint16_t from = 0;
  while (from < left_end_) {
    const auto count = static_cast<std::uint16_t>(left_end_ - from);
    from = static_cast<std::uint16_t>(
        from + rte_eth_tx_prepare(port_, queue_, left_.data() + from, count)
    );
    if (from == left_end_) return;
    tx_refused.add();
    rte_pktmbuf_free(left_[from]);
    std::copy(left_.data() + from + 1, left_.data() + left_end_, left_.data() + from);
    --left_end_;
  }
}

bool Queue::send_left() noexcept {
  while (left_begin_ < left_end_) {
    const auto count = static_cast<std::uint16_t>(left_end_ - left_begin_);
    const std::uint16_t sent = rte_eth_tx_burst(port_, queue_, left_.data() + left_begin_, count);
    left_begin_ = static_cast<std::uint16_t>(left_begin_ + sent);
    if (sent == 0) {
      tx_full.add();
      return false;
    }
  }
  return true;
}

bool Queue::arm(std::vector<pollfd>& waits) noexcept {
  if (epoll_fd_ < 0 || rte_eth_dev_rx_intr_enable(port_, queue_) != 0) return false;
  waits.push_back({epoll_fd_, POLLIN, 0});
  return true;
}

void Queue::disarm() noexcept {
  if (epoll_fd_ < 0) return;
  rte_eth_dev_rx_intr_disable(port_, queue_);
  rte_epoll_event event;
  rte_epoll_wait(epoll_fd_, &event, 1, 0);  // takes the interrupt as each driver wants it taken
}

}  // namespace gh::net::dpdk
