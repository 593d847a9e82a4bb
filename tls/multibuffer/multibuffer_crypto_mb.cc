// SPDX-License-Identifier: Apache-2.0
// Intel's crypto_mb: eight operations in the lanes of AVX-512 IFMA. Lanes that are not needed
// repeat the first, nonce and all, and what they give is dropped.
#include "tls/crypto_batch.h"
#include "tls/openssl/ecdsa.h"
#include "tls/openssl/handles.h"

#define BN_OPENSSL_DISABLE
#include <crypto_mb/cpu_features.h>
#include <crypto_mb/ec_nistp256.h>
#include <crypto_mb/x25519.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace gh::tls {
namespace {

constexpr std::size_t lanes = crypto_batch_max;
constexpr std::size_t number_bytes = 32;

using Number = std::array<std::uint8_t, number_bytes>;

// Little endian, as the library takes numbers; aligned as it reads them.
struct alignas(8) LimbNumber : Number {
  const int64u* limbs() const { return reinterpret_cast<const int64u*>(data()); }
};

template <class T>
using Lanes = std::array<T, lanes>;

// The order of P-256's group (FIPS 186-4 §D.1.2.3), big endian.
constexpr Number order = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                          0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

// 0 < number < order, in a time that says nothing of the number.
bool in_range(const Number& number) {
  unsigned any = 0, borrow = 0;
  for (std::size_t i = number_bytes; i-- > 0;) {
    any |= number[i];
    borrow = (static_cast<unsigned>(number[i]) - order[i] - borrow) >> 31;
  }
  return any != 0 && borrow == 1;
}

void reverse_into(ByteView big_endian, LimbNumber& out) {
  std::reverse_copy(big_endian.begin(), big_endian.end(), out.begin());
}

// Uniform by rejection: a nonce with a bit that is known gives the key away after some signatures.
bool draw_nonce(LimbNumber& out) {
  Number drawn;
  do {
    if (RAND_priv_bytes(drawn.data(), static_cast<int>(drawn.size())) != 1) return false;
  } while (!in_range(drawn));
  reverse_into(drawn, out);
  OPENSSL_cleanse(drawn.data(), drawn.size());
  return true;
}

void alone(CryptoOp& op) { op.alone(op); }

using EcdsaSignature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

std::size_t encode(const Number& r, const Number& s, MutableBytes out) {
  std::array<std::uint8_t, 2 * number_bytes> both;
  std::copy(s.begin(), s.end(), std::copy(r.begin(), r.end(), both.begin()));
  return encode_ecdsa(both, out);
}

bool to_number(const BIGNUM* from, Number& out) {
  if (from == nullptr || BN_is_negative(from) != 0) return false;
  const auto size = static_cast<std::size_t>(BN_num_bytes(from));
  if (size > number_bytes) return false;
  out.fill(0);
  BN_bn2bin(from, out.data() + (number_bytes - size));
  return in_range(out);
}

// DER and nothing else, as the library demands of a signature.
bool decode(ByteView der, Number& r, Number& s) {
  const unsigned char* at = der.data();
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!signature) return false;
  const BIGNUM *big_r = nullptr, *big_s = nullptr;
  ECDSA_SIG_get0(signature.get(), &big_r, &big_s);
  if (!to_number(big_r, r) || !to_number(big_s, s)) return false;
  std::array<std::uint8_t, 80> again{};
  const std::size_t size = encode(r, s, again);
  return size == der.size() && std::equal(der.begin(), der.end(), again.begin());
}

// ---- the kinds ----

struct Signing {
  Number hash, r, s;
  LimbNumber nonce, key;
};

void sign_p256(std::span<CryptoOp* const> ops) {
  Lanes<Signing> work;
  Lanes<int8u*> r, s;
  Lanes<const int8u*> hash;
  Lanes<const int64u*> nonce, key;
  for (CryptoOp* op : ops) op->good = false;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    SHA256(ops[i]->input.data(), ops[i]->input.size(), work[i].hash.data());
    reverse_into(ops[i]->key->p256_number(), work[i].key);
    if (!draw_nonce(work[i].nonce)) return;
  }
  for (std::size_t i = 0; i < lanes; ++i) {
    const Signing& from = work[i < ops.size() ? i : 0];
    r[i] = work[i].r.data();
    s[i] = work[i].s.data();
    hash[i] = from.hash.data();
    nonce[i] = from.nonce.limbs();
    key[i] = from.key.limbs();
  }
  const mbx_status status = mbx_nistp256_ecdsa_sign_mb8(
      r.data(), s.data(), hash.data(), nonce.data(), key.data(), nullptr
  );
  for (std::size_t i = 0; i < ops.size(); ++i) {
    CryptoOp& op = *ops[i];
    op.output_size = MBX_GET_STS(status, static_cast<int>(i)) == MBX_STATUS_OK
                         ? encode(work[i].r, work[i].s, op.output)
                         : 0;
    op.good = op.output_size != 0;
  }
  OPENSSL_cleanse(work.data(), sizeof work);
}

struct Verification {
  Number hash, r, s;
  LimbNumber x, y;
};

void verify_p256(std::span<CryptoOp* const> asked) {
  Lanes<CryptoOp*> ops{};  // those whose signature can be read
  Lanes<Verification> work;
  std::size_t n = 0;
  for (CryptoOp* op : asked) {
    Verification& one = work[n];
    op->good = false;
    if (op->number.size() != 1 + 2 * number_bytes || !decode(op->signature, one.r, one.s)) continue;
    SHA256(op->input.data(), op->input.size(), one.hash.data());
    reverse_into(op->number.subspan(1, number_bytes), one.x);
    reverse_into(op->number.subspan(1 + number_bytes), one.y);
    ops[n++] = op;
  }
  if (n == 0) return;
  Lanes<const int8u*> r, s, hash;
  Lanes<const int64u*> x, y;
  for (std::size_t i = 0; i < lanes; ++i) {
    const Verification& from = work[i < n ? i : 0];
    r[i] = from.r.data();
    s[i] = from.s.data();
    hash[i] = from.hash.data();
    x[i] = from.x.limbs();
    y[i] = from.y.limbs();
  }
  const mbx_status status = mbx_nistp256_ecdsa_verify_mb8(
      r.data(), s.data(), hash.data(), x.data(), y.data(), nullptr, nullptr
  );
  for (std::size_t i = 0; i < n; ++i)
    ops[i]->good = MBX_GET_STS(status, static_cast<int>(i)) == MBX_STATUS_OK;
}

void x25519(std::span<CryptoOp* const> ops, bool derive) {
  Lanes<Number> out;
  Lanes<int8u*> to;
  Lanes<const int8u*> own, peer;
  for (std::size_t i = 0; i < lanes; ++i) {
    const CryptoOp& from = *ops[i < ops.size() ? i : 0];
    to[i] = out[i].data();
    own[i] = from.number.data();
    peer[i] = from.input.data();
  }
  const mbx_status status = derive ? mbx_x25519_mb8(to.data(), own.data(), peer.data())
                                   : mbx_x25519_public_key_mb8(to.data(), own.data());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    CryptoOp& op = *ops[i];
    op.good = MBX_GET_STS(status, static_cast<int>(i)) == MBX_STATUS_OK;
    op.output_size = number_bytes;
    std::copy(out[i].begin(), out[i].end(), op.output.begin());
  }
  OPENSSL_cleanse(out.data(), sizeof out);
}

// Fewer than this are faster one by one: eight lanes cost the same however many are used. From the
// measurements in docs/performance.md.
constexpr std::size_t worth_it(CryptoKind kind) {
#ifdef OPENSSL_IS_AWSLC
  constexpr std::size_t signatures = 5;
#else
  constexpr std::size_t signatures = 3;
#endif
  switch (kind) {
    case CryptoKind::sign_p256:
      return signatures;
    case CryptoKind::verify_p256:
      return 3;
    case CryptoKind::x25519_public:
      return 1;
    case CryptoKind::x25519_derive:
      return 2;
    case CryptoKind::sign_rsa:
    case CryptoKind::sign_other:
      return lanes + 1;
  }
  return lanes + 1;
}

class MultibufferBatch final : public CryptoBatch {
 public:
  void run(std::span<CryptoOp* const> ops) noexcept override {
    if (ops.size() < worth_it(ops[0]->kind)) {
      for (CryptoOp* op : ops) alone(*op);
      return;
    }
    switch (ops[0]->kind) {
      case CryptoKind::sign_p256:
        return sign_p256(ops);
      case CryptoKind::verify_p256:
        return verify_p256(ops);
      case CryptoKind::x25519_public:
        return x25519(ops, false);
      case CryptoKind::x25519_derive:
        return x25519(ops, true);
      case CryptoKind::sign_rsa:
      case CryptoKind::sign_other:
        return;  // never worth it
    }
  }
};

bool has(MBX_ALGO algorithm) { return (mbx_get_algo_info(algorithm) & MBX_WIDTH_MB8) != 0; }

}  // namespace

std::string multibuffer_missing() {
  return has(MBX_ALGO_ECDSA_NIST_P256) && has(MBX_ALGO_X25519)
             ? std::string()
             : "this processor has no AVX-512 IFMA, which crypto_mb needs";
}

std::unique_ptr<CryptoBatch> make_multibuffer_batch() {
  return multibuffer_missing().empty() ? std::make_unique<MultibufferBatch>() : nullptr;
}

}  // namespace gh::tls

#ifdef OPENSSL_IS_AWSLC
// The one function of OpenSSL's that crypto_mb is linked with and AWS-LC does not have.
extern "C" int BN_bn2lebinpad(const BIGNUM* number, unsigned char* to, int size) {
  return BN_bn2le_padded(to, static_cast<std::size_t>(size), number) == 1 ? size : -1;
}
#endif
