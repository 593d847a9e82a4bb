// SPDX-License-Identifier: Apache-2.0
#include "dataplane/proxy/upstream_pool.h"

#include "base/assert.h"

#include <algorithm>

namespace gh::proxy {

std::string_view text_of(Unavailable why) {
  switch (why) {
    case Unavailable::no_replica:
      return "no API server answers";
    case Unavailable::too_many_waiting:
      return "too many requests are waiting for an API server";
    case Unavailable::timed_out:
      return "no connection to an API server was free in time";
  }
  return "";
}

UpstreamPool::ReplicaState::ReplicaState(UpstreamPool& owner, std::size_t at)
    : pool(owner), index(at), timer(this, [](void* self) noexcept {
        auto& replica = *static_cast<ReplicaState*>(self);
        replica.pool.on_retry_timer(replica);
      }) {}

UpstreamPool::UpstreamPool(
    Core& core, TimerWheel& timers, Dialer& dialer, std::vector<ReplicaMetrics>& metrics
)
    : core_(core), timers_(timers), dialer_(dialer), metrics_(metrics) {
  for (std::size_t i = 0; i < metrics.size(); ++i) replicas_.emplace_back(*this, i);
}

// ---- choosing ----

// The replica with the least outstanding requests among those in use; ties go round. One that
// failed this very request, or is ejected, only when there is no better.
std::size_t UpstreamPool::choose(const Demand& demand) noexcept {
  const std::size_t n = replicas_.size();
  std::size_t best = Demand::no_replica;
  const auto rank = [&](std::size_t i) {
    return (replicas_[i].ejected ? 2 : 0) + (i == demand.avoid ? 1 : 0);
  };
  ++rotor_;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = (rotor_ + k) % n;
    if (best == Demand::no_replica) {
      best = i;
      continue;
    }
    const ReplicaState& a = replicas_[i];
    const ReplicaState& b = replicas_[best];
    if (rank(i) != rank(best)) {
      if (rank(i) < rank(best)) best = i;
    } else if (a.ejected ? a.retry_at < b.retry_at
                         : a.outstanding + a.waiting < b.outstanding + b.waiting) {
      best = i;
    }
  }
  return best;
}

Link* UpstreamPool::free_link(ReplicaState& replica, bool needs_h1) noexcept {
  const std::size_t n = replica.links.size();
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t at = (replica.rotor + k) % n;
    Link* link = replica.links[at];
    const bool fits = needs_h1 ? link->session->version() != http::Version::http_2 : !link->h1_only;
    if (!fits || link->probing || link->session->free_streams() == 0) continue;
    replica.rotor = link->session->version() == http::Version::http_2 ? at : at + 1;
    return link;
  }
  return nullptr;
}

// Dials when those under way cannot serve all who wait. False: a connection is needed and cannot be
// started.
bool UpstreamPool::dial_for(ReplicaState& replica, bool needs_h1, bool probing) noexcept {
  const bool one_each = needs_h1 || !replica.speaks_h2;
  const std::size_t wanting = needs_h1 ? replica.waiting_h1 : replica.waiting - replica.waiting_h1;
  std::size_t& dialing = needs_h1 ? replica.dialing_h1 : replica.dialing;
  const std::size_t served =
      dialing * (one_each ? 1 : std::size_t{limits::upstream_streams_default});
  if (served >= wanting && !(probing && dialing == 0)) return true;
  if (replica.links.size() + replica.dialing + replica.dialing_h1 >=
      limits::upstream_connections_max)
    return true;
  Link* link = dialer_.dial(replica.index, needs_h1);
  if (link == nullptr) return dialing > 0;
  link->probing = probing;
  ++dialing;
  return true;
}

void UpstreamPool::request(Demand& demand) noexcept {
  const std::size_t at = choose(demand);
  if (at == Demand::no_replica) return demand.on_unavailable(Unavailable::no_replica);
  ReplicaState& replica = replicas_[at];
  ++demand.attempts;
  if (replica.first == nullptr || demand.needs_h1) {  // nobody is overtaken
    if (Link* link = free_link(replica, demand.needs_h1)) return demand.on_link(*link);
  }
  if (waiting_ >= limits::upstream_waiting_max)
    return demand.on_unavailable(Unavailable::too_many_waiting);
  enqueue(replica, demand);
  if (dial_for(replica, demand.needs_h1, false)) return;
  unlink(demand);
  eject(replica);
  demand.on_unavailable(Unavailable::no_replica);
}

// ---- waiting ----

void UpstreamPool::enqueue(ReplicaState& replica, Demand& demand) noexcept {
  demand.waits_for_ = replica.index;
  demand.prev_ = replica.last;
  demand.next_ = nullptr;
  (replica.last == nullptr ? replica.first : replica.last->next_) = &demand;
  replica.last = &demand;
  ++replica.waiting;
  if (demand.needs_h1) ++replica.waiting_h1;
  ++waiting_;
}

void UpstreamPool::unlink(Demand& demand) noexcept {
  ReplicaState& replica = replicas_[demand.waits_for_];
  (demand.prev_ == nullptr ? replica.first : demand.prev_->next_) = demand.next_;
  (demand.next_ == nullptr ? replica.last : demand.next_->prev_) = demand.prev_;
  demand.next_ = demand.prev_ = nullptr;
  demand.waits_for_ = Demand::no_replica;
  --replica.waiting;
  if (demand.needs_h1) --replica.waiting_h1;
  --waiting_;
}

void UpstreamPool::cancel(Demand& demand) noexcept {
  if (demand.waits_for_ != Demand::no_replica) unlink(demand);
}

void UpstreamPool::serve_waiting(ReplicaState& replica) noexcept {
  bool more_h1 = replica.waiting_h1 > 0;
  bool more_any = replica.waiting > replica.waiting_h1;
  Demand* demand = replica.first;
  while (demand != nullptr && (more_h1 || more_any)) {
    Demand* next = demand->next_;
    bool& more = demand->needs_h1 ? more_h1 : more_any;
    if (more) {
      Link* link = free_link(replica, demand->needs_h1);
      if (link == nullptr) {
        more = false;
      } else {
        unlink(*demand);
        demand->on_link(*link);
      }
    }
    demand = next;
  }
  if (replica.waiting > replica.waiting_h1) (void)dial_for(replica, false, false);
  if (replica.waiting_h1 > 0) (void)dial_for(replica, true, false);
}

// ---- what became of links ----

void UpstreamPool::on_link_ready(Link& link) noexcept {
  ReplicaState& replica = of(link);
  --(link.h1_only ? replica.dialing_h1 : replica.dialing);
  if (!link.h1_only) replica.speaks_h2 = link.session->version() == http::Version::http_2;
  replica.links.push_back(&link);
  metrics_[link.replica].connections_opened.add();
  metrics_[link.replica].connections_open.add();
  if (link.probing) return link.probe();
  // Requests that had no other replica go on at once; others come back after /readyz said yes.
  serve_waiting(replica);
}

void UpstreamPool::on_link_failed(Link& link) noexcept {
  ReplicaState& replica = of(link);
  --(link.h1_only ? replica.dialing_h1 : replica.dialing);
  metrics_[link.replica].connections_failed.add();
  eject(replica);
  fail_over(replica);
}

void UpstreamPool::on_link_capacity(Link& link) noexcept {
  if (of(link).waiting > 0) serve_waiting(of(link));
}

void UpstreamPool::on_link_closed(Link& link) noexcept {
  ReplicaState& replica = of(link);
  const auto at = std::find(replica.links.begin(), replica.links.end(), &link);
  if (at != replica.links.end()) {
    replica.links.erase(at);
    metrics_[link.replica].connections_open.sub();
  }
  if (link.probing) eject(replica);
  if (replica.waiting > 0) serve_waiting(replica);  // dials anew when none is left
}

void UpstreamPool::on_probe(Link& link, bool ready) noexcept {
  link.probing = false;
  if (!ready) return eject(of(link));
  restore(of(link));
  serve_waiting(of(link));
}

void UpstreamPool::retire_all() noexcept {
  for (ReplicaState& replica : replicas_) {
    std::vector<Link*> links;
    links.swap(replica.links);
    for (Link* link : links) {
      metrics_[link->replica].connections_open.sub();
      link->retire();
    }
  }
}

// ---- ejection ----

void UpstreamPool::eject(ReplicaState& replica) noexcept {
  if (!replica.ejected) {
    metrics_[replica.index].ejections.add();
    metrics_[replica.index].ejected.add();
    replica.ejection = limits::ejection_first;
  } else if (core_.now() < replica.retry_at) {
    return;  // several connections failed in one outage: it counts once
  } else {
    replica.ejection = std::min<Duration>(replica.ejection * 2, limits::ejection_max);
  }
  replica.ejected = true;
  replica.retry_at = core_.now() + replica.ejection;
  timers_.arm(replica.timer, replica.retry_at);
}

void UpstreamPool::restore(ReplicaState& replica) noexcept {
  if (!replica.ejected) return;
  replica.ejected = false;
  metrics_[replica.index].ejected.sub();
  timers_.cancel(replica.timer);
}

void UpstreamPool::on_retry_timer(ReplicaState& replica) noexcept {
  if (!replica.ejected) return;
  for (Link* link : replica.links) {
    if (link->h1_only || link->session->free_streams() == 0) continue;
    link->probing = true;
    timers_.arm(replica.timer, core_.now() + limits::ejection_max);
    return link->probe();
  }
  if (!dial_for(replica, false, true)) return eject(replica);
  // asked again should nothing come of it
  timers_.arm(replica.timer, core_.now() + limits::ejection_max);
}

// The replica cannot be reached: whoever waited for it asks for another, as often as
// limits::upstream_attempts_max.
void UpstreamPool::fail_over(ReplicaState& replica) noexcept {
  std::size_t left = replica.waiting;
  while (left-- > 0 && replica.first != nullptr) {
    Demand& demand = *replica.first;
    unlink(demand);
    demand.avoid = replica.index;
    const bool another =
        std::any_of(replicas_.begin(), replicas_.end(), [&](const ReplicaState& other) {
          return &other != &replica && !other.ejected;
        });
    if (another && demand.attempts < limits::upstream_attempts_max) {
      request(demand);
    } else {
      demand.on_unavailable(Unavailable::no_replica);
    }
  }
}

bool UpstreamPool::any_usable() const noexcept {
  return std::any_of(replicas_.begin(), replicas_.end(), [](const ReplicaState& replica) {
    return !replica.ejected;
  });
}

}  // namespace gh::proxy
