// SPDX-License-Identifier: Apache-2.0
// Door 2 between cores: snapshots under RCU (liburcu, QSBR flavour). Control publishes, workers
// read. A snapshot a worker has read stays valid until that worker's next quiet() or sleep(). What
// must outlive a turn (an identity's permissions) is tied to a generation number and looked up
// again, never kept as a pointer.
#pragma once

#include "base/core.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace gh {

// A worker thread's membership. Made on the worker's thread at its start and destroyed there at its
// end.
class RcuReader {
 public:
  RcuReader();
  ~RcuReader();
  RcuReader(const RcuReader&) = delete;
  RcuReader& operator=(const RcuReader&) = delete;

  void quiet() noexcept;  // end of a turn: no snapshot is held
  void sleep() noexcept;  // before waiting: publishers need not wait for this thread
  void awake() noexcept;  // after waiting, before the next read
};

// Waits until every awake reader has passed quiet(). Control thread only; blocks.
void rcu_synchronize() noexcept;

template <class T>
class Rcu {
 public:
  Rcu() = default;

  explicit Rcu(std::unique_ptr<const T> first) : current_(first.release()) {}

  ~Rcu() { delete current_.load(std::memory_order_relaxed); }

  Rcu(const Rcu&) = delete;
  Rcu& operator=(const Rcu&) = delete;

  // The newest snapshot, or null before the first publish. Valid for this turn of the reader's
  // loop.
  const T* read() const noexcept { return current_.load(std::memory_order_acquire); }

  // How often something was published: what tells one snapshot from the next. The address does not:
  // a snapshot may lie where one lay that a sleeping reader saw last. Never newer than what read()
  // gives after it.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  // Control: swaps the pointer, waits for the readers of the old one, frees it.
  void publish(std::unique_ptr<const T> next) {
    const T* old = current_.exchange(next.release(), std::memory_order_acq_rel);
    version_.fetch_add(1, std::memory_order_release);
    rcu_synchronize();
    delete old;
  }

 private:
  std::atomic<const T*> current_{nullptr};
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace gh
