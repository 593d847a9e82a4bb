// SPDX-License-Identifier: Apache-2.0
// Queues, waiters and keys that tests of asynchronous crypto hold in their hands.
#pragma once

#include "tls/crypto_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace gh::tls {

struct CountingWaiter : CryptoWaiter {
  void on_crypto_done() noexcept override { ++told; }

  int told = 0;
};

// A queue with what it tells. Batches are done one operation at a time.
struct TestQueue {
  // The end of a turn, as often as something was done.
  void run() {
    while (queue.run()) {
    }
  }

  // Until helpers have answered. No bound of time: a test that hangs here has failed.
  void run_until_woken() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return woken; });
    woken = false;
    lock.unlock();
    run();
  }

  CryptoCounters counters;
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  CryptoQueue queue{counters, make_single_batch(), [this] {
                      const std::lock_guard lock(mutex);
                      woken = true;
                      changed.notify_all();
                    }};
};

// A key that a test lets sign, or not: as one in another process.
class GatedKey final : public PrivateKey {
 public:
  explicit GatedKey(std::shared_ptr<const PrivateKey> real) : real_(std::move(real)) {}

  std::size_t sign(SignatureScheme scheme, ByteView message, MutableBytes signature)
      const noexcept override {
    std::unique_lock lock(mutex_);
    ++entered_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (fails_) return 0;
    return real_->sign(scheme, message, signature);
  }

  ByteView public_key_info() const noexcept override { return real_->public_key_info(); }

  bool blocks() const noexcept override { return true; }

  void open() const {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  void fail_from_now_on() const {
    const std::lock_guard lock(mutex_);
    fails_ = true;
  }

  void wait_until_entered(int times) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= times; });
  }

 private:
  std::shared_ptr<const PrivateKey> real_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable bool open_ = false;
  mutable bool fails_ = false;
  mutable int entered_ = 0;
};

}  // namespace gh::tls
