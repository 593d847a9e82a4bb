// SPDX-License-Identifier: Apache-2.0
// A client and a server engine that speak in memory, and the certificates they need.
#pragma once

#include "base/buffer_pool.h"
#include "base/byte_queue.h"
#include "tests/support/key_pair.h"
#include "tls/context.h"
#include "tls/engine.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::tls {

inline constexpr UnixTime test_now{test::now_seconds};

using test::pair_of;

inline std::shared_ptr<const TrustStore> trust_of(
    const std::string& pem, const std::string& crl = {}
) {
  auto store = TrustStore::from_pem(pem, crl, "ca.pem", "crl.pem");
  EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().to_string());
  return store ? *store : nullptr;
}

inline std::shared_ptr<const TicketKeys> fresh_keys() { return *TicketKeys::generate(); }

// One side: an engine with its output.
struct Side {
  explicit Side(BufferPool& pool) : out(pool) {}

  ByteQueue out;
  std::unique_ptr<Engine> engine;
  TlsError failure = TlsError::none;
  std::string received;

  void take(ByteView bytes, UnixTime now) {
    if (auto result = engine->on_ciphertext(bytes, now); !result && failure == TlsError::none)
      failure = result.error();
    read_all();
  }

  void read_all() {
    std::vector<std::uint8_t> buffer(32 * 1024);
    for (;;) {
      auto got = engine->read(buffer);
      if (!got) {
        if (failure == TlsError::none) failure = got.error();
        return;
      }
      if (*got == 0) return;
      received.append(reinterpret_cast<const char*>(buffer.data()), *got);
    }
  }

  void say(std::string_view text) {
    ASSERT_TRUE(engine->write(as_bytes(text)).has_value()) << engine->error_text();
  }
};

// What a peer would do, with everything that may be varied.
class Handshake : public ::testing::Test {
 protected:
  Handshake() {
    server_settings.certificates = {pair_of(ca.server("api.test"))};
    server_settings.client_trust = trust_of(client_ca.pem());
    server_settings.ticket_keys = fresh_keys();
    client_settings.trust = trust_of(ca.pem());
    client_settings.certificate = pair_of(client_ca.client("alice", {"dev", "ops"}));
    client_settings.server_name = "api.test";
  }

  void use_version(ProtocolVersion version) {
    for (auto* protocol : {&server_settings.protocol, &client_settings.protocol})
      protocol->version_min = protocol->version_max = version;
  }

  void make_server_context() {
    auto made = ServerContext::make(server_settings, now);
    ASSERT_TRUE(made.has_value()) << made.error().to_string();
    server_context = std::move(*made);
  }

  void make_client_context() {
    auto made = ClientContext::make(client_settings, now);
    ASSERT_TRUE(made.has_value()) << made.error().to_string();
    client_context = std::move(*made);
  }

  // Makes what is missing, new engines always.
  void begin() {
    if (!server_context) make_server_context();
    if (!client_context) make_client_context();
    server = std::make_unique<Side>(pool);
    client = std::make_unique<Side>(pool);
    server->engine = Engine::make_server(*server_context, server->out, nullptr, server_crypto);
    client->engine = Engine::make_client(*client_context, client->out, client_crypto);
    ASSERT_TRUE(server->engine && client->engine);
  }

  // Moves bytes both ways until neither has more to say.
  void exchange(std::size_t piece = 1 << 20) {
    while (!client->out.empty() || !server->out.empty()) {
      move(*client, *server, piece);
      move(*server, *client, piece);
    }
  }

  void move(Side& from, Side& to, std::size_t piece) {
    while (!from.out.empty()) {
      const ByteView front = from.out.front();
      const std::vector<std::uint8_t> bytes(
          front.begin(), front.begin() + static_cast<std::ptrdiff_t>(std::min(piece, front.size()))
      );
      from.out.pop(bytes.size());
      to.take(bytes, now);
    }
  }

  void connect() {
    begin();
    if (!HasFatalFailure()) exchange();
  }

  bool both_established() const {
    return server->engine->established() && client->engine->established();
  }

  UnixTime now = test_now;
  BufferPool pool;
  test::Authority ca{"server-ca"};
  test::Authority client_ca{"client-ca"};
  ServerSettings server_settings;
  ClientSettings client_settings;
  AsyncCrypto server_crypto, client_crypto;
  std::unique_ptr<ServerContext> server_context;
  std::unique_ptr<ClientContext> client_context;
  std::unique_ptr<Side> server, client;
};

// The same for both protocol versions.
class EitherVersion : public Handshake, public ::testing::WithParamInterface<ProtocolVersion> {
 protected:
  EitherVersion() { use_version(GetParam()); }
};

}  // namespace gh::tls
