// SPDX-License-Identifier: Apache-2.0
// One operation of public-key cryptography as a value: a handshake submits it, it is done somewhere
// else or later, and completed on its owner's core.
// In: what to compute, and how it is done alone.   Out: `good`, and the bytes in `output`.
// Owner: the handshake. From submit() until it is done or cancelled the queue refers to it, and
// everything it points to stays where it is.
//
//   idle → queued → done      at the end of the owner's turn (crypto_queue.h)
//   idle → away → done        by a helper thread (crypto_helpers.h), on copies: the op is not
//   touched
#pragma once

#include "base/byte_view.h"
#include "tls/private_key.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gh::tls {

enum class CryptoKind : std::uint8_t {
  sign_p256,      // ECDSA with P-256 and SHA-256
  sign_rsa,       // PSS or PKCS#1 v1.5
  sign_other,     // other curves and hashes
  verify_p256,    // of the peer's CertificateVerify
  x25519_public,  // the public key of a fresh private one
  x25519_derive,  // the shared secret
};
inline constexpr std::size_t crypto_kinds = 6;
std::string_view name_of(CryptoKind kind);  // "sign-p256"

// Who waits; called on the owner's core, from inside CryptoQueue::run().
class CryptoWaiter {
 public:
  virtual void on_crypto_done() noexcept = 0;

 protected:
  ~CryptoWaiter() = default;
};

struct CryptoJob;  // what a helper thread works on

struct CryptoOp {
  enum class State : std::uint8_t { idle, queued, away, done };

  CryptoKind kind = CryptoKind::sign_other;
  State state = State::idle;
  bool good = false;
  SignatureScheme scheme{};  // to sign
  // To sign: whose. Shared, for a helper thread may be at it after the handshake has ended.
  std::shared_ptr<const PrivateKey> key;
  ByteView number;     // X25519: our private key. P-256: the peer's point, uncompressed
  ByteView input;      // the message; derive: the peer's public key
  ByteView signature;  // to verify
  MutableBytes output;
  std::size_t output_size = 0;
  // Does it alone, on this thread: sets good and output_size.
  void (*alone)(CryptoOp& op) noexcept = nullptr;
  void* context = nullptr;  // of alone()

  // Of the queue.
  CryptoWaiter* waiter = nullptr;
  CryptoOp* next = nullptr;
  CryptoOp* prev = nullptr;
  CryptoJob* job = nullptr;
};

// alone() of operations that sign.
void sign_alone(CryptoOp& op) noexcept;

// Which kind a signature of this scheme is.
CryptoKind kind_of(SignatureScheme scheme, const PrivateKey& key) noexcept;

CryptoOp signature_op(
    SignatureScheme scheme,
    std::shared_ptr<const PrivateKey> key,
    ByteView message,
    MutableBytes signature
);

}  // namespace gh::tls
