// SPDX-License-Identifier: Apache-2.0
// Bytes of any kind to a server and to a client engine, in pieces whose sizes the input chooses.
#include "base/assert.h"
#include "base/buffer_pool.h"
#include "base/byte_queue.h"
#include "tests/support/test_pki.h"
#include "tls/context.h"

#include <algorithm>
#include <cstdint>
#include <memory>

namespace {

struct World {
  World() {
    const gh::test::Authority ca("ca");
    const auto own = ca.server("api.test");
    gh::tls::ServerSettings server;
    server.certificates = {{own.chain_pem(), own.key_pem(), "chain", "key", {}}};
    server.client_trust = *gh::tls::TrustStore::from_pem(ca.pem());
    server.ticket_keys = *gh::tls::TicketKeys::generate();
    server_context = std::move(*gh::tls::ServerContext::make(server, now));
    gh::tls::ClientSettings client;
    client.trust = server.client_trust;
    client.server_name = "api.test";
    client_context = std::move(*gh::tls::ClientContext::make(client, now));
  }

  gh::UnixTime now{gh::test::now_seconds};
  std::unique_ptr<gh::tls::ServerContext> server_context;
  std::unique_ptr<gh::tls::ClientContext> client_context;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size < 2) return 0;
  gh::BufferPool pool;
  gh::ByteQueue out(pool);
  auto engine = (data[0] & 1) != 0 ? gh::tls::Engine::make_client(*world.client_context, out)
                                   : gh::tls::Engine::make_server(*world.server_context, out);
  const std::size_t piece = data[1] == 0 ? size : data[1];
  for (std::size_t at = 2; at < size; at += piece) {
    if (!engine->on_ciphertext({data + at, std::min(piece, size - at)}, world.now)) break;
    std::uint8_t buffer[512];
    if (!engine->read(buffer)) break;
  }
  GH_ASSERT(!engine->established());  // nobody gets in without a key
  return 0;
}
