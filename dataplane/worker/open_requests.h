// SPDX-License-Identifier: Apache-2.0
// Requests that run for long (watch, log, exec, proxy, any upgrade) are judged again while they
// run: when policy, trust, token authenticators or the node graph were published anew, and when
// what proved the caller ends. So a right that is taken away is gone within a second. In: add()
// when such a request is forwarded, forget() when it is over, time.   Out: Judge. Owner: the
// pipeline, one core. Cost: a comparison of versions each period while there are any; a pass over
// all of them after a change, turn_budget of one turn at most (new CAs mean that each chain is
// verified again, which takes a thousand times longer than a decision). Not here: requests that end
// by themselves soon; tokens an API server vouched for and has since withdrawn (nothing tells).
#pragma once

#include "base/timer_wheel.h"
#include "dataplane/worker/authentication.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace gh::worker {

struct OpenRequest {
  ClientConnection& client;
  PrincipalRef who;
  PrincipalRef requestor;            // who asked to be `who`; null: nobody did
  identity::Identity impersonation;  // as the requestor named it
  Authentication::Proof proof;
  UnixTime until;  // the proof's end
};

class OpenRequests {
 public:
  class Judge {
   public:
    virtual bool still_may(proxy::Exchange& exchange, OpenRequest& open) noexcept = 0;
    // It is forgotten already but for `open`.
    virtual void on_right_lost(proxy::Exchange& exchange, OpenRequest& open) noexcept = 0;

   protected:
    ~Judge() = default;
  };

  static constexpr Duration period{500'000'000};
  static constexpr Duration turn_budget{10'000'000};

  OpenRequests(CoreState& state, Judge& judge);

  void add(proxy::Exchange& exchange, OpenRequest open);

  void forget(proxy::Exchange& exchange) noexcept { open_.erase(&exchange); }

  std::size_t size() const noexcept { return open_.size(); }

 private:
  using Versions = std::array<std::uint64_t, 4>;

  Versions versions() const noexcept;
  void on_timer() noexcept;
  void begin_pass();
  void go_on_with_pass() noexcept;

  CoreState& state_;
  Judge& judge_;
  Timer timer_;
  std::unordered_map<proxy::Exchange*, OpenRequest> open_;
  std::vector<proxy::Exchange*> pass_;      // still to be judged in this pass; some may be over
  Versions seen_{};                         // of the last pass
  UnixTime first_end_ = identity::forever;  // no proof ends before
};

}  // namespace gh::worker
