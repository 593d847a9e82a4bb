// SPDX-License-Identifier: Apache-2.0
// TLS settings of a listener and of an upstream, checked and turned into what engines are made
// from. In: PEM texts, a TrustStore, TicketKeys, names.   Out: a context, or a Fault that says
// which file and why. Owner: one core each (workers share no reference counts). Engines outlive the
// context they were made from. Not here: reading a peer's chain (trust_store.h), the connection
// itself (engine.h).
#pragma once

#include "base/result.h"
#include "base/units.h"
#include "tls/engine.h"
#include "tls/private_key.h"
#include "tls/session_tickets.h"
#include "tls/trust_store.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gh::tls {

struct ServerState;
struct ClientState;

// A certificate chain (own certificate first) and its private key, as PEM; the names say where they
// came from in Faults.
struct KeyPair {
  std::string chain_pem;
  std::string key_pem;
  std::string chain_where;
  std::string key_where;
  std::vector<std::string>
      names;  // server names it is for, "*.example.org" too; empty: those of the certificate
  // A key outside the process, which key_pem only names. Null: it is in key_pem.
  std::shared_ptr<const PrivateKey> outside_key = nullptr;
};

// Control only: reads files. Key and chain are checked when a context is made. `key_file` may be
// the URI of a key in a PKCS#11 token.
Outcome<KeyPair> load_key_pair(const std::string& chain_file, const std::string& key_file);

struct ProtocolSettings {
  ProtocolVersion version_min = ProtocolVersion::tls_1_2;
  ProtocolVersion version_max = ProtocolVersion::tls_1_3;
  // TLS 1.2: forward secrecy and AEAD only, whatever is listed. AES first: the clients here are
  // machines with AES instructions.
  std::string ciphers_tls12 =
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  std::string ciphers_tls13 =
      "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
  std::string
      groups;  // key exchanges in order of preference, by group_named; empty: default_groups
};

struct ServerSettings {
  std::vector<KeyPair> certificates;  // chosen by SNI; the first is the default. Equal names with
                                      // another key type: both are used
  std::shared_ptr<const TrustStore> client_trust;  // null: nobody is trusted
  // A certificate that only this one trusts passes the handshake too, with client_error() set: the
  // caller may be a front proxy. Null: none.
  std::shared_ptr<const TrustStore> proxy_trust;
  ClientCertMode mode = ClientCertMode::require;
  std::shared_ptr<const TicketKeys> ticket_keys;        // null: no resumption
  TicketLimits tickets;                                 // zero: no resumption
  std::vector<Alpn> alpn = {Alpn::h2, Alpn::http_1_1};  // in order of our preference
  // The operations of handshakes are gathered and done together (crypto_queue.h), when the engine
  // is given a queue. Those with a key that blocks are taken off the core without it.
  bool batch_crypto = false;
  bool engine_pauses = false;  // an ENGINE is in use (ssl_engine.h)
  ProtocolSettings protocol;
};

class ServerContext {
 public:
  static Outcome<std::unique_ptr<ServerContext>> make(const ServerSettings& settings, UnixTime now);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  const std::vector<std::string>& warnings() const noexcept {
    return warnings_;
  }  // an own certificate that has expired…

  const std::shared_ptr<const ServerState>& state() const noexcept { return state_; }

 private:
  ServerContext() = default;
  std::shared_ptr<const ServerState> state_;
  std::vector<std::string> warnings_;
};

struct ClientSettings {
  std::shared_ptr<const TrustStore> trust;  // for the server's certificate; required
  std::optional<KeyPair> certificate;
  std::string
      server_name;  // DNS name or IP address to verify; SNI is sent for a DNS name only. Required
  std::vector<Alpn> alpn = {Alpn::h2, Alpn::http_1_1};
  bool resume = false;        // keep the newest session ticket and offer it on the next connection
  bool batch_crypto = false;  // as ServerSettings'
  bool engine_pauses = false;
  bool verify = true;  // false: whatever certificate the server has (gatehouse-load --insecure)
  ProtocolSettings protocol;
};

class ClientContext {
 public:
  static Outcome<std::unique_ptr<ClientContext>> make(const ClientSettings& settings, UnixTime now);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  // With `resume`: a ticket is at hand, so the next connection can resume.
  bool has_session() const noexcept;

  const std::shared_ptr<ClientState>& state() const noexcept { return state_; }

 private:
  ClientContext() = default;
  std::shared_ptr<ClientState> state_;
  std::vector<std::string> warnings_;
};

}  // namespace gh::tls
