// SPDX-License-Identifier: Apache-2.0
#include "tls/crypto_queue.h"

#include "base/assert.h"
#include "base/limits.h"
#include "tls/crypto_helpers.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace gh::tls {

std::string_view name_of(CryptoKind kind) {
  static constexpr std::array<std::string_view, crypto_kinds> names = {
      "sign-p256", "sign-rsa", "sign-other", "verify-p256", "x25519-public", "x25519-derive"
  };
  return names[static_cast<std::size_t>(kind)];
}

CryptoKind kind_of(SignatureScheme scheme, const PrivateKey& key) noexcept {
  const SignatureFamily family = family_of(scheme);
  if (family == SignatureFamily::rsa_pkcs1 || family == SignatureFamily::rsa_pss)
    return CryptoKind::sign_rsa;
  // TLS 1.2 binds the hash to no curve; only keys with a number are batched.
  return scheme == SignatureScheme::ecdsa_sha256 && !key.p256_number().empty()
             ? CryptoKind::sign_p256
             : CryptoKind::sign_other;
}

CryptoOp signature_op(
    SignatureScheme scheme,
    std::shared_ptr<const PrivateKey> key,
    ByteView message,
    MutableBytes signature
) {
  CryptoOp op;
  op.scheme = scheme;
  op.kind = kind_of(scheme, *key);
  op.key = std::move(key);
  op.input = message;
  op.output = signature;
  op.alone = sign_alone;
  return op;
}

void sign_alone(CryptoOp& op) noexcept {
  op.output_size = op.key->sign(op.scheme, op.input, op.output);
  op.good = op.output_size != 0;
}

CryptoQueue::CryptoQueue(
    CryptoCounters& counters, std::unique_ptr<CryptoBatch> batch, std::function<void()> wake
)
    : counters_(counters), batch_(std::move(batch)), wake_(std::move(wake)) {}

CryptoQueue::~CryptoQueue() {
  // What a device still has in hand cannot be freed.
  for (auto& orphan : orphans_) {
    if (!orphan->ready()) static_cast<void>(orphan.release());
  }
}

bool CryptoQueue::submit(CryptoOp& op, CryptoWaiter& waiter) {
  GH_ASSERT(op.state == CryptoOp::State::idle);
  op.good = false;
  op.waiter = &waiter;
  if (op.key && op.key->blocks()) return send_away(op);
  if (queued_ >= limits::crypto_queued_max) {
    counters_.in_place.add();
    return false;
  }
  const auto kind = static_cast<std::size_t>(op.kind);
  List& list = lists_[kind];
  op.next = nullptr;
  op.prev = list.last;
  (list.last == nullptr ? list.first : list.last->next) = &op;
  list.last = &op;
  op.state = CryptoOp::State::queued;
  ++queued_;
  counters_.submitted[kind].add();
  return true;
}

bool CryptoQueue::send_away(CryptoOp& op) {
  if (!helpers_) helpers_ = std::make_unique<CryptoHelpers>(wake_);
  if (!helpers_->submit(op)) {
    counters_.refused.add();
    op.state = CryptoOp::State::done;
    return false;
  }
  op.state = CryptoOp::State::away;
  counters_.submitted[static_cast<std::size_t>(op.kind)].add();
  return true;
}

void CryptoQueue::unlink(List& list, CryptoOp& op) noexcept {
  (op.prev == nullptr ? list.first : op.prev->next) = op.next;
  (op.next == nullptr ? list.last : op.next->prev) = op.prev;
  op.next = op.prev = nullptr;
}

void CryptoQueue::cancel(CryptoOp& op) noexcept {
  if (op.state == CryptoOp::State::queued) {
    unlink(lists_[static_cast<std::size_t>(op.kind)], op);
    --queued_;
  } else if (op.state == CryptoOp::State::away) {
    helpers_->cancel(op);
  } else {
    return;
  }
  op.state = CryptoOp::State::done;
  op.good = false;
  counters_.abandoned.add();
}

void CryptoQueue::complete(CryptoOp& op) noexcept {
  op.state = CryptoOp::State::done;
  if (!op.good) counters_.failed.add();
  op.waiter->on_crypto_done();
}

bool CryptoQueue::run_kind(List& list) noexcept {
  bool any = false;
  while (list.first != nullptr) {
    std::array<CryptoOp*, crypto_batch_max> ops;
    std::size_t n = 0;
    while (n < ops.size() && list.first != nullptr) {
      ops[n++] = list.first;
      unlink(list, *list.first);
    }
    queued_ -= n;
    const std::span<CryptoOp* const> batch(ops.data(), n);
    batch_->run(batch);
    counters_.batches[n - 1].add();
    for (CryptoOp* op : batch) complete(*op);
    any = true;
  }
  return any;
}

bool CryptoQueue::take_answers() noexcept {
  if (!helpers_) return false;
  bool any = false;
  for (auto& job : helpers_->take_done()) {
    if (job->op == nullptr) continue;
    CryptoOp& op = *job->op;
    op.job = nullptr;
    op.good = job->signature_size != 0 && job->signature_size <= op.output.size();
    if (op.good) {
      std::copy_n(job->signature.begin(), job->signature_size, op.output.begin());
      op.output_size = job->signature_size;
    }
    complete(op);
    any = true;
  }
  return any;
}

bool CryptoQueue::crowded() const noexcept {
  return devices_.size() + orphans_.size() >= limits::crypto_away_max;
}

void CryptoQueue::forget(DeviceWait& wait) noexcept { std::erase(devices_, &wait); }

void CryptoQueue::adopt(std::unique_ptr<DeviceWait> orphan) {
  counters_.abandoned.add();
  orphans_.push_back(std::move(orphan));
}

bool CryptoQueue::ask_devices() noexcept {
  if (!polls()) return false;
  std::vector<DeviceWait*> ready;
  std::erase_if(devices_, [&](DeviceWait* wait) {
    if (!wait->ready()) return false;
    ready.push_back(wait);
    return true;
  });
  for (DeviceWait* wait : ready) wait->waiter->on_crypto_done();
  std::erase_if(orphans_, [](const auto& orphan) { return orphan->ready(); });
  return !ready.empty();
}

bool CryptoQueue::run() noexcept {
  bool any = take_answers();
  if (ask_devices()) any = true;
  for (List& list : lists_) {
    if (run_kind(list)) any = true;
  }
  return any;
}

}  // namespace gh::tls
