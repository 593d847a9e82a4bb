// SPDX-License-Identifier: Apache-2.0
// TLS of one connection as a machine (sans I/O): ciphertext in, plaintext out, and back. Server or
// client. In: on_ciphertext() from the road.  Out: ciphertext appended to the ByteQueue given at
// the start; plaintext by read(). Owner: one core. Never blocks, never touches a socket. Not here:
// certificates and settings (context.h), who is trusted (trust_store.h), tickets
// (session_tickets.h).
#pragma once

#include "base/byte_queue.h"
#include "base/byte_view.h"
#include "base/result.h"
#include "base/units.h"
#include "tls/peer_certificate.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gh::tls {

class CryptoQueue;
class CryptoWaiter;
class IdentityCache;
class ServerContext;
class ClientContext;
class TrustStore;

// Why a handshake or a connection failed. A counter and a log word each.
enum class TlsError : std::uint8_t {
  none,
  timeout,         // set by the worker
  closed_early,    // the peer went away in the middle
  not_tls,         // first bytes are not a TLS record (plain HTTP and the like)
  no_certificate,  // required, none given
  unparsable_certificate,
  unknown_authority,
  expired,
  not_yet_valid,
  bad_usage,  // extended key usage is not clientAuth (serverAuth upstream)
  revoked,
  bad_signature,
  chain_too_long,
  name_mismatch,  // upstream: not the server name asked for
  certificate_other,
  no_shared_version,
  no_shared_cipher,
  no_shared_alpn,
  peer_alert,  // the peer refused us; alert() has its number
  protocol,    // anything else malformed
  internal,
};
std::string_view name_of(TlsError error);

enum class Alpn : std::uint8_t { none, http_1_1, h2 };
enum class ProtocolVersion : std::uint8_t { tls_1_2, tls_1_3 };
std::string_view name_of(ProtocolVersion version);  // "TLSv1.2"

// Where the handshake's public-key operations are done, and who is told when it can go on. Both
// outlive the engine. Null: each is done at once, in the call it comes up in.
struct AsyncCrypto {
  CryptoQueue* queue = nullptr;
  CryptoWaiter* waiter = nullptr;
};

class Engine {
 public:
  // `out` gets the ciphertext and must outlive the engine. `server_name` for SNI and name
  // verification (an IP literal is verified as IP and sends no SNI).
  // `known`: the core's verified chains, which outlive the engine; null: each is verified.
  // `crypto` is used where the context has a reason to (ServerSettings::batch_crypto).
  static std::unique_ptr<Engine> make_server(
      ServerContext& context,
      ByteQueue& out,
      IdentityCache* known = nullptr,
      const AsyncCrypto& crypto = {}
  );
  static std::unique_ptr<Engine> make_client(
      ClientContext& context, ByteQueue& out, const AsyncCrypto& crypto = {}
  );
  // While it waits: what is under way is called off; nothing is left behind.
  virtual ~Engine() = default;

  // Takes all of `bytes` (what cannot be used yet is kept, at most one record plus what was handed
  // in while the reader is paused) and advances the handshake. After an error: what is in `out`
  // (the alert) is sent, then the stream closed.
  virtual Result<void, TlsError> on_ciphertext(ByteView bytes, UnixTime now) = 0;
  // The handshake waits for an operation of AsyncCrypto. What comes meanwhile is kept, so reading
  // should stop. Once the waiter was told: resume(), which does nothing when there is nothing to go
  // on with.
  virtual bool waiting() const noexcept = 0;
  virtual Result<void, TlsError> resume(UnixTime now) = 0;
  // Decrypted bytes; 0: none now. End of data by close_notify: at_eof(). Truncation (FIN without
  // it) is the worker's to see.
  virtual Result<std::size_t, TlsError> read(MutableBytes into) = 0;
  virtual bool at_eof() const noexcept = 0;
  // Encrypts all of `bytes` into `out`. Precondition: established().
  virtual Result<void, TlsError> write(ByteView bytes) = 0;
  virtual void close_notify() = 0;

  virtual bool established() const noexcept = 0;
  virtual bool resumed() const noexcept = 0;
  virtual Alpn alpn() const noexcept = 0;
  virtual ProtocolVersion version() const noexcept = 0;
  virtual std::string_view cipher() const noexcept = 0;
  virtual std::string_view server_name() const noexcept = 0;  // SNI as the client sent it
  virtual int alert() const noexcept = 0;                     // with peer_alert
  virtual std::string error_text() const = 0;  // for the log: a sentence about the last error

  // Server: the client's certificate, after the handshake; null when it presented none.
  // `client_error`: none when it verified against the trust store in force; in `request` mode a
  // refused certificate lets the handshake succeed and its reason is here.
  virtual const PeerCertificate* client_certificate() const noexcept = 0;
  virtual TlsError client_error() const noexcept = 0;
  // The trust epoch the certificate was verified under (DESIGN: hash of CA bundle, CRLs and
  // settings), shortened to 64 bits.
  virtual std::uint64_t trust_epoch() const noexcept = 0;
  // Server: the same certificate as ServerSettings::proxy_trust judged it in a full handshake; null
  // when it did not verify there, or there is no such trust.
  virtual const PeerCertificate* front_proxy() const noexcept = 0;
  // Server: the client's chain (as presented, or as far as a resumed session kept it) judged anew
  // by another trust store: the CAs changed while the connection lives. When it cannot be judged
  // any more: refused.
  virtual Result<PeerCertificate, TlsError> verify_client_again(
      const TrustStore& trust, UnixTime now
  ) const = 0;
};

}  // namespace gh::tls
