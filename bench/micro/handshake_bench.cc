// SPDX-License-Identifier: Apache-2.0
// A mutual handshake in memory; the server's CPU alone is timed (P-256 keys, one client certificate
// directly under its CA). Rows: full and resumed, by version.  Run: handshake_bench
// --benchmark_repetitions=5
#include "base/buffer_pool.h"
#include "base/byte_queue.h"
#include "tests/support/test_pki.h"
#include "tls/context.h"
#include "tls/engine.h"

#include <benchmark/benchmark.h>
#include <time.h>

#include <memory>
#include <vector>

namespace gh::tls {
namespace {

double cpu_seconds() {
  timespec ts{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) * 1e-9;
}

KeyPair pair_of(const test::Issued& issued) {
  return {issued.chain_pem(), issued.key_pem(), "chain", "key", {}};
}

struct Bed {
  Bed(ProtocolVersion version, bool resume) {
    ServerSettings ours;
    ours.certificates = {pair_of(ca.server("api.test"))};
    ours.client_trust = *TrustStore::from_pem(ca.pem());
    ours.ticket_keys = *TicketKeys::generate();
    ClientSettings theirs;
    theirs.trust = ours.client_trust;
    theirs.certificate = pair_of(ca.client("system:node:n1", {"system:nodes"}));
    theirs.server_name = "api.test";
    theirs.resume = resume;
    for (auto* protocol : {&ours.protocol, &theirs.protocol})
      protocol->version_min = protocol->version_max = version;
    server = std::move(*ServerContext::make(ours, now));
    client = std::move(*ClientContext::make(theirs, now));
  }

  // The server's seconds for one handshake, its engine made and dropped included; negative: it
  // failed.
  double shake(bool& resumed) {
    ByteQueue to_client(pool), to_server(pool);
    auto peer = Engine::make_client(*client, to_server);
    double start = cpu_seconds();
    auto engine = Engine::make_server(*server, to_client);
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
  test::Authority ca{"ca"};
  std::unique_ptr<ServerContext> server;
  std::unique_ptr<ClientContext> client;
};

void handshake(benchmark::State& state, ProtocolVersion version, bool resume) {
  Bed bed(version, resume);
  bool resumed = false;
  bed.shake(resumed);  // leaves a ticket
  for (auto _ : state) {
    const double seconds = bed.shake(resumed);
    if (seconds < 0 || resumed != resume) {
      state.SkipWithError("not the handshake that was meant");
      break;
    }
    state.SetIterationTime(seconds);
  }
}

BENCHMARK_CAPTURE(handshake, full / tls13, ProtocolVersion::tls_1_3, false)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(handshake, full / tls12, ProtocolVersion::tls_1_2, false)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(handshake, resumed / tls13, ProtocolVersion::tls_1_3, true)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(handshake, resumed / tls12, ProtocolVersion::tls_1_2, true)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gh::tls
