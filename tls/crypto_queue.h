// SPDX-License-Identifier: Apache-2.0
// A core's public-key operations: gathered from the handshakes of a turn, done at its end, up to
// eight of a kind at once. A batch never waits to be filled.
// In: submit() from handshakes; answers of helper threads.   Out: CryptoWaiter::on_crypto_done().
// Owner: one core, at the end of whose turn run() is called until it returns false.
// Bounds: limits::crypto_queued_max, then submit() refuses and the handshake does the operation
// itself at once; limits::crypto_away_max operations with keys that block, then it fails.
#pragma once

#include "base/counters.h"
#include "tls/crypto_batch.h"
#include "tls/crypto_op.h"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace gh::tls {

class CryptoHelpers;

struct CryptoCounters {
  std::array<Counter, crypto_kinds> submitted;
  std::array<Counter, crypto_batch_max> batches;  // [n - 1]: run with n operations
  Counter in_place;                               // the queue was full, so done at once
  Counter refused;                                // too many were with helper threads, so not done
  Counter failed;                                 // not signed, or the signature was not valid
  Counter abandoned;                              // the handshake ended before
};

// A handshake that a device has in hand which pauses it by itself (an ENGINE of the user's). Asked
// each turn; once ready its waiter is told. Without a waiter it is an orphan: its handshake has
// ended, and it is deleted when the device is done with it.
class DeviceWait {
 public:
  virtual ~DeviceWait() = default;
  virtual bool ready() noexcept = 0;
  CryptoWaiter* waiter = nullptr;
};

class CryptoQueue {
 public:
  // `wake`: called by any thread when run() has something to do.
  CryptoQueue(
      CryptoCounters& counters, std::unique_ptr<CryptoBatch> batch, std::function<void()> wake
  );
  ~CryptoQueue();
  CryptoQueue(const CryptoQueue&) = delete;
  CryptoQueue& operator=(const CryptoQueue&) = delete;

  // False: it is not taken; state() is idle, and when the key blocks it has failed (done, not
  // good).
  bool submit(CryptoOp& op, CryptoWaiter& waiter);
  // The handshake does not want it any more: done and not good, and the queue has forgotten it.
  void cancel(CryptoOp& op) noexcept;
  // Does what was submitted. True: waiters were told, so more may come.
  bool run() noexcept;

  void watch(DeviceWait& wait) { devices_.push_back(&wait); }

  void forget(DeviceWait& wait) noexcept;
  void adopt(std::unique_ptr<DeviceWait> orphan);

  // As many handshakes wait for devices as may (limits::crypto_away_max): a further one does not
  // wait.
  bool crowded() const noexcept;

  // A device may have to be asked again soon, for not all announce that they are ready.
  bool polls() const noexcept { return !devices_.empty() || !orphans_.empty(); }

  void wake() const { wake_(); }  // any thread

  std::size_t queued() const noexcept { return queued_; }

  CryptoCounters& counters() noexcept { return counters_; }

 private:
  struct List {
    CryptoOp* first = nullptr;
    CryptoOp* last = nullptr;
  };

  bool send_away(CryptoOp& op);
  bool take_answers() noexcept;
  bool ask_devices() noexcept;
  bool run_kind(List& list) noexcept;
  void complete(CryptoOp& op) noexcept;
  static void unlink(List& list, CryptoOp& op) noexcept;

  CryptoCounters& counters_;
  std::unique_ptr<CryptoBatch> batch_;
  std::function<void()> wake_;
  std::unique_ptr<CryptoHelpers> helpers_;  // made when the first key that blocks is used
  std::array<List, crypto_kinds> lists_;
  std::size_t queued_ = 0;
  std::vector<DeviceWait*> devices_;
  std::vector<std::unique_ptr<DeviceWait>> orphans_;
};

}  // namespace gh::tls
