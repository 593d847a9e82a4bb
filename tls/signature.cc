// SPDX-License-Identifier: Apache-2.0
#include "tls/signature.h"

#include "tls/certificate.h"
#include "tls/der_reader.h"
#include "tls/openssl/ecdsa.h"
#include "tls/openssl/handles.h"
#include "tls/openssl/library.h"
#include "tls/openssl/public_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

namespace gh::tls {

struct VerifyKey::State {
  KeyHandle key;  // null: usable is false
  bool rsa = false;
  bool usable = false;
  std::vector<std::uint8_t> info;  // SubjectPublicKeyInfo
  std::string key_id;
};

namespace {

struct BnFree {
  void operator()(BIGNUM* number) const { BN_free(number); }

  void operator()(BIO* bio) const { BIO_free(bio); }

  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

template <class T>
using Owned = std::unique_ptr<T, BnFree>;

constexpr int rsa_bits_max = 16384;  // as OpenSSL has it

struct Scheme {
  std::string_view name;
  JwsAlgorithm algorithm;
  bool rsa;
  bool pss;
  std::size_t half;  // bytes of r and of s
  const EVP_MD* (*digest)();
};

// RFC 7518 §3.1
constexpr Scheme schemes[] = {
    {"RS256", JwsAlgorithm::rs256, true, false, 0, EVP_sha256},
    {"RS384", JwsAlgorithm::rs384, true, false, 0, EVP_sha384},
    {"RS512", JwsAlgorithm::rs512, true, false, 0, EVP_sha512},
    {"PS256", JwsAlgorithm::ps256, true, true, 0, EVP_sha256},
    {"PS384", JwsAlgorithm::ps384, true, true, 0, EVP_sha384},
    {"PS512", JwsAlgorithm::ps512, true, true, 0, EVP_sha512},
    {"ES256", JwsAlgorithm::es256, false, false, 32, EVP_sha256},
    {"ES384", JwsAlgorithm::es384, false, false, 48, EVP_sha384},
    {"ES512", JwsAlgorithm::es512, false, false, 66, EVP_sha512},
};

const Scheme* scheme_of(JwsAlgorithm algorithm) {
  const auto* found = std::find_if(std::begin(schemes), std::end(schemes), [&](const Scheme& each) {
    return each.algorithm == algorithm;
  });
  return found == std::end(schemes) ? nullptr : found;
}

// What Go's crypto/rsa verifies with: an odd modulus of at least 1024 bits, an odd exponent of 2 to
// 31 bits.
bool rsa_usable(const BIGNUM* modulus, const BIGNUM* exponent) {
  const int exponent_bits = BN_num_bits(exponent);
  return BN_num_bits(modulus) >= 1024 && BN_num_bits(modulus) <= rsa_bits_max &&
         BN_is_odd(modulus) && BN_is_odd(exponent) && exponent_bits >= 2 && exponent_bits <= 31;
}

bool rsa_usable(EVP_PKEY* key) {
  BIGNUM* modulus = nullptr;
  BIGNUM* exponent = nullptr;
  const bool have = rsa_numbers(key, modulus, exponent);
  const Owned<BIGNUM> n(modulus);
  const Owned<BIGNUM> e(exponent);
  return have && rsa_usable(n.get(), e.get());
}

std::string base64url(ByteView bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) out += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += alphabet[bits << (6 - count) & 63];
  return out;
}

std::string key_id_of(ByteView info) {
  Digest256 digest{};
  if (EVP_Digest(info.data(), info.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    return {};
  return base64url(digest);
}

bool verify_with(EVP_PKEY* key, const Scheme& scheme, ByteView signed_bytes, ByteView signature) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  if (!context ||
      EVP_DigestVerifyInit(context.get(), &settings, scheme.digest(), nullptr, key) != 1)
    return false;
  if (scheme.pss && (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) != 1 ||
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_AUTO) != 1))
    return false;
  return EVP_DigestVerify(
             context.get(),
             signature.data(),
             signature.size(),
             signed_bytes.data(),
             signed_bytes.size()
         ) == 1;
}

// PKCS#1 and PKCS#8 begin with version 0, SEC 1 with version 1; what follows tells them apart.
enum class PrivateForm : std::uint8_t { none, pkcs1, pkcs8, sec1 };

PrivateForm private_form(ByteView der) {
  DerReader outer(der);
  ByteView contents;
  if (!outer.read(der::sequence, contents) || !outer.empty()) return PrivateForm::none;
  DerReader inner(contents);
  std::int64_t version = -1;
  if (!inner.read_int64(version)) return PrivateForm::none;
  if (inner.peek(der::octet_string)) return version == 1 ? PrivateForm::sec1 : PrivateForm::none;
  if (inner.peek(der::sequence)) return PrivateForm::pkcs8;
  return inner.peek(der::integer) ? PrivateForm::pkcs1 : PrivateForm::none;
}

// As Go reads EC keys: the curve by its name (a library may take parameters that amount to one),
// and in a SubjectPublicKeyInfo an uncompressed point (RFC 5480 §2.2).
bool names_curve(DerReader parameters) {
  ByteView curve;
  return parameters.read_oid(curve) && parameters.empty();
}

bool is_go_ec_info(ByteView info) {
  DerReader outer(info);
  ByteView contents, algorithm, kind, point;
  if (!outer.read(der::sequence, contents)) return false;
  DerReader inner(contents);
  unsigned padding = 0;
  if (!inner.read(der::sequence, algorithm) || !inner.read_bit_string(point, padding)) return false;
  DerReader parts(algorithm);
  return parts.read_oid(kind) && names_curve(parts) && !point.empty() && point[0] == 0x04;
}

bool is_go_sec1(ByteView der) {
  DerReader outer(der);
  ByteView contents, secret, parameters;
  std::int64_t version = 0;
  bool has_parameters = false;
  if (!outer.read(der::sequence, contents)) return false;
  DerReader inner(contents);
  return inner.read_int64(version) && inner.read(der::octet_string, secret) &&
         inner.read_optional(der::context_constructed(0), parameters, has_parameters) &&
         (!has_parameters || names_curve(DerReader(parameters)));
}

// parseECPrivateKey reads SEC 1 only, so an EC key in PKCS#8 is passed over, as Kubernetes does.
KeyHandle read_private(ByteView der) {
  const PrivateForm form = private_form(der);
  const int type = form == PrivateForm::sec1 ? EVP_PKEY_EC : EVP_PKEY_RSA;
  if (form == PrivateForm::none || (form == PrivateForm::sec1 && !is_go_sec1(der))) return {};
  const unsigned char* at = der.data();
  KeyHandle key(d2i_PrivateKey(type, nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != der.data() + der.size()) return {};
  return key;
}

}  // namespace

JwsAlgorithm jws_algorithm(std::string_view name) noexcept {
  for (const Scheme& each : schemes) {
    if (each.name == name) return each.algorithm;
  }
  return JwsAlgorithm::unknown;
}

// Takes the key. Null: not of a kind we verify with.
std::optional<VerifyKey> VerifyKey::adopt(void* key) {
  KeyHandle owned(static_cast<EVP_PKEY*>(key));
  if (!owned) return std::nullopt;
  auto state = std::make_shared<State>();
  const int kind = kind_of(owned.get());
  state->rsa = kind == EVP_PKEY_RSA;
  if (!state->rsa && (kind != EVP_PKEY_EC || !is_go_curve(owned.get()))) return std::nullopt;
  unsigned char* info = nullptr;
  const int size = i2d_PUBKEY(owned.get(), &info);
  if (size <= 0) return std::nullopt;
  state->info.assign(info, info + size);
  OPENSSL_free(info);
  state->key_id = key_id_of(state->info);
  state->usable = !state->rsa || rsa_usable(owned.get());
  // Only the public half is kept.
  state->key = read_public_key(state->info);
  if (!state->key) return std::nullopt;
  return VerifyKey(std::move(state));
}

std::optional<VerifyKey> VerifyKey::from_public_key_info(ByteView der) {
  const unsigned char* at = der.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!key || at != der.data() + der.size()) return std::nullopt;
  if (kind_of(key.get()) == EVP_PKEY_EC && !is_go_ec_info(der)) return std::nullopt;
  return adopt(key.release());
}

std::optional<VerifyKey> VerifyKey::from_rsa(ByteView modulus, ByteView exponent) {
  const Owned<BIGNUM> n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const Owned<BIGNUM> e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  if (!n || !e) return std::nullopt;
  if (!rsa_usable(n.get(), e.get())) {
    auto state = std::make_shared<State>();
    state->rsa = true;
    return VerifyKey(std::move(state));
  }
  auto key = adopt(make_rsa_key(n.get(), e.get()).release());
  ERR_clear_error();
  return key;
}

std::optional<VerifyKey> VerifyKey::from_point(Curve curve, ByteView x, ByteView y) {
  static constexpr int nids[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
  std::vector<std::uint8_t> point{0x04};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  auto key = adopt(make_ec_key(nids[static_cast<std::size_t>(curve)], point).release());
  ERR_clear_error();
  return key;
}

bool VerifyKey::verify(JwsAlgorithm algorithm, ByteView signed_bytes, ByteView signature)
    const noexcept {
  const Scheme* scheme = scheme_of(algorithm);
  if (scheme == nullptr || !state_->usable || scheme->rsa != state_->rsa) return false;
  bool good = false;
  if (scheme->rsa) {
    good = verify_with(state_->key.get(), *scheme, signed_bytes, signature);
  } else if (signature.size() == 2 * scheme->half) {
    std::array<std::uint8_t, ecdsa_der_bytes_max> der;
    const std::size_t size = encode_ecdsa(signature, der);
    good = size != 0 &&
           verify_with(state_->key.get(), *scheme, signed_bytes, ByteView(der).first(size));
  }
  if (!good) ERR_clear_error();
  return good;
}

const std::string& VerifyKey::key_id() const noexcept { return state_->key_id; }

ByteView VerifyKey::public_key_info() const noexcept { return state_->info; }

bool VerifyKey::usable() const noexcept { return state_->usable; }

namespace {

std::optional<VerifyKey> read_block(ByteView der) {
  if (const KeyHandle key = read_private(der)) {
    unsigned char* info = nullptr;
    const int size = i2d_PUBKEY(key.get(), &info);
    if (size <= 0) return std::nullopt;
    const std::vector<std::uint8_t> copy(info, info + size);
    OPENSSL_free(info);
    return VerifyKey::from_public_key_info(copy);
  }
  ERR_clear_error();
  if (auto key = VerifyKey::from_public_key_info(der)) return key;
  const auto certificate = parse_certificate(der);
  if (!certificate) return std::nullopt;
  return VerifyKey::from_public_key_info(certificate->public_key_info);
}

}  // namespace

Outcome<std::vector<VerifyKey>> read_verify_keys(std::string_view pem, const std::string& where) {
  std::vector<VerifyKey> keys;
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (bio) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) break;
    auto key = read_block({data, static_cast<std::size_t>(size)});
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    if (key) keys.push_back(std::move(*key));
  }
  const auto error = ERR_peek_last_error();
  const bool end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!end) return fault("a PEM block is damaged", where);
  if (keys.empty())
    return fault("expected RSA or EC public keys, certificates or private keys (PEM)", where);
  return keys;
}

bool random_bytes(MutableBytes out) noexcept {
  return RAND_bytes(out.data(), static_cast<int>(out.size())) == 1;
}

bool hmac_sha256(const Digest256& key, ByteView bytes, Digest256& out) noexcept {
  unsigned size = 0;
  return HMAC(
             EVP_sha256(),
             key.data(),
             std::tuple_size_v<Digest256>,
             bytes.data(),
             bytes.size(),
             out.data(),
             &size
         ) != nullptr &&
         size == out.size();
}

bool equal_in_constant_time(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace gh::tls
