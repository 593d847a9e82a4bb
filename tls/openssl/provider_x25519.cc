// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/provider_x25519.h"

#include "tls/openssl/async_openssl.h"
#include "tls/openssl/handles.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace gh::tls {
namespace {

constexpr std::size_t key_bytes = 32;

using KeyBytes = std::array<std::uint8_t, key_bytes>;

struct Key {
  KeyBytes number{};  // our private key
  KeyBytes shared{};  // the public one
  bool has_number = false;
  bool has_shared = false;

  ~Key() { OPENSSL_cleanse(number.data(), number.size()); }
};

Key& key_of(void* object) { return *static_cast<Key*>(object); }

const Key& key_of(const void* object) { return *static_cast<const Key*>(object); }

void* key_new(void*) { return new (std::nothrow) Key; }

void key_free(void* object) { delete static_cast<Key*>(object); }

void* key_copy(const void* from, int selection) {
  auto* made = new (std::nothrow) Key;
  if (made == nullptr) return nullptr;
  const Key& key = key_of(from);
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0) {
    made->shared = key.shared;
    made->has_shared = key.has_shared;
  }
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) {
    made->number = key.number;
    made->has_number = key.has_number;
  }
  return made;
}

int key_has(const void* object, int selection) {
  if (object == nullptr) return 0;  // an EVP_PKEY that has a type and nothing else
  const Key& key = key_of(object);
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 && !key.has_shared) return 0;
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key.has_number ? 1 : 0;
}

int key_match(const void* a, const void* b, int selection) {
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) return 1;
  const Key& one = key_of(a);
  const Key& other = key_of(b);
  return one.has_shared && other.has_shared && one.shared == other.shared ? 1 : 0;
}

int set_int(OSSL_PARAM params[], const char* name, int value) {
  OSSL_PARAM* asked = OSSL_PARAM_locate(params, name);
  return asked == nullptr || OSSL_PARAM_set_int(asked, value) == 1;
}

int key_get_params(void* object, OSSL_PARAM params[]) {
  const Key& key = key_of(object);
  if (!set_int(params, OSSL_PKEY_PARAM_BITS, 253) ||
      !set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, 128) ||
      !set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, key_bytes))
    return 0;
  OSSL_PARAM* shared = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  if (shared == nullptr) return 1;
  return key.has_shared && OSSL_PARAM_set_octet_string(shared, key.shared.data(), key_bytes) == 1;
}

const OSSL_PARAM* key_gettable(void*) {
  static const OSSL_PARAM names[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0),
      OSSL_PARAM_END
  };
  return names;
}

// A peer's share.
int key_set_params(void* object, const OSSL_PARAM params[]) {
  const OSSL_PARAM* given = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  if (given == nullptr) return 1;
  if (given->data_type != OSSL_PARAM_OCTET_STRING || given->data_size != key_bytes) return 0;
  Key& key = key_of(object);
  std::memcpy(key.shared.data(), given->data, key_bytes);
  key.has_shared = true;
  return 1;
}

const OSSL_PARAM* key_settable(void*) {
  static const OSSL_PARAM names[] = {
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0), OSSL_PARAM_END
  };
  return names;
}

// Neither parameters nor keys are for other providers to have.
int key_import(void*, int, const OSSL_PARAM[]) { return 0; }

const OSSL_PARAM* key_import_types(int) { return nullptr; }

// ---- a fresh key ----

struct Generation {
  bool with_key;  // not: something to read a peer's share into
};

void* generation_new(void*, int selection, const OSSL_PARAM[]) {
  return new (std::nothrow) Generation{(selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0};
}

void generation_free(void* object) { delete static_cast<Generation*>(object); }

// The group's name is the key's own.
int generation_set_params(void*, const OSSL_PARAM[]) { return 1; }

const OSSL_PARAM* generation_settable(void*, void*) {
  static const OSSL_PARAM names[] = {
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0), OSSL_PARAM_END
  };
  return names;
}

KeyHandle private_of(ByteView number) {
  return KeyHandle(
      EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, number.data(), number.size())
  );
}

void public_alone(CryptoOp& op) noexcept {
  const KeyHandle key = private_of(op.number);
  op.output_size = op.output.size();
  op.good = key && EVP_PKEY_get_raw_public_key(key.get(), op.output.data(), &op.output_size) == 1;
}

void* generate(void* object, OSSL_CALLBACK*, void*) {
  auto key = std::unique_ptr<Key>(new (std::nothrow) Key);
  if (key && !static_cast<const Generation*>(object)->with_key) return key.release();
  if (!key || RAND_priv_bytes(key->number.data(), static_cast<int>(key_bytes)) != 1) return nullptr;
  CryptoOp op;
  op.kind = CryptoKind::x25519_public;
  op.number = key->number;
  op.output = key->shared;
  op.alone = public_alone;
  if (!perform(op)) return nullptr;
  key->has_number = key->has_shared = true;
  return key.release();
}

// ---- the exchange ----

struct Exchange {
  const Key* own = nullptr;  // both live as long: the EVP_PKEY_CTX holds them
  const Key* peer = nullptr;
};

void* exchange_new(void*) { return new (std::nothrow) Exchange; }

void exchange_free(void* object) { delete static_cast<Exchange*>(object); }

int exchange_init(void* object, void* key, const OSSL_PARAM[]) {
  static_cast<Exchange*>(object)->own = static_cast<const Key*>(key);
  return key != nullptr && key_of(key).has_number ? 1 : 0;
}

int exchange_set_peer(void* object, void* key) {
  static_cast<Exchange*>(object)->peer = static_cast<const Key*>(key);
  return key != nullptr && key_of(key).has_shared ? 1 : 0;
}

void derive_alone(CryptoOp& op) noexcept {
  const KeyHandle own = private_of(op.number);
  const KeyHandle peer(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, op.input.data(), op.input.size())
  );
  const KeyContextHandle context(
      own ? EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr) : nullptr
  );
  op.output_size = op.output.size();
  op.good = context && peer && EVP_PKEY_derive_init(context.get()) == 1 &&
            EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
            EVP_PKEY_derive(context.get(), op.output.data(), &op.output_size) == 1;
}

// A peer's point of small order gives zero, whatever our key is (RFC 8446 §7.4.2: abort).
bool is_zero(const KeyBytes& secret) {
  std::uint8_t any = 0;
  for (const std::uint8_t byte : secret) any = static_cast<std::uint8_t>(any | byte);
  return any == 0;
}

int derive(void* object, unsigned char* secret, std::size_t* size, std::size_t room) {
  const Exchange& exchange = *static_cast<const Exchange*>(object);
  *size = key_bytes;
  if (secret == nullptr) return 1;
  if (exchange.own == nullptr || exchange.peer == nullptr || room < key_bytes) return 0;
  KeyBytes out{};
  CryptoOp op;
  op.kind = CryptoKind::x25519_derive;
  op.number = exchange.own->number;
  op.input = exchange.peer->shared;
  op.output = out;
  op.alone = derive_alone;
  const bool good = perform(op) && !is_zero(out);
  if (good) std::copy(out.begin(), out.end(), secret);
  OPENSSL_cleanse(out.data(), out.size());
  return good ? 1 : 0;
}

}  // namespace

const OSSL_DISPATCH x25519_keys[] = {
    dispatch_entry(OSSL_FUNC_KEYMGMT_NEW, key_new),
    dispatch_entry(OSSL_FUNC_KEYMGMT_FREE, key_free),
    dispatch_entry(OSSL_FUNC_KEYMGMT_DUP, key_copy),
    dispatch_entry(OSSL_FUNC_KEYMGMT_HAS, key_has),
    dispatch_entry(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),
    dispatch_entry(OSSL_FUNC_KEYMGMT_SET_PARAMS, key_set_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, key_settable),
    dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    dispatch_entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_INIT, generation_new),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, generation_set_params),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, generation_settable),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GEN, generate),
    dispatch_entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, generation_free),
    {0, nullptr}
};

const OSSL_DISPATCH x25519_exchange[] = {
    dispatch_entry(OSSL_FUNC_KEYEXCH_NEWCTX, exchange_new),
    dispatch_entry(OSSL_FUNC_KEYEXCH_FREECTX, exchange_free),
    dispatch_entry(OSSL_FUNC_KEYEXCH_INIT, exchange_init),
    dispatch_entry(OSSL_FUNC_KEYEXCH_SET_PEER, exchange_set_peer),
    dispatch_entry(OSSL_FUNC_KEYEXCH_DERIVE, derive),
    {0, nullptr}
};

}  // namespace gh::tls
