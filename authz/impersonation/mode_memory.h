// SPDX-License-Identifier: Apache-2.0
// Which mode let a requestor through last: the API server tries that one first, so the cost of the
// old `impersonate` stays what it was. It changes whose refusal is shown and, for nodes, which
// groups the legacy mode gives; never whether a request is allowed.
// Owner: a worker. A fixed table by hash of the user name; a requestor that is pushed out is only
// forgotten.
#pragma once

#include "authz/impersonation/mode.h"
#include "base/limits.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace gh::authz::impersonation {

class ModeMemory {
 public:
  ModeMemory() : slots_(limits::impersonation_requestors_remembered) {}

  // The modes in the order to try them.
  ModeOrder order(std::string_view requestor) const noexcept {
    ModeOrder order = modes;
    const std::size_t hash = hash_of(requestor);
    const Slot& slot = slots_[hash % slots_.size()];
    if (!slot.used || slot.hash != hash) return order;
    auto* const at = std::find(order.begin(), order.end(), slot.mode);
    std::rotate(order.begin(), at, at + 1);
    return order;
  }

  void keep(std::string_view requestor, Mode mode) noexcept {
    const std::size_t hash = hash_of(requestor);
    slots_[hash % slots_.size()] = {hash, mode, true};
  }

 private:
  struct Slot {
    std::size_t hash = 0;
    Mode mode = Mode::associated_node;
    bool used = false;
  };

  static std::size_t hash_of(std::string_view text) noexcept {
    return std::hash<std::string_view>()(text);
  }

  std::vector<Slot> slots_;
};

}  // namespace gh::authz::impersonation
