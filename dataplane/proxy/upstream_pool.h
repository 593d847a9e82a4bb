// SPDX-License-Identifier: Apache-2.0
// One worker's connections to the API servers: which replica and which connection serve a request,
// and who waits. In: demands, and what became of links.  Out: Demand::on_link (open your stream
// there) or on_unavailable. Owner: one core. No sockets: connections are made by the Dialer, time
// is handed in.
//
// A replica that refuses connections is ejected: skipped for limits::ejection_first, doubling up to
// ejection_max, then dialled again and asked /readyz before it serves. When every replica is
// ejected, the one whose turn comes first is tried all the same.
#pragma once

#include "base/core.h"
#include "base/timer_wheel.h"
#include "base/units.h"
#include "dataplane/http/session.h"
#include "dataplane/proxy/replica.h"

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace gh::proxy {

class UpstreamPool;

// A connection to a replica as the pool sees it; made by the Dialer.
class Link {
 public:
  http::ClientSession* session = nullptr;  // null until the handshake is done
  std::size_t replica = 0;
  bool h1_only = false;  // dialled for an upgrade: only upgrades use it
  bool probing = false;  // the replica was ejected: /readyz is asked here before requests go out

  // its session was given commands: it has to be served this turn
  virtual void mark_dirty() noexcept = 0;
  virtual void probe() noexcept = 0;   // GET /readyz; then UpstreamPool::on_probe
  virtual void retire() noexcept = 0;  // no more requests; close when those under way ended

 protected:
  ~Link() = default;
};

enum class Unavailable : std::uint8_t { no_replica, too_many_waiting, timed_out };
std::string_view text_of(Unavailable why);

// A request that wants an upstream stream.
class Demand {
 public:
  static constexpr std::size_t no_replica = ~std::size_t{0};

  // link.session->free_streams() > 0: open the stream now
  virtual void on_link(Link& link) noexcept = 0;
  virtual void on_unavailable(Unavailable why) noexcept = 0;

  bool needs_h1 = false;           // an upgrade
  std::size_t avoid = no_replica;  // failed it before: taken again only when there is no other
  std::uint8_t attempts = 0;       // connections tried

 protected:
  ~Demand() = default;

 private:
  friend class UpstreamPool;
  Demand* next_ = nullptr;
  Demand* prev_ = nullptr;
  std::size_t waits_for_ = no_replica;
};

class Dialer {
 public:
  // Starts a connection; on_link_ready or on_link_failed follows, not from inside. Null: cannot
  // even start.
  virtual Link* dial(std::size_t replica, bool h1_only) noexcept = 0;

 protected:
  ~Dialer() = default;
};

class UpstreamPool {
 public:
  // a replica each
  UpstreamPool(
      Core& core, TimerWheel& timers, Dialer& dialer, std::vector<ReplicaMetrics>& metrics
  );
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;

  void request(Demand& demand) noexcept;
  void cancel(Demand& demand) noexcept;  // no longer wants one; fine when it is not waiting

  void on_link_ready(Link& link) noexcept;
  // never became ready; the link is gone after this call
  void on_link_failed(Link& link) noexcept;
  void on_link_capacity(Link& link) noexcept;  // free_streams() grew
  void on_link_closed(Link& link) noexcept;    // was ready; gone after this call
  void on_probe(Link& link, bool ready) noexcept;

  void on_stream_opened(const Link& link) noexcept { ++replicas_[link.replica].outstanding; }

  void on_stream_closed(const Link& link) noexcept { --replicas_[link.replica].outstanding; }

  // Every link made so far stops taking requests (new certificates); later requests dial anew.
  void retire_all() noexcept;

  bool any_usable() const noexcept;  // at least one replica is not ejected

  std::size_t waiting() const noexcept { return waiting_; }

 private:
  struct ReplicaState {
    UpstreamPool& pool;
    std::size_t index;
    std::vector<Link*> links;  // ready and not retired
    std::size_t rotor = 0;
    std::size_t dialing = 0;
    std::size_t dialing_h1 = 0;
    std::size_t waiting = 0;
    std::size_t waiting_h1 = 0;
    std::size_t outstanding = 0;
    bool speaks_h2 = true;  // until a connection says otherwise
    Demand* first = nullptr;
    Demand* last = nullptr;
    bool ejected = false;
    Duration ejection{};
    Instant retry_at;
    Timer timer;
    ReplicaState(UpstreamPool& owner, std::size_t at);
  };

  std::size_t choose(const Demand& demand) noexcept;
  Link* free_link(ReplicaState& replica, bool needs_h1) noexcept;
  bool dial_for(ReplicaState& replica, bool needs_h1, bool probing) noexcept;
  void enqueue(ReplicaState& replica, Demand& demand) noexcept;
  void unlink(Demand& demand) noexcept;
  void serve_waiting(ReplicaState& replica) noexcept;
  void fail_over(ReplicaState& replica) noexcept;
  void eject(ReplicaState& replica) noexcept;
  void restore(ReplicaState& replica) noexcept;
  void on_retry_timer(ReplicaState& replica) noexcept;

  ReplicaState& of(const Link& link) noexcept { return replicas_[link.replica]; }

  Core& core_;
  TimerWheel& timers_;
  Dialer& dialer_;
  std::vector<ReplicaMetrics>& metrics_;
  std::deque<ReplicaState> replicas_;
  std::size_t waiting_ = 0;
  std::size_t rotor_ = 0;
};

}  // namespace gh::proxy
