// SPDX-License-Identifier: Apache-2.0
// Finds the connection of a segment in constant time, by a keyed hash nobody can steer, and holds
// the memory of all. Growing moves a few entries with each insertion: no turn stalls.
// Owner: the stack. Bound: limits::tcp_connections_max; then make() gives null.
#pragma once

#include "base/siphash.h"
#include "dataplane/tcp/connection.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace gh::tcp {

class ConnectionPool {
 public:
  explicit ConnectionPool(std::size_t most) : most_(most) {}

  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  Connection* make() noexcept;
  void destroy(Connection* connection) noexcept;

  Connection* at(std::uint32_t id) const noexcept {
    return &slabs_[id / slab_size][id % slab_size];
  }

  std::size_t in_use() const noexcept { return in_use_; }

  template <class Visit>
  void each(Visit visit) {
    for (std::uint32_t id = 0; id < made_; ++id) {
      if (at(id)->state() != State::closed) visit(*at(id));
    }
  }

 private:
  static constexpr std::size_t slab_size = 64;
  bool grow() noexcept;

  std::size_t most_;
  std::size_t in_use_ = 0;
  std::uint32_t made_ = 0;
  std::vector<Connection*> slabs_;
  std::vector<std::uint32_t> free_;
};

class ConnectionTable {
 public:
  ConnectionTable(const SipKey& key, ConnectionPool& pool);

  Connection* find(const Endpoint& local, const Endpoint& remote) const noexcept {
    return find(hash_of(local, remote), local, remote);
  }

  Connection* find(std::uint32_t hash, const Endpoint& local, const Endpoint& remote)
      const noexcept;  // by what hash_of() gave

  // For what is looked for soon: the slot, then the connection that is probably meant (or null).
  void prefetch(std::uint32_t hash) const noexcept {
    __builtin_prefetch(&current_.slots[hash & current_.mask]);
  }

  const Connection* guess(std::uint32_t hash) const noexcept {
    for (std::size_t at = hash; at < std::size_t{hash} + 4; ++at) {
      const Slot& slot = current_.slots[at & current_.mask];
      if (slot.id_plus_1 == 0) return nullptr;
      if (slot.hash == hash) return pool_.at(slot.id_plus_1 - 1);
    }
    return nullptr;
  }

  void insert(Connection& connection) noexcept;
  void erase(Connection& connection) noexcept;

  std::size_t size() const noexcept { return current_.used + old_.used; }

  std::uint32_t hash_of(const Endpoint& local, const Endpoint& remote) const noexcept;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t id_plus_1 = 0;  // 0: empty
  };

  struct Free {
    void operator()(Slot* slots) const noexcept { std::free(slots); }
  };

  // Linear probing; an erased slot is filled by those behind it.
  struct Part {
    std::unique_ptr<Slot[], Free> slots;
    std::size_t mask = 0;
    std::size_t used = 0;
  };

  static Part make_part(std::size_t slots) noexcept;
  static void place(Part& part, Slot entry) noexcept;
  static void erase_at(Part& part, std::size_t at) noexcept;
  Connection* find_in(
      const Part& part, std::uint32_t hash, const Endpoint& local, const Endpoint& remote
  ) const noexcept;
  static bool erase_in(Part& part, std::uint32_t hash, std::uint32_t id_plus_1) noexcept;
  void move_some() noexcept;

  SipKey key_;
  ConnectionPool& pool_;
  Part current_;
  Part old_;  // being emptied
  std::size_t moved_ = 0;
};

}  // namespace gh::tcp
