// SPDX-License-Identifier: Apache-2.0
// Cores that share one port's addresses: each connection lives on one core, and each core must hear
// what neighbours say. A port that hashes (RSS) brings TCP to the right queue by itself; otherwise
// the core that found a frame passes it on through a ring. ARP, ICMP and neighbour discovery are
// copied to all; of them only core 0 answers (wire::HostConfig::answers).
// SteeredPort is a FramePort before a core's own queue. Owner: Steering by all cores of the port,
// a SteeredPort by its core. Bound: limits::dpdk_steered_frames_max a pair of cores.
#pragma once

#include "base/counters.h"
#include "base/per_core.h"
#include "base/spsc_ring.h"
#include "dataplane/net/stack/frame_port.h"
#include "dataplane/tcp/connection.h"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace gh::net::stack {

// The core that a segment to `local` from `remote` belongs to. The same on all cores.
using OwnerOf = std::function<std::size_t(const tcp::Endpoint& local, const tcp::Endpoint& remote)>;

class Steering {
 public:
  // `port_steers`: TCP arrives at its owner's queue already.
  static Outcome<std::unique_ptr<Steering>> make(
      std::size_t cores, bool port_steers, OwnerOf owner_of
  );
  ~Steering();
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  std::size_t owner_of(const tcp::Endpoint& local, const tcp::Endpoint& remote) const {
    return owner_of_(local, remote);
  }

 private:
  friend class SteeredPort;
  using Ring = SpscRing<wire::Frame*>;

  struct alignas(cache_line) Doorbell {
    std::atomic<bool> asleep{false};
    int fd = -1;
  };

  Steering(std::size_t cores, bool port_steers, OwnerOf owner_of);

  Ring& ring(std::size_t from, std::size_t to) { return *rings_[from * cores_ + to]; }

  std::size_t cores_;
  bool port_steers_;
  OwnerOf owner_of_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::unique_ptr<Doorbell[]> doorbells_;
};

class SteeredPort final : public FramePort {
 public:
  SteeredPort(Steering& steering, std::size_t core, FramePort& queue)
      : steering_(steering), core_(core), queue_(queue) {}

  wire::FramePool& frames() noexcept override { return queue_.frames(); }

  std::size_t receive(std::span<wire::Frame*> into) noexcept override;

  bool transmit(wire::FrameList& frames) noexcept override { return queue_.transmit(frames); }

  bool arm(std::vector<pollfd>& waits) noexcept override;
  void disarm() noexcept override;

  Counter passed_on, copied, ring_full;

 private:
  bool keep(wire::Frame* frame) noexcept;
  void pass(wire::Frame* frame, std::size_t to) noexcept;
  void copy_to_others(const wire::Frame& frame) noexcept;

  Steering& steering_;
  std::size_t core_;
  FramePort& queue_;
};

// For whom a frame is, as it arrived: whether it is whole and right is for its owner to say.
struct Addressee {
  enum class Kind : std::uint8_t { anyone, everyone, owner } kind = Kind::anyone;
  tcp::Endpoint local, remote;  // of a TCP segment: its owner
};

Addressee addressee_of(ByteView frame) noexcept;

}  // namespace gh::net::stack
