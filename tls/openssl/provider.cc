// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/provider.h"

#include "tls/openssl/async_openssl.h"
#include "tls/openssl/provider_x25519.h"
#include "tls/openssl/public_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace gh::tls {
namespace {

// How wrap_key() hands its key to import(): the address of its shared_ptr.
constexpr const char* key_param = "gatehouse-key";

// ---- keys ----

// A key of ours to sign with, or a peer's to verify with.
struct WrappedKey {
  std::shared_ptr<const PrivateKey> key;  // null: a peer's
  KeyHandle real;                         // the public key, by the library's own provider
  std::vector<std::uint8_t> point;        // of a P-256 key, uncompressed
};

template <class T>
void* make_object(void*) {
  return new (std::nothrow) T;
}

template <class T>
void free_object(void* object) {
  delete static_cast<T*>(object);
}

const WrappedKey& key_of(const void* object) { return *static_cast<const WrappedKey*>(object); }

int key_has(const void* object, int selection) {
  if (object == nullptr) return 0;  // an EVP_PKEY that has a type and nothing else
  const bool private_too = (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
  return key_of(object).real && (!private_too || key_of(object).key) ? 1 : 0;
}

bool import_public(WrappedKey& into, const char* type, const OSSL_PARAM params[]) {
  const KeyContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(
          context.get(), &made, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)
      ) != 1)
    return false;
  into.real.reset(made);
  std::array<unsigned char, 65> point{};
  std::size_t size = 0;
  char group[32] = {};
  if (std::string_view(type) == "EC" &&
      EVP_PKEY_get_group_name(made, group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == "prime256v1" &&
      EVP_PKEY_get_octet_string_param(
          made, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size
      ) == 1 &&
      size == point.size() && point[0] == POINT_CONVERSION_UNCOMPRESSED)
    into.point.assign(point.begin(), point.end());
  return true;
}

int key_import(void* object, const char* type, const OSSL_PARAM params[]) {
  auto& into = *static_cast<WrappedKey*>(object);
  const OSSL_PARAM* given = OSSL_PARAM_locate_const(params, key_param);
  if (given == nullptr) return import_public(into, type, params) ? 1 : 0;
  const std::shared_ptr<const PrivateKey>* key = nullptr;
  if (given->data_size != sizeof key) return 0;
  std::memcpy(&key, given->data, sizeof key);
  into.key = *key;
  into.real = read_public_key(into.key->public_key_info());
  return into.real ? 1 : 0;
}

int import_ec(void* object, int, const OSSL_PARAM params[]) {
  return key_import(object, "EC", params);
}

int import_rsa(void* object, int, const OSSL_PARAM params[]) {
  return key_import(object, "RSA", params);
}

const OSSL_PARAM* ec_import_types(int) {
  static const OSSL_PARAM types[] = {
      OSSL_PARAM_octet_string(key_param, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
      OSSL_PARAM_END
  };
  return types;
}

const OSSL_PARAM* rsa_import_types(int) {
  static const OSSL_PARAM types[] = {
      OSSL_PARAM_octet_string(key_param, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
      OSSL_PARAM_END
  };
  return types;
}

// The private part is nobody's to have.
int key_export(void* object, int selection, OSSL_CALLBACK* take, void* taker) {
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
  return EVP_PKEY_export(key_of(object).real.get(), EVP_PKEY_PUBLIC_KEY, take, taker);
}

int key_match(const void* a, const void* b, int) {
  return EVP_PKEY_eq(key_of(a).real.get(), key_of(b).real.get()) == 1 ? 1 : 0;
}

int key_get_params(void* object, OSSL_PARAM params[]) {
  return EVP_PKEY_get_params(key_of(object).real.get(), params);
}

const OSSL_PARAM* key_gettable_params(void*) {
  static const OSSL_PARAM names[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
      OSSL_PARAM_END
  };
  return names;
}

const char* ec_signature_name(int) { return "ECDSA"; }

const char* rsa_signature_name(int) { return "RSA"; }

const OSSL_DISPATCH ec_keys[] = {
    dispatch_entry(OSSL_FUNC_KEYMGMT_NEW, make_object<WrappedKey>),
    dispatch_entry(OSSL_FUNC_KEYMGMT_FREE, free_object<WrappedKey>),
    dispatch_entry(OSSL_FUNC_KEYMGMT_HAS, key_has),
    dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT, import_ec),
    dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, ec_import_types),
    dispatch_entry(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    dispatch_entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, ec_import_types),
    dispatch_entry(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_signature_name),
    {0, nullptr}
};

const OSSL_DISPATCH rsa_keys[] = {
    dispatch_entry(OSSL_FUNC_KEYMGMT_NEW, make_object<WrappedKey>),
    dispatch_entry(OSSL_FUNC_KEYMGMT_FREE, free_object<WrappedKey>),
    dispatch_entry(OSSL_FUNC_KEYMGMT_HAS, key_has),
    dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT, import_rsa),
    dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, rsa_import_types),
    dispatch_entry(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    dispatch_entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, rsa_import_types),
    dispatch_entry(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_signature_name),
    {0, nullptr}
};

// ---- signatures ----

struct Signing {
  const WrappedKey* key = nullptr;  // lives as long: the EVP_PKEY_CTX holds it
  int hash_bits = 0;
  bool pss = false;
};

void* signing_new(void*, const char*) { return new (std::nothrow) Signing; }

void* signing_copy(void* object) {
  return new (std::nothrow) Signing(*static_cast<const Signing*>(object));
}

int hash_bits_of(std::string_view name) {
  if (name == "SHA256" || name == "SHA2-256" || name == "SHA-256") return 256;
  if (name == "SHA384" || name == "SHA2-384" || name == "SHA-384") return 384;
  if (name == "SHA512" || name == "SHA2-512" || name == "SHA-512") return 512;
  return 0;
}

bool set_signing_params(Signing& signing, const OSSL_PARAM params[]) {
  if (params == nullptr) return true;
  if (const OSSL_PARAM* mode = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) {
    int padding = 0;
    if (mode->data_type == OSSL_PARAM_UTF8_STRING) {
      const auto* text = static_cast<const char*>(mode->data);
      padding = std::string_view(text) == OSSL_PKEY_RSA_PAD_MODE_PSS ? RSA_PKCS1_PSS_PADDING
                                                                     : RSA_PKCS1_PADDING;
    } else if (OSSL_PARAM_get_int(mode, &padding) != 1) {
      return false;
    }
    if (padding != RSA_PKCS1_PSS_PADDING && padding != RSA_PKCS1_PADDING) return false;
    signing.pss = padding == RSA_PKCS1_PSS_PADDING;
  }
  return true;  // the salt is always as long as the hash, which is all TLS asks for
}

int signing_set_params(void* object, const OSSL_PARAM params[]) {
  return set_signing_params(*static_cast<Signing*>(object), params) ? 1 : 0;
}

const OSSL_PARAM* signing_settable_params(void*, void*) {
  static const OSSL_PARAM names[] = {
      OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr),
      OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
      OSSL_PARAM_END
  };
  return names;
}

int signing_init(void* object, const char* hash, void* key, const OSSL_PARAM params[]) {
  auto& signing = *static_cast<Signing*>(object);
  if (key != nullptr) signing.key = static_cast<const WrappedKey*>(key);
  if (hash != nullptr) signing.hash_bits = hash_bits_of(hash);
  return signing.key != nullptr && signing.hash_bits != 0 && set_signing_params(signing, params)
             ? 1
             : 0;
}

SignatureScheme scheme_of(const Signing& signing) {
  using enum SignatureScheme;
  const bool ec = EVP_PKEY_is_a(signing.key->real.get(), "EC") == 1;
  switch (signing.hash_bits) {
    case 384:
      return ec ? ecdsa_sha384 : signing.pss ? rsa_pss_sha384 : rsa_pkcs1_sha384;
    case 512:
      return ec ? ecdsa_sha512 : signing.pss ? rsa_pss_sha512 : rsa_pkcs1_sha512;
    default:
      return ec ? ecdsa_sha256 : signing.pss ? rsa_pss_sha256 : rsa_pkcs1_sha256;
  }
}

int sign(
    void* object,
    unsigned char* signature,
    std::size_t* size,
    std::size_t room,
    const unsigned char* message,
    std::size_t message_size
) {
  const Signing& signing = *static_cast<const Signing*>(object);
  if (!signing.key->key) return 0;
  if (signature == nullptr) {
    *size = static_cast<std::size_t>(EVP_PKEY_get_size(signing.key->real.get()));
    return 1;
  }
  CryptoOp op = signature_op(
      scheme_of(signing), signing.key->key, {message, message_size}, {signature, room}
  );
  if (!perform(op)) {
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, ERR_R_OPERATION_FAIL);
    return 0;
  }
  *size = op.output_size;
  return 1;
}

const char* hash_name(int bits) {
  return bits == 384 ? "SHA384" : bits == 512 ? "SHA512" : "SHA256";
}

// Of a peer's signature, by the library's own provider.
void verify_alone(CryptoOp& op) noexcept {
  const Signing& signing = *static_cast<const Signing*>(op.context);
  const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  ERR_clear_error();
  op.good =
      context &&
      EVP_DigestVerifyInit_ex(
          context.get(),
          nullptr,
          hash_name(signing.hash_bits),
          nullptr,
          nullptr,
          signing.key->real.get(),
          nullptr
      ) == 1 &&
      EVP_DigestVerify(
          context.get(), op.signature.data(), op.signature.size(), op.input.data(), op.input.size()
      ) == 1;
}

int verify(
    void* object,
    const unsigned char* signature,
    std::size_t size,
    const unsigned char* message,
    std::size_t message_size
) {
  CryptoOp op;
  op.kind = CryptoKind::verify_p256;
  op.input = {message, message_size};
  op.signature = {signature, size};
  op.alone = verify_alone;
  op.context = object;
  const Signing& signing = *static_cast<const Signing*>(object);
  op.number = signing.key->point;
  if (op.number.empty() || signing.hash_bits != 256) {  // not one that is batched
    verify_alone(op);
    return op.good ? 1 : 0;
  }
  return perform(op) ? 1 : 0;
}

const OSSL_DISPATCH ecdsa[] = {
    dispatch_entry(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    dispatch_entry(OSSL_FUNC_SIGNATURE_FREECTX, free_object<Signing>),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DUPCTX, signing_copy),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_init),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, signing_init),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, verify),
    {0, nullptr}
};

const OSSL_DISPATCH rsa[] = {
    dispatch_entry(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    dispatch_entry(OSSL_FUNC_SIGNATURE_FREECTX, free_object<Signing>),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DUPCTX, signing_copy),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_init),
    dispatch_entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
    dispatch_entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signing_set_params),
    dispatch_entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signing_settable_params),
    {0, nullptr}
};

// ---- the provider ----

const OSSL_ALGORITHM keys[] = {
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=gatehouse,gh.wrapped=yes", ec_keys, ""},
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=gatehouse,gh.wrapped=yes", rsa_keys, ""},
    {"X25519:1.3.101.110", "provider=gatehouse,gh.batched=yes", x25519_keys, ""},
    {nullptr, nullptr, nullptr, nullptr}
};
const OSSL_ALGORITHM signatures[] = {
    {"ECDSA", "provider=gatehouse,gh.batched=yes", ecdsa, ""},
    {"RSA:rsaEncryption", "provider=gatehouse,gh.wrapped=yes", rsa, ""},
    {nullptr, nullptr, nullptr, nullptr}
};

const OSSL_ALGORITHM exchanges[] = {
    {"X25519:1.3.101.110", "provider=gatehouse,gh.batched=yes", x25519_exchange, ""},
    {nullptr, nullptr, nullptr, nullptr}
};

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  *no_cache = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT:
      return keys;
    case OSSL_OP_SIGNATURE:
      return signatures;
    case OSSL_OP_KEYEXCH:
      return exchanges;
    default:
      return nullptr;
  }
}

// A group is used only when the provider that has its keys says that it is one.
int capabilities(void*, const char* kind, OSSL_CALLBACK* take, void* taker) {
  if (std::string_view(kind) != "TLS-GROUP") return 1;
  static char name[] = "x25519";
  static char algorithm[] = "X25519";
  static unsigned id = 29;  // RFC 8446 §4.2.7
  static unsigned security_bits = 128;
  static int tls_min = TLS1_2_VERSION;
  static int no_maximum = 0;
  static int never = -1;
  static const OSSL_PARAM x25519[] = {
      OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, name, sizeof name),
      OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, algorithm, sizeof algorithm),
      OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG, algorithm, sizeof algorithm),
      OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
      OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &security_bits),
      OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &tls_min),
      OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &no_maximum),
      OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &never),
      OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &never),
      OSSL_PARAM_END
  };
  return take(x25519, taker);
}

const OSSL_DISPATCH provider[] = {
    dispatch_entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
    dispatch_entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities),
    {0, nullptr}
};

int init(
    const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context
) {
  *out = provider;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

OSSL_LIB_CTX* make_library() {
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  if (library == nullptr) return nullptr;
  if (OSSL_PROVIDER_load(library, "default") != nullptr &&
      OSSL_PROVIDER_add_builtin(library, "gatehouse", init) == 1 &&
      OSSL_PROVIDER_load(library, "gatehouse") != nullptr)
    return library;
  OSSL_LIB_CTX_free(library);
  return nullptr;
}

}  // namespace

OSSL_LIB_CTX* provider_library() {
  static OSSL_LIB_CTX* const library = make_library();  // tables of functions, never changed
  return library;
}

KeyHandle wrap_key(std::shared_ptr<const PrivateKey> key) {
  const KeyHandle real = read_public_key(key->public_key_info());
  if (!real || provider_library() == nullptr) return {};
  const char* type = EVP_PKEY_is_a(real.get(), "EC") == 1    ? "EC"
                     : EVP_PKEY_is_a(real.get(), "RSA") == 1 ? "RSA"
                                                             : nullptr;
  if (type == nullptr) return {};
  const std::shared_ptr<const PrivateKey>* address = &key;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(key_param, &address, sizeof address),
      OSSL_PARAM_construct_end()
  };
  const KeyContextHandle context(
      EVP_PKEY_CTX_new_from_name(provider_library(), type, "gh.wrapped=yes")
  );
  EVP_PKEY* made = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params) != 1)
    return {};
  return KeyHandle(made);
}

}  // namespace gh::tls
