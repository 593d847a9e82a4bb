// SPDX-License-Identifier: Apache-2.0
// A mutual handshake in memory; the server's CPU alone is timed (P-256 keys, one client certificate
// directly under its CA, or under an intermediate). Rows by version: full with a chain never seen
// and with a known one, resumed; hybrid: with X25519MLKEM768 where the library has it; and idle,
// the bytes of heap that an established engine keeps. Run: handshake_bench
// --benchmark_repetitions=9
// --benchmark_enable_random_interleaving=true
#include "base/buffer_pool.h"
#include "base/byte_queue.h"
#include "bench/micro/cpu_time.h"
#include "tests/support/key_pair.h"
#include "tls/context.h"
#include "tls/engine.h"
#include "tls/identity_cache.h"

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gh::tls {
namespace {

using test::pair_of;

struct Bed {
  Bed(ProtocolVersion version, bool resume, bool intermediate, std::string groups = "X25519:P-256"
  ) {
    const test::Authority issuer = intermediate ? ca.intermediate("between") : ca;
    ServerSettings ours;
    ours.certificates = {pair_of(ca.server("api.test"))};
    ours.client_trust = *TrustStore::from_pem(ca.pem());
    ours.ticket_keys = *TicketKeys::generate();
    ClientSettings theirs;
    theirs.trust = ours.client_trust;
    theirs.certificate = pair_of(issuer.client("system:node:n1", {"system:nodes"}));
    theirs.server_name = "api.test";
    theirs.resume = resume;
    for (auto* protocol : {&ours.protocol, &theirs.protocol}) {
      protocol->version_min = protocol->version_max = version;
      protocol->groups = groups;
    }
    server = std::move(*ServerContext::make(ours, now));
    client = std::move(*ClientContext::make(theirs, now));
  }

  // The server's seconds for one handshake, its engine made and dropped (or kept) included;
  // negative: it failed.
  double shake(bool& resumed, bool remembers, std::unique_ptr<Engine>* keep = nullptr) {
    ByteQueue to_server(pool);
    auto peer = Engine::make_client(*client, to_server);
    double start = cpu_seconds();
    auto engine = Engine::make_server(*server, to_client, remembers ? &known : nullptr);
    double spent = cpu_seconds() - start;
    bool good = true;
    std::uint8_t buffer[4096];
    while (good && !(to_client.empty() && to_server.empty())) {
      start = cpu_seconds();
      good = feed(*engine, to_server);
      spent += cpu_seconds() - start;
      good = good && feed(*peer, to_client) && peer->read(buffer).has_value();  // takes the ticket
    }
    good = good && engine->established() && engine->client_certificate() != nullptr;
    resumed = engine->resumed();
    start = cpu_seconds();
    if (keep != nullptr) *keep = std::move(engine);
    engine.reset();
    spent += cpu_seconds() - start;
    return good ? spent : -1;
  }

  bool feed(Engine& engine, ByteQueue& from) {
    while (!from.empty()) {
      if (!engine.on_ciphertext(from.front(), now)) return false;
      from.pop(from.front().size());
    }
    return true;
  }

  UnixTime now{test::now_seconds};
  BufferPool pool;
  ByteQueue to_client{pool};
  test::Authority ca{"ca"};
  IdentityCacheCounters counters;
  IdentityCache known{counters};
  std::unique_ptr<ServerContext> server;
  std::unique_ptr<ClientContext> client;
};

enum class Kind { unknown, known, resumed };

void handshake(
    benchmark::State& state,
    ProtocolVersion version,
    Kind kind,
    bool intermediate,
    const char* groups = "X25519:P-256"
) {
  const bool resume = kind == Kind::resumed, remembers = kind != Kind::unknown;
  Bed bed(version, resume, intermediate, groups);
  bool resumed = false;
  bed.shake(resumed, remembers);  // leaves a ticket, or a chain that is known
  for (auto _ : state) {
    const double seconds = bed.shake(resumed, remembers);
    if (seconds < 0 || resumed != resume) {
      state.SkipWithError("not the handshake that was meant");
      break;
    }
    state.SetIterationTime(seconds);
  }
}

void idle(benchmark::State& state, ProtocolVersion version, Kind kind) {
  Bed bed(version, kind == Kind::resumed, false);
  bool resumed = false;
  for (int i = 0; i < 10; ++i) bed.shake(resumed, true);  // what is there once
  std::vector<std::unique_ptr<Engine>> kept(500);
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks;
    for (auto& one : kept) bed.shake(resumed, true, &one);
    state.counters["bytes"] =
        static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(kept.size());
    for (auto& one : kept) one.reset();
  }
}

constexpr auto tls13 = ProtocolVersion::tls_1_3, tls12 = ProtocolVersion::tls_1_2;

// clang-format off
#define GH_ROW(name, ...) \
  BENCHMARK_CAPTURE(handshake, name, __VA_ARGS__)->UseManualTime()->Unit(benchmark::kMicrosecond)
GH_ROW(full_unknown/tls13, tls13, Kind::unknown, false);
GH_ROW(full_known/tls13, tls13, Kind::known, false);
GH_ROW(full_unknown_intermediate/tls13, tls13, Kind::unknown, true);
GH_ROW(full_known_intermediate/tls13, tls13, Kind::known, true);
GH_ROW(resumed/tls13, tls13, Kind::resumed, false);
GH_ROW(full_known_hybrid/tls13, tls13, Kind::known, false, "");
GH_ROW(full_unknown/tls12, tls12, Kind::unknown, false);
GH_ROW(full_known/tls12, tls12, Kind::known, false);
GH_ROW(resumed/tls12, tls12, Kind::resumed, false);
BENCHMARK_CAPTURE(idle, full/tls13, tls13, Kind::known)->Iterations(1);
BENCHMARK_CAPTURE(idle, resumed/tls13, tls13, Kind::resumed)->Iterations(1);
BENCHMARK_CAPTURE(idle, full/tls12, tls12, Kind::known)->Iterations(1);
BENCHMARK_CAPTURE(idle, resumed/tls12, tls12, Kind::resumed)->Iterations(1);
// clang-format on

}  // namespace
}  // namespace gh::tls
