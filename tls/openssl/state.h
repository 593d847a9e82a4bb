// SPDX-License-Identifier: Apache-2.0
// What contexts hold and engines share. Private to tls. Engines keep it alive by shared_ptr; the
// callbacks below get a raw pointer.
#pragma once

#include "tls/context.h"
#include "tls/openssl/handles.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::tls {

struct ServerState {
  struct Named {  // certificates for other names than the default's
    std::vector<std::string> names;
    SslContextHandle context;
    std::vector<int> kinds;  // of key that it has certificates for
  };

  SslContextHandle
      context;  // the default certificate; also the one whose ticket keys and callbacks are used
  std::vector<std::string> names;
  std::vector<int> kinds;
  std::vector<Named> others;
  std::shared_ptr<const TrustStore> trust;
  std::shared_ptr<const TrustStore> proxy_trust;  // may be null
  ClientCertMode mode = ClientCertMode::require;
  bool asynchronous = false;                      // handshakes may wait for their operations
  TrustStore::Epoch session_epoch{};              // of both trusts: what tickets belong to
  std::shared_ptr<const TicketKeys> ticket_keys;  // null: no tickets
  TicketLimits tickets;
  std::vector<std::uint8_t> alpn;  // as on the wire: each a length and a name

  // The certificates for this SNI name: an exact name wins over a wildcard, else the default.
  SSL_CTX* choose(std::string_view server_name) const;
};

struct ClientState {
  SslContextHandle context;
  std::shared_ptr<const TrustStore> trust;
  std::string server_name;
  bool is_ip = false;
  bool resume = false;
  bool asynchronous = false;
  bool verify = true;
  SessionHandle session;  // the newest, taken by the next connection
  UnixTime session_not_after = {INT64_MAX};
};

// Callbacks of the library, installed on every context (engine.cc).
void install_server_callbacks(SSL_CTX* context, const ServerState& state);
void install_client_callbacks(SSL_CTX* context);

}  // namespace gh::tls
