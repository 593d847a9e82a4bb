// SPDX-License-Identifier: Apache-2.0
// Whether gathering pays. op: one operation in batches of 1 to 8, by crypto_mb where it is built in
// and the processor has AVX-512 IFMA, else one by one. shake: TLS 1.3 handshakes in memory, 32 at
// hand, the client's chain known; the server's CPU alone, of all 32: plain, and gathered.
// Run: crypto_batch_bench --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include "base/buffer_pool.h"
#include "base/byte_queue.h"
#include "bench/micro/cpu_time.h"
#include "tests/support/key_pair.h"
#include "tls/context.h"
#include "tls/crypto_queue.h"
#include "tls/engine.h"
#include "tls/identity_cache.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace gh::tls {
namespace {

using test::pair_of;

struct Waiter final : CryptoWaiter {
  void on_crypto_done() noexcept override {}
};

// ---- handshakes ----

class Bed {
 public:
  static constexpr std::size_t at_hand = 32;

  explicit Bed(bool batched) : batched_(batched) {
    ServerSettings ours;
    ours.certificates = {pair_of(ca_.server("api.test"))};
    ours.client_trust = *TrustStore::from_pem(ca_.pem());
    ours.batch_crypto = batched;
    ours.protocol.groups = "X25519";
    ClientSettings theirs;
    theirs.trust = ours.client_trust;
    theirs.certificate = pair_of(ca_.client("system:node:n1", {"system:nodes"}));
    theirs.server_name = "api.test";
    theirs.protocol.groups = "X25519";
    server_ = std::move(*ServerContext::make(ours, now_));
    client_ = std::move(*ClientContext::make(theirs, now_));
  }

  // The server's seconds for all of them; negative: one failed.
  double shake() {
    std::vector<Pair> pairs;
    double spent = 0;
    for (std::size_t i = 0; i < at_hand; ++i) {
      Pair& pair = pairs.emplace_back(pool_);
      pair.client = Engine::make_client(*client_, *pair.to_server);
      const double start = cpu_seconds();
      const AsyncCrypto crypto{batched_ ? &queue_ : nullptr, &waiter_};
      pair.server = Engine::make_server(*server_, *pair.to_client, &known_, crypto);
      spent += cpu_seconds() - start;
    }
    for (int round = 0; round < 3; ++round) {
      const double start = cpu_seconds();
      for (Pair& pair : pairs) {
        if (!feed(*pair.server, *pair.to_server)) return -1;
      }
      while (queue_.run()) {
        for (Pair& pair : pairs) {
          if (!pair.server->resume(now_)) return -1;
        }
      }
      spent += cpu_seconds() - start;
      for (Pair& pair : pairs) {
        if (!feed(*pair.client, *pair.to_client)) return -1;
      }
    }
    for (Pair& pair : pairs) {
      if (!pair.server->established()) return -1;
      const double start = cpu_seconds();
      pair.server.reset();
      spent += cpu_seconds() - start;
    }
    return spent;
  }

 private:
  struct Pair {
    explicit Pair(BufferPool& pool)
        : to_client(std::make_unique<ByteQueue>(pool)),
          to_server(std::make_unique<ByteQueue>(pool)) {}

    std::unique_ptr<ByteQueue> to_client, to_server;
    std::unique_ptr<Engine> server, client;
  };

  bool feed(Engine& engine, ByteQueue& from) {
    while (!from.empty()) {
      if (!engine.on_ciphertext(from.front(), now_)) return false;
      from.pop(from.front().size());
    }
    return true;
  }

  bool batched_;
  UnixTime now_{test::now_seconds};
  BufferPool pool_;
  test::Authority ca_{"ca"};
  IdentityCacheCounters cache_counters_;
  IdentityCache known_{cache_counters_};
  CryptoCounters counters_;
  CryptoQueue queue_{counters_, make_crypto_batch(), [] {}};
  Waiter waiter_;
  std::unique_ptr<ServerContext> server_;
  std::unique_ptr<ClientContext> client_;
};

void shake(benchmark::State& state, bool batched) {
  Bed bed(batched);
  bed.shake();  // the chain is known from here on
  for (auto _ : state) {
    const double seconds = bed.shake();
    if (seconds < 0) {
      state.SkipWithError("a handshake failed");
      break;
    }
    state.SetIterationTime(seconds);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * Bed::at_hand));
  state.SetLabel(multibuffer_missing().empty() ? "crypto_mb" : "one by one");
}

BENCHMARK_CAPTURE(shake, plain, false)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(shake, gathered, true)->UseManualTime()->Unit(benchmark::kMicrosecond);

// ---- signatures, by batch ----

class NumberKey final : public PrivateKey {  // only for batches
 public:
  std::size_t sign(SignatureScheme, ByteView, MutableBytes) const noexcept override { return 0; }

  ByteView public_key_info() const noexcept override { return {}; }

  ByteView p256_number() const noexcept override { return number_; }

 private:
  std::array<std::uint8_t, 32> number_ = {1, 2, 3};
};

void multibuffer(benchmark::State& state, CryptoKind kind) {
  const auto batch = make_multibuffer_batch();
  if (!batch) return state.SkipWithError(multibuffer_missing().c_str());
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto key = std::make_shared<const NumberKey>();
  const std::vector<std::uint8_t> bytes(32, 9);
  std::vector<std::array<std::uint8_t, 128>> room(n);
  std::vector<CryptoOp> ops(n);
  std::vector<CryptoOp*> all;
  for (std::size_t i = 0; i < n; ++i) {
    ops[i].kind = kind;
    ops[i].key = key;
    ops[i].input = ops[i].number = bytes;
    ops[i].output = room[i];
    ops[i].alone = [](CryptoOp&) noexcept {};  // too few for a batch: reads as nothing
    all.push_back(&ops[i]);
  }
  for (auto _ : state) batch->run(all);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

BENCHMARK_CAPTURE(multibuffer, sign_p256, CryptoKind::sign_p256)->DenseRange(1, 8);
BENCHMARK_CAPTURE(multibuffer, x25519_public, CryptoKind::x25519_public)->DenseRange(1, 8);
BENCHMARK_CAPTURE(multibuffer, x25519_derive, CryptoKind::x25519_derive)->DenseRange(1, 8);

}  // namespace
}  // namespace gh::tls
