// SPDX-License-Identifier: Apache-2.0
#include "tls/crypto_batch.h"

namespace gh::tls {
namespace {

class SingleBatch final : public CryptoBatch {
 public:
  void run(std::span<CryptoOp* const> ops) noexcept override {
    for (CryptoOp* op : ops) op->alone(*op);
  }
};

}  // namespace

std::unique_ptr<CryptoBatch> make_single_batch() { return std::make_unique<SingleBatch>(); }

std::unique_ptr<CryptoBatch> make_crypto_batch() {
  auto batch = make_multibuffer_batch();
  return batch ? std::move(batch) : make_single_batch();
}

}  // namespace gh::tls
