// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tcp/connection_table.h"

#include "base/assert.h"

#include <algorithm>
#include <new>

namespace gh::tcp {

// ---- memory ----

ConnectionPool::~ConnectionPool() {
  for (Connection* slab : slabs_) ::operator delete(slab, std::align_val_t(alignof(Connection)));
}

bool ConnectionPool::grow() noexcept {
  if (made_ + slab_size > most_ + slab_size - 1 || made_ >= most_) return false;
  try {
    free_.reserve(made_ + slab_size);
    slabs_.reserve(slabs_.size() + 1);
  } catch (const std::bad_alloc&) {
    return false;
  }
  void* memory = ::operator new(
      slab_size * sizeof(Connection), std::align_val_t(alignof(Connection)), std::nothrow
  );
  if (memory == nullptr) return false;
  auto* slab = static_cast<Connection*>(memory);
  for (std::size_t i = slab_size; i-- > 0;) {
    new (slab + i) Connection;
    free_.push_back(made_ + static_cast<std::uint32_t>(i));
  }
  slabs_.push_back(slab);
  made_ += slab_size;
  return true;
}

Connection* ConnectionPool::make() noexcept {
  if (in_use_ >= most_ || (free_.empty() && !grow())) return nullptr;
  const std::uint32_t id = free_.back();
  free_.pop_back();
  Connection* connection = new (at(id)) Connection;
  connection->id_ = id;
  ++in_use_;
  return connection;
}

void ConnectionPool::destroy(Connection* connection) noexcept {
  connection->state_ = State::closed;
  free_.push_back(connection->id_);  // reserved in grow()
  --in_use_;
}

// ---- table ----

ConnectionTable::ConnectionTable(const SipKey& key, ConnectionPool& pool)
    : key_(key), pool_(pool), current_(make_part(1024)) {
  GH_ASSERT(current_.slots != nullptr);
}

ConnectionTable::Part ConnectionTable::make_part(std::size_t slots) noexcept {
  Part part;
  // calloc takes a large block as zero pages, which cost nothing before they are written to.
  part.slots.reset(static_cast<Slot*>(std::calloc(slots, sizeof(Slot))));
  part.mask = slots - 1;
  return part;
}

std::uint32_t ConnectionTable::hash_of(const Endpoint& local, const Endpoint& remote)
    const noexcept {
  const std::uint64_t ports = static_cast<std::uint64_t>(local.port) << 16 | remote.port;
  if (remote.address.is_v4()) {
    const std::uint64_t mine = local.address.low() >> 32, theirs = remote.address.low() >> 32;
    return static_cast<std::uint32_t>(siphash13(key_, {mine << 32 | theirs, ports}));
  }
  return static_cast<std::uint32_t>(siphash13(
      key_,
      {local.address.high(), local.address.low(), remote.address.high(), remote.address.low(), ports
      }
  ));
}

Connection* ConnectionTable::find_in(
    const Part& part, std::uint32_t hash, const Endpoint& local, const Endpoint& remote
) const noexcept {
  for (std::size_t at = hash & part.mask; part.slots[at].id_plus_1 != 0;
       at = (at + 1) & part.mask) {
    const Slot& slot = part.slots[at];
    if (slot.hash != hash) continue;
    Connection* found = pool_.at(slot.id_plus_1 - 1);
    if (found->remote_ == remote && found->local_ == local) return found;
  }
  return nullptr;
}

Connection* ConnectionTable::find(std::uint32_t hash, const Endpoint& local, const Endpoint& remote)
    const noexcept {
  Connection* found = find_in(current_, hash, local, remote);
  if (found == nullptr && old_.used > 0) found = find_in(old_, hash, local, remote);
  return found;
}

void ConnectionTable::place(Part& part, Slot entry) noexcept {
  std::size_t at = entry.hash & part.mask;
  while (part.slots[at].id_plus_1 != 0) at = (at + 1) & part.mask;
  part.slots[at] = entry;
  ++part.used;
}

void ConnectionTable::erase_at(Part& part, std::size_t at) noexcept {
  --part.used;
  std::size_t hole = at;
  for (std::size_t next = (hole + 1) & part.mask; part.slots[next].id_plus_1 != 0;
       next = (next + 1) & part.mask) {
    const std::size_t home = part.slots[next].hash & part.mask;
    if (((next - home) & part.mask) < ((next - hole) & part.mask)) continue;
    part.slots[hole] = part.slots[next];
    hole = next;
  }
  part.slots[hole] = {};
}

// An insertion moves four slots' worth: the old part is empty long before this one is full.
void ConnectionTable::move_some() noexcept {
  for (int i = 0; i < 8 && old_.used > 0; ++i) {
    while (old_.slots[moved_].id_plus_1 == 0) moved_ = (moved_ + 1) & old_.mask;
    place(current_, old_.slots[moved_]);
    erase_at(old_, moved_);
  }
  if (old_.used == 0) old_.slots.reset();
}

void ConnectionTable::insert(Connection& connection) noexcept {
  connection.hash_ = hash_of(connection.local_, connection.remote_);
  if (current_.used * 2 >= current_.mask + 1 && old_.used == 0) {
    Part larger = make_part((current_.mask + 1) * 2);
    if (larger.slots != nullptr) {
      old_ = std::move(current_);
      current_ = std::move(larger);
      moved_ = 0;
    }
  }
  GH_ASSERT(current_.used < current_.mask);  // the pool's bound comes before
  place(current_, {connection.hash_, connection.id_ + 1});
  if (old_.used > 0) move_some();
}

bool ConnectionTable::erase_in(Part& part, std::uint32_t hash, std::uint32_t id_plus_1) noexcept {
  for (std::size_t at = hash & part.mask; part.slots[at].id_plus_1 != 0;
       at = (at + 1) & part.mask) {
    if (part.slots[at].id_plus_1 != id_plus_1) continue;
    erase_at(part, at);
    return true;
  }
  return false;
}

void ConnectionTable::erase(Connection& connection) noexcept {
  if (erase_in(current_, connection.hash_, connection.id_ + 1)) return;
  GH_ASSERT(old_.used > 0 && erase_in(old_, connection.hash_, connection.id_ + 1));
  if (old_.used == 0) old_.slots.reset();
}

}  // namespace gh::tcp
