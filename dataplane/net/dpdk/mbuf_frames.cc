// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/dpdk/mbuf_frames.h"

#include "base/limits.h"

#include <rte_mbuf.h>

#include <new>

namespace gh::net::dpdk {
namespace {

rte_mbuf* mbuf_of(const wire::Frame& frame) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(&frame) - sizeof(rte_mbuf);
  return reinterpret_cast<rte_mbuf*>(at);
}

}  // namespace

std::uint16_t MbufFrames::private_bytes() noexcept {
  static_assert(alignof(wire::Frame) <= RTE_MBUF_PRIV_ALIGN);
  return static_cast<std::uint16_t>(RTE_ALIGN(sizeof(wire::Frame), RTE_MBUF_PRIV_ALIGN));
}

wire::Frame* MbufFrames::dress(rte_mbuf* mbuf) noexcept {
  auto* frame = new (rte_mbuf_to_priv(mbuf)) wire::Frame;
  frame->pool = this;
  frame->memory = static_cast<std::uint8_t*>(mbuf->buf_addr);
  frame->capacity = mbuf->buf_len;
  frame->refs = 1;
  return frame;
}

wire::Frame* MbufFrames::take() noexcept {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return nullptr;
  wire::Frame* frame = dress(mbuf);
  frame->begin = frame->end = limits::frame_headroom_bytes;
  return frame;
}

void MbufFrames::give(wire::Frame* frame) noexcept {
  while (frame != nullptr) {
    GH_ASSERT(frame->refs > 0);
    if (--frame->refs > 0) return;
    wire::Frame* more = frame->more;
    rte_mbuf* mbuf = mbuf_of(*frame);
    mbuf->next = nullptr;
    mbuf->nb_segs = 1;
    rte_pktmbuf_free_seg(mbuf);
    frame = more;
  }
}

bool MbufFrames::shared(const wire::Frame& frame) const noexcept {
  return frame.refs > 1 || rte_mbuf_refcnt_read(mbuf_of(frame)) > 1;
}

wire::Frame* MbufFrames::adopt(rte_mbuf* mbuf) noexcept {
  wire::Frame* first = nullptr;
  wire::Frame** link = &first;
  const std::uint64_t flags = mbuf->ol_flags;
  while (mbuf != nullptr) {
    rte_mbuf* next = mbuf->next;
    wire::Frame* frame = dress(mbuf);
    frame->begin = mbuf->data_off;
    frame->end = frame->begin + mbuf->data_len;
    mbuf->next = nullptr;
    mbuf->nb_segs = 1;
    *link = frame;
    link = &frame->more;
    mbuf = next;
  }
  first->ip_checksum_good = (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
  first->l4_checksum_good = (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  return first;
}

rte_mbuf* MbufFrames::release(wire::Frame* frame) noexcept {
  GH_ASSERT(frame->more == nullptr);  // what we send lies in one piece
  rte_mbuf* mbuf = mbuf_of(*frame);
  mbuf->data_off = static_cast<std::uint16_t>(frame->begin);
  mbuf->data_len = static_cast<std::uint16_t>(frame->size());
  mbuf->pkt_len = frame->size();
  mbuf->ol_flags = 0;
  if (frame->l4_checksum_wanted || frame->ip_checksum_wanted) {
    const bool v4 = frame->l3_bytes == 20;
    mbuf->l2_len = frame->l2_bytes & 0x7f;
    mbuf->l3_len = frame->l3_bytes;
    mbuf->l4_len = frame->l4_bytes;
    mbuf->ol_flags = v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
    if (frame->ip_checksum_wanted) mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (frame->l4_checksum_wanted) mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
  }
  if (frame->refs > 1) {  // TCP keeps it until it is acknowledged
    rte_mbuf_refcnt_update(mbuf, 1);
    --frame->refs;
  }
  return mbuf;
}

}  // namespace gh::net::dpdk
