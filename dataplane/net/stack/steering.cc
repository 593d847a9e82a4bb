// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/stack/steering.h"

#include "base/limits.h"
#include "dataplane/net/wire/bytes.h"
#include "dataplane/net/wire/ethernet.h"
#include "dataplane/net/wire/ip.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gh::net::stack {

Addressee addressee_of(ByteView frame) noexcept {
  using Kind = Addressee::Kind;
  Addressee out;
  const auto ethernet = wire::EthernetHeader::parse(frame);
  if (!ethernet) return out;
  if (ethernet->ethertype == wire::ethertype_arp) out.kind = Kind::everyone;
  const ByteView packet = frame.subspan(ethernet->parsed_bytes());
  const bool v4 = ethernet->ethertype == wire::ethertype_ipv4;
  if (!v4 && ethernet->ethertype != wire::ethertype_ipv6) return out;
  const auto ip = v4 ? wire::IpHeader::parse_v4(packet, SIZE_MAX, true)
                     : wire::IpHeader::parse_v6(packet, SIZE_MAX);
  if (!ip) return out;
  if (ip->protocol == (v4 ? wire::protocol_icmp : wire::protocol_icmpv6)) out.kind = Kind::everyone;
  if (ip->protocol != wire::protocol_tcp || packet.size() < ip->header_bytes + 4) return out;
  const std::uint8_t* tcp = packet.data() + ip->header_bytes;
  return {Kind::owner, {ip->to, wire::load16(tcp + 2)}, {ip->from, wire::load16(tcp)}};
}

Steering::Steering(std::size_t cores, bool port_steers, OwnerOf owner_of)
    : cores_(cores),
      port_steers_(port_steers),
      owner_of_(std::move(owner_of)),
      doorbells_(std::make_unique<Doorbell[]>(cores)) {
  for (std::size_t i = 0; i < cores * cores; ++i) {
    rings_.push_back(std::make_unique<Ring>(limits::dpdk_steered_frames_max));
  }
}

Outcome<std::unique_ptr<Steering>> Steering::make(
    std::size_t cores, bool port_steers, OwnerOf owner_of
) {
  std::unique_ptr<Steering> out(new Steering(cores, port_steers, std::move(owner_of)));
  for (std::size_t i = 0; i < cores; ++i) {
    out->doorbells_[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (out->doorbells_[i].fd < 0) return fault(std::string("eventfd: ") + std::strerror(errno));
  }
  return out;
}

Steering::~Steering() {
  for (auto& ring : rings_) {
    while (const auto frame = ring->pop()) wire::give(*frame);
  }
  for (std::size_t i = 0; i < cores_; ++i) {
    if (doorbells_[i].fd >= 0) ::close(doorbells_[i].fd);
  }
}

std::size_t SteeredPort::receive(std::span<wire::Frame*> into) noexcept {
  std::size_t count = 0;
  for (std::size_t from = 0; from < steering_.cores_; ++from) {
    if (from == core_) continue;
    while (count < into.size()) {
      const auto frame = steering_.ring(from, core_).pop();
      if (!frame) break;
      into[count++] = *frame;
    }
  }
  const std::size_t arrived = queue_.receive(into.subspan(count));
  std::size_t kept = count;
  for (std::size_t i = count; i < count + arrived; ++i) {
    if (keep(into[i])) into[kept++] = into[i];
  }
  return kept;
}

bool SteeredPort::keep(wire::Frame* frame) noexcept {
  const Addressee to = addressee_of(frame->bytes());
  if (to.kind == Addressee::Kind::everyone) copy_to_others(*frame);
  if (to.kind != Addressee::Kind::owner || steering_.port_steers_) return true;
  const std::size_t owner = steering_.owner_of_(to.local, to.remote);
  if (owner == core_) return true;
  passed_on.add();
  pass(frame, owner);
  return false;
}

void SteeredPort::pass(wire::Frame* frame, std::size_t to) noexcept {
  if (!steering_.ring(core_, to).push(frame)) {
    ring_full.add();
    return wire::give(frame);
  }
  // The sleeper says so before it looks at its rings for the last time.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Steering::Doorbell& bell = steering_.doorbells_[to];
  if (!bell.asleep.load(std::memory_order_relaxed)) return;
  const std::uint64_t once = 1;
  (void)!::write(bell.fd, &once, sizeof once);
}

void SteeredPort::copy_to_others(const wire::Frame& frame) noexcept {
  for (std::size_t to = 0; to < steering_.cores_; ++to) {
    if (to == core_) continue;
    wire::Frame* copy = queue_.frames().take();
    if (copy == nullptr) return;
    const ByteView bytes = frame.bytes();
    if (frame.more != nullptr || bytes.size() > copy->tail_room()) return wire::give(copy);
    std::memcpy(copy->put(static_cast<std::uint32_t>(bytes.size())), bytes.data(), bytes.size());
    copied.add();
    pass(copy, to);
  }
}

bool SteeredPort::arm(std::vector<pollfd>& waits) noexcept {
  Steering::Doorbell& bell = steering_.doorbells_[core_];
  bell.asleep.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  waits.push_back({bell.fd, POLLIN, 0});
  return queue_.arm(waits);
}

void SteeredPort::disarm() noexcept {
  Steering::Doorbell& bell = steering_.doorbells_[core_];
  bell.asleep.store(false, std::memory_order_relaxed);
  std::uint64_t times = 0;
  (void)!::read(bell.fd, &times, sizeof times);
  queue_.disarm();
}

}  // namespace gh::net::stack
