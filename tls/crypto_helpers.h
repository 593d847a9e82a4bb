// SPDX-License-Identifier: Apache-2.0
// Threads that wait for keys outside the process (a token, an HSM), so that no core does.
// In: an operation, of which the thread gets copies.   Out: jobs done, taken by the owner's core.
// Owner: one core's queue. The mutex is between it and its threads, and nobody who has no such key
// meets it. A thread that a device never answers is left behind when the queue ends.
// Bounds: limits::crypto_helper_threads_max, started as they are needed; limits::crypto_away_max
// jobs in all, then submit() refuses.
#pragma once

#include "tls/crypto_op.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace gh::tls {

struct CryptoJob {
  std::shared_ptr<const PrivateKey> key;
  SignatureScheme scheme{};
  std::vector<std::uint8_t> message;
  std::array<std::uint8_t, signature_bytes_max> signature;
  std::size_t signature_size = 0;
  CryptoOp* op = nullptr;  // of the owner's core alone; null: not wanted any more
};

class CryptoHelpers {
 public:
  // `wake`: called by a helper when a job is done.
  explicit CryptoHelpers(std::function<void()> wake);
  ~CryptoHelpers();
  CryptoHelpers(const CryptoHelpers&) = delete;
  CryptoHelpers& operator=(const CryptoHelpers&) = delete;

  bool submit(CryptoOp& op);
  void cancel(CryptoOp& op) noexcept;  // one that no thread has begun is not begun
  std::vector<std::unique_ptr<CryptoJob>> take_done() noexcept;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::vector<std::thread> threads_;
};

}  // namespace gh::tls
