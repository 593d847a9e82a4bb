// SPDX-License-Identifier: Apache-2.0
#include "tls/crypto_helpers.h"

#include "base/limits.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

namespace gh::tls {

struct CryptoHelpers::Shared {
  explicit Shared(std::function<void()> w) : wake(std::move(w)) {}

  std::function<void()> wake;  // only while not `ended`
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<CryptoJob>> waiting;
  std::vector<std::unique_ptr<CryptoJob>> done;
  std::atomic<bool> any_done = false;
  std::size_t working = 0;
  bool ended = false;

  std::size_t jobs() const { return waiting.size() + working + done.size(); }

  void work();
};

namespace {

// A helper that stayed where its core is pinned would wait for it.
void leave_the_core() {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &all);
  sched_setaffinity(0, sizeof all, &all);
}

}  // namespace

void CryptoHelpers::Shared::work() {
  leave_the_core();
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return ended || !waiting.empty(); });
    if (ended) return;
    auto job = std::move(waiting.front());
    waiting.pop_front();
    ++working;
    lock.unlock();
    job->signature_size = job->key->sign(job->scheme, job->message, job->signature);
    lock.lock();
    --working;
    if (ended) return changed.notify_all();
    done.push_back(std::move(job));
    any_done.store(true, std::memory_order_release);
    wake();
  }
}

CryptoHelpers::CryptoHelpers(std::function<void()> wake)
    : shared_(std::make_shared<Shared>(std::move(wake))) {}

CryptoHelpers::~CryptoHelpers() {
  bool all_home = false;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->ended = true;
    shared_->waiting.clear();
    shared_->changed.notify_all();
    all_home = shared_->changed.wait_for(lock, limits::crypto_helpers_farewell, [this] {
      return shared_->working == 0;
    });
  }
  for (std::thread& thread : threads_) all_home ? thread.join() : thread.detach();
}

bool CryptoHelpers::submit(CryptoOp& op) {
  auto job = std::make_unique<CryptoJob>();
  job->key = op.key;
  job->scheme = op.scheme;
  job->message.assign(op.input.begin(), op.input.end());
  job->op = &op;
  const std::lock_guard lock(shared_->mutex);
  if (shared_->jobs() >= limits::crypto_away_max) return false;
  const std::size_t wanted = shared_->waiting.size() + shared_->working + 1;
  if (threads_.size() < std::min(wanted, limits::crypto_helper_threads_max)) {
    try {
      threads_.emplace_back([shared = shared_] { shared->work(); });
    } catch (const std::system_error&) {  // no thread to be had
      if (threads_.empty()) return false;
    }
  }
  op.job = job.get();
  shared_->waiting.push_back(std::move(job));
  shared_->changed.notify_one();
  return true;
}

void CryptoHelpers::cancel(CryptoOp& op) noexcept {
  const std::lock_guard lock(shared_->mutex);
  op.job->op = nullptr;
  std::erase_if(shared_->waiting, [&](const auto& job) { return job.get() == op.job; });
  op.job = nullptr;
}

std::vector<std::unique_ptr<CryptoJob>> CryptoHelpers::take_done() noexcept {
  if (!shared_->any_done.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(shared_->mutex);
  shared_->any_done.store(false, std::memory_order_relaxed);
  return std::exchange(shared_->done, {});
}

}  // namespace gh::tls
