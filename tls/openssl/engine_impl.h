// SPDX-License-Identifier: Apache-2.0
// Engine over OpenSSL: one SSL with a BIO that reads what was handed in and appends to `out`.
// Private to tls. Ciphertext is read in place from the borrowed span during a handshake; what is
// left over waits in `pending_`. Legal order: handshake (on_ciphertext)*, then on_ciphertext, read,
// write, close_notify in any order. After an error nothing more.
#pragma once

#include "base/byte_queue.h"
#include "tls/engine.h"
#include "tls/identity_cache.h"
#include "tls/openssl/async_handshake.h"
#include "tls/openssl/state.h"

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gh::tls {

class OpensslEngine final : public Engine {
 public:
  OpensslEngine(
      std::shared_ptr<const ServerState> server,
      std::shared_ptr<ClientState> client,
      ByteQueue& out,
      IdentityCache* known,
      const AsyncCrypto& crypto
  );
  ~OpensslEngine() override;
  bool start(SSL_CTX* context);  // false: out of memory

  static OpensslEngine& of(const SSL* ssl);

  Result<void, TlsError> on_ciphertext(ByteView bytes, UnixTime now) override;

  bool waiting() const noexcept override { return waiting_; }

  Result<void, TlsError> resume(UnixTime now) override;
  Result<std::size_t, TlsError> read(MutableBytes into) override;

  bool at_eof() const noexcept override { return eof_; }

  Result<void, TlsError> write(ByteView bytes) override;
  void close_notify() override;

  bool established() const noexcept override { return established_; }

  bool resumed() const noexcept override { return resumed_; }

  Alpn alpn() const noexcept override { return alpn_; }

  ProtocolVersion version() const noexcept override { return version_; }

  std::string_view cipher() const noexcept override;

  std::string_view server_name() const noexcept override { return server_name_; }

  int alert() const noexcept override { return alert_; }

  std::string error_text() const override;

  const PeerCertificate* client_certificate() const noexcept override {
    return established_ ? peer_.get() : nullptr;  // before, possession of the key is not proved
  }

  TlsError client_error() const noexcept override { return peer_error_; }

  std::uint64_t trust_epoch() const noexcept override { return trust_epoch_; }

  const PeerCertificate* front_proxy() const noexcept override {
    return established_ ? front_proxy_.get() : nullptr;
  }

  Result<PeerCertificate, TlsError> verify_client_again(const TrustStore& trust, UnixTime now)
      const override;

  // From the library's callbacks.
  std::size_t take_ciphertext(MutableBytes into);

  ByteQueue& out() { return out_; }

  AsyncHandshake* async() { return async_.get(); }

  const TicketKeys* ticket_keys() const { return server_->ticket_keys.get(); }

  int on_client_hello();                       // SSL_CLIENT_HELLO_*
  void on_certificate_message(ByteView body);  // as received, before it is parsed
  // The peer's chain is to be judged; none: the handshake goes on. `keys`: the public keys as far
  // as the library has read them, or empty. The first: of the message seen before.
  TlsError on_peer_chain_parsed(std::span<EVP_PKEY* const> keys);
  TlsError on_peer_chain(std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys);
  std::vector<std::uint8_t> ticket_state() const;  // what a ticket must say; empty: never accept it
  // Whether a ticket that says this is accepted. `ageing`: it should be replaced by a new one.
  bool on_ticket_opened(ByteView state, bool* ageing = nullptr);
  bool keep_session(SSL_SESSION* session);  // client: takes it when true

 private:
  Result<void, TlsError> handshake();
  Result<void, TlsError> check_first_bytes(ByteView bytes);
  void finish_handshake();
  bool read_presented(std::vector<ByteView>& chain) const;
  TlsError judge_presented(std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys);
  bool recall(const Fingerprint& chain);
  void remember();
  bool judge(std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys);
  void judge_front_proxy(std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys);
  bool restore(const TicketState& ticket, bool verify_again);
  const TrustStore& trust() const;
  VerifyRequest request() const;
  TlsError set_error(TlsError error, std::string text = {});
  TlsError library_failure();

  struct Restored {  // from a ticket; becomes the peer's when the handshake turns out to be a
                     // resumption
    std::shared_ptr<const PeerCertificate> peer;
    std::shared_ptr<const std::vector<std::uint8_t>> chain;
    UnixTime lineage_start;
    std::uint32_t presented = 0;
  };

  std::shared_ptr<const ServerState> server_;
  std::shared_ptr<ClientState> client_;
  ByteQueue& out_;
  SslHandle ssl_;
  std::unique_ptr<AsyncHandshake> async_;  // until the handshake has ended; null: nothing waits
  ByteQueue pending_;
  ByteView borrowed_;
  std::vector<std::uint8_t> presented_;  // the body of the Certificate message, until it is judged
  std::optional<Restored> restored_;
  std::shared_ptr<const PeerCertificate> peer_;
  std::shared_ptr<const PeerCertificate> front_proxy_;
  // Server: pack_chain() of what was presented, or as far as a ticket kept it.
  std::shared_ptr<const std::vector<std::uint8_t>> chain_;
  IdentityCache* known_;
  std::string server_name_;
  std::string error_text_;
  std::array<std::uint8_t, 5> first_{
  };  // the first record's header, to tell TLS from anything else
  std::uint64_t trust_epoch_ = 0;
  UnixTime now_;
  UnixTime lineage_start_;
  std::uint32_t presented_count_ = 0;
  int alert_ = -1;
  std::uint8_t first_size_ = 0;
  TlsError error_ = TlsError::none;
  TlsError peer_error_ = TlsError::none;
  TlsError verify_error_ = TlsError::none;
  Alpn alpn_ = Alpn::none;
  ProtocolVersion version_ = ProtocolVersion::tls_1_3;
  bool established_ = false;
  bool waiting_ = false;
  bool resumed_ = false;
  bool eof_ = false;
  bool closing_ = false;
  bool lasting_ = false;  // the judgement may be remembered
};

}  // namespace gh::tls
