// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/async_openssl.h"

#include "tls/openssl/async_handshake.h"

#include <openssl/async.h>
#include <openssl/err.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <utility>

namespace gh::tls {
namespace {

class JobHandshake final : public AsyncHandshake, public DeviceWait {
 public:
  JobHandshake(const AsyncCrypto& crypto, ASYNC_WAIT_CTX* context);

  ~JobHandshake() override { ASYNC_WAIT_CTX_free(context_); }

  static JobHandshake* current();  // of the job that runs; null: none of ours

  bool run(SSL* ssl, int& result) override;
  bool may_go_on() noexcept override;
  bool perform(CryptoOp& op) noexcept;
  void give_up(std::unique_ptr<JobHandshake> self, SslHandle ssl, std::shared_ptr<const void> keep);
  bool ready() noexcept override;

 private:
  struct Work {
    JobHandshake* self;
    SSL* ssl;
  };

  static int work(void* argument);
  static int on_device_ready(void* argument);

  bool device_has_it() const noexcept { return job_ != nullptr && op_ == nullptr; }

  CryptoQueue& queue_;
  CryptoWaiter& asker_;
  ASYNC_WAIT_CTX* context_;
  ASYNC_JOB* job_ = nullptr;  // not null: it waits
  CryptoOp* op_ = nullptr;    // for this; null: for a device
  int result_ = -1;
  bool given_up_ = false;
  std::atomic<bool> device_ready_ = false;  // set by any thread
  SslHandle ssl_;                           // once given up
  std::shared_ptr<const void> keep_;
};

JobHandshake::JobHandshake(const AsyncCrypto& crypto, ASYNC_WAIT_CTX* context)
    : queue_(*crypto.queue), asker_(*crypto.waiter), context_(context) {
  waiter = &asker_;
  ASYNC_WAIT_CTX_set_callback(context_, on_device_ready, this);
}

JobHandshake* JobHandshake::current() {
  ASYNC_JOB* job = ASYNC_get_current_job();
  ASYNC_callback_fn callback = nullptr;
  void* argument = nullptr;
  if (job == nullptr ||
      ASYNC_WAIT_CTX_get_callback(ASYNC_get_wait_ctx(job), &callback, &argument) != 1 ||
      callback != on_device_ready)
    return nullptr;
  return static_cast<JobHandshake*>(argument);
}

int JobHandshake::work(void* argument) {
  const Work& work = *static_cast<const Work*>(argument);
  work.self->result_ = SSL_do_handshake(work.ssl);
  return 1;
}

bool JobHandshake::run(SSL* ssl, int& result) {
  if (job_ == nullptr && queue_.crowded()) {
    result = SSL_do_handshake(ssl);
    return true;
  }
  Work what{this, ssl};
  int returned = 0;
  if (device_has_it()) queue_.forget(*this);
  device_ready_.store(false, std::memory_order_relaxed);
  switch (ASYNC_start_job(&job_, context_, &returned, work, &what, sizeof what)) {
    case ASYNC_PAUSE:
      if (device_has_it() && !given_up_) queue_.watch(*this);
      return false;
    case ASYNC_FINISH:
      job_ = nullptr;
      result = result_;
      return true;
    default:  // no memory for a job: without one nothing pauses
      job_ = nullptr;
      ERR_clear_error();
      result = SSL_do_handshake(ssl);
      return true;
  }
}

bool JobHandshake::may_go_on() noexcept {
  return op_ != nullptr ? op_->state == CryptoOp::State::done : ready();
}

// On the job's own stack, as everything the operation points to.
bool JobHandshake::perform(CryptoOp& op) noexcept {
  if (given_up_) return false;
  if (!queue_.submit(op, asker_)) {
    if (op.state == CryptoOp::State::done) return false;
    op.alone(op);
    return op.good;
  }
  op_ = &op;
  const bool paused = ASYNC_pause_job() == 1;
  op_ = nullptr;
  if (op.state == CryptoOp::State::done) return op.good && !given_up_;
  queue_.cancel(op);  // the library lets nothing pause here
  if (paused) op.alone(op);
  return op.good;
}

// ---- devices: engines of the user's, which pause the job themselves ----

int JobHandshake::on_device_ready(void* argument) {
  auto& self = *static_cast<JobHandshake*>(argument);
  self.device_ready_.store(true, std::memory_order_release);
  self.queue_.wake();
  return 1;
}

bool JobHandshake::ready() noexcept {
  bool can_go_on = device_ready_.load(std::memory_order_acquire);
  if (!can_go_on) {
    std::array<OSSL_ASYNC_FD, 4> files{};
    std::size_t n = 0;
    if (ASYNC_WAIT_CTX_get_all_fds(context_, nullptr, &n) != 1 || n == 0 || n > files.size())
      return false;
    ASYNC_WAIT_CTX_get_all_fds(context_, files.data(), &n);
    std::array<pollfd, files.size()> asked{};
    for (std::size_t i = 0; i < n; ++i) asked[i] = {files[i], POLLIN, 0};
    can_go_on = ::poll(asked.data(), n, 0) > 0;
  }
  if (!can_go_on || !given_up_) return can_go_on;
  int result = 0;  // an orphan
  return run(ssl_.get(), result);
}

// ---- given up ----

// SSL_free would leak a job that is paused: it has to come to its end first.
void JobHandshake::give_up(
    std::unique_ptr<JobHandshake> self, SslHandle ssl, std::shared_ptr<const void> keep
) {
  given_up_ = true;
  if (device_has_it()) {
    queue_.forget(*this);
    waiter = nullptr;
    ssl_ = std::move(ssl);
    keep_ = std::move(keep);
    return queue_.adopt(std::move(self));
  }
  queue_.cancel(*op_);
  int result = 0;
  while (!run(ssl.get(), result)) {
  }
  ERR_clear_error();
}

}  // namespace

std::unique_ptr<AsyncHandshake> AsyncHandshake::make(const AsyncCrypto& crypto) {
  ASYNC_WAIT_CTX* context = ASYNC_WAIT_CTX_new();
  if (context == nullptr) return nullptr;
  return std::make_unique<JobHandshake>(crypto, context);
}

void AsyncHandshake::abandon(
    std::unique_ptr<AsyncHandshake> handshake, SslHandle ssl, std::shared_ptr<const void> keep
) {
  std::unique_ptr<JobHandshake> job(static_cast<JobHandshake*>(handshake.release()));
  JobHandshake& self = *job;
  self.give_up(std::move(job), std::move(ssl), std::move(keep));
}

bool perform(CryptoOp& op) noexcept {
  if (JobHandshake* handshake = JobHandshake::current()) return handshake->perform(op);
  op.alone(op);
  return op.good;
}

}  // namespace gh::tls
