// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/open_requests.h"

#include <algorithm>
#include <utility>

namespace gh::worker {

OpenRequests::OpenRequests(CoreState& state, Judge& judge)
    : state_(state),
      judge_(judge),
      timer_(this, [](void* self) noexcept { static_cast<OpenRequests*>(self)->on_timer(); }) {}

// Versions are not read here: control may have published between the verdict and now. Whoever is
// first is judged again in any case.
void OpenRequests::add(proxy::Exchange& exchange, OpenRequest open) {
  if (open_.empty()) seen_ = {};
  first_end_ = std::min(first_end_, open.until);
  open_.emplace(&exchange, std::move(open));
  if (!timer_.armed()) state_.timers.arm(timer_, state_.core.now() + period);
}

OpenRequests::Versions OpenRequests::versions() const noexcept {
  const Shared& shared = state_.shared;
  return {
      shared.policy.version(),
      shared.tls.version(),
      shared.tokens.version(),
      shared.nodes.version(),
  };
}

void OpenRequests::on_timer() noexcept {
  if (open_.empty()) return pass_.clear();
  const Versions now = versions();
  // A certificate has ended when its last second begins, a token when it is over.
  if (pass_.empty() && (now != seen_ || state_.core.wall() >= first_end_)) {
    seen_ = now;
    begin_pass();
  }
  go_on_with_pass();
  const Duration in = pass_.empty() ? period : TimerWheel::slot;
  state_.timers.arm(timer_, state_.core.now() + in);
}

void OpenRequests::begin_pass() {
  first_end_ = identity::forever;
  pass_.reserve(open_.size());
  for (const auto& [exchange, open] : open_) pass_.push_back(exchange);
}

void OpenRequests::go_on_with_pass() noexcept {
  const Instant stop = monotonic_now() + turn_budget;
  for (std::size_t i = 1; !pass_.empty(); ++i) {
    if (i % 16 == 0 && monotonic_now() >= stop) return;
    proxy::Exchange& exchange = *pass_.back();
    pass_.pop_back();
    const auto at = open_.find(&exchange);
    if (at == open_.end()) continue;  // over meanwhile
    if (judge_.still_may(exchange, at->second)) {
      first_end_ = std::min(first_end_, at->second.until);
      continue;
    }
    OpenRequest lost = std::move(at->second);
    open_.erase(at);
    judge_.on_right_lost(exchange, lost);
  }
}

}  // namespace gh::worker
