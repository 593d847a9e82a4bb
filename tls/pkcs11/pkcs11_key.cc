// SPDX-License-Identifier: Apache-2.0
#include "tls/pkcs11/pkcs11_key.h"

#include "base/limits.h"
#include "tls/openssl/ecdsa.h"
#include "tls/openssl/handles.h"
#include "tls/openssl/local_key.h"
#include "tls/openssl/public_key.h"
#include "tls/pem_file.h"
#include "tls/pkcs11/pkcs11_module.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace gh::tls {
namespace {

// ---- what is signed ----

std::optional<CK_MECHANISM_TYPE> mechanism_of(SignatureScheme scheme) {
  switch (family_of(scheme)) {
    case SignatureFamily::rsa_pkcs1:
      return CKM_RSA_PKCS;
    case SignatureFamily::rsa_pss:
      return CKM_RSA_PKCS_PSS;
    case SignatureFamily::ecdsa:
      return CKM_ECDSA;
    case SignatureFamily::ed25519:
      break;
  }
  return std::nullopt;
}

CK_RSA_PKCS_PSS_PARAMS pss_of(std::size_t hash_bytes) {
  switch (hash_bytes) {
    case 32:
      return {CKM_SHA256, CKG_MGF1_SHA256, hash_bytes};
    case 48:
      return {CKM_SHA384, CKG_MGF1_SHA384, hash_bytes};
    default:
      return {CKM_SHA512, CKG_MGF1_SHA512, hash_bytes};
  }
}

// What stands before the hash in PKCS#1 v1.5 (RFC 8017 §9.2 note 1): a DigestInfo, of which only
// the lengths and the last arc of the hash's name differ.
std::array<std::uint8_t, 19> digest_info(std::size_t hash_bytes) {
  const auto size = static_cast<std::uint8_t>(hash_bytes);
  const std::uint8_t arc = size == 32 ? 1 : size == 48 ? 2 : 3;
  return {
      0x30,
      static_cast<std::uint8_t>(17 + size),
      0x30,
      0x0d,
      0x06,
      0x09,
      0x60,
      0x86,
      0x48,
      0x01,
      0x65,
      0x03,
      0x04,
      0x02,
      arc,
      0x05,
      0x00,
      0x04,
      size
  };
}

// ---- the key ----

struct Session {
  CK_SESSION_HANDLE handle = 0;
  CK_OBJECT_HANDLE key = 0;
};

class Pkcs11Key final : public PrivateKey {
 public:
  Pkcs11Key(
      std::shared_ptr<const Pkcs11Module> module, Pkcs11Uri uri, std::string pin, ByteView info
  )
      : module_(std::move(module)),
        uri_(std::move(uri)),
        pin_(std::move(pin)),
        info_(info.begin(), info.end()) {}

  ~Pkcs11Key() override {
    for (const Session& session : idle_) close(session);
    OPENSSL_cleanse(pin_.data(), pin_.size());
  }

  // Opens a session; why not, if it cannot.
  Outcome<void> start() {
    GH_TRY(const Session session, open());
    idle_.push_back(session);
    return {};
  }

  std::size_t sign(SignatureScheme scheme, ByteView message, MutableBytes signature)
      const noexcept override;

  ByteView public_key_info() const noexcept override { return info_; }

  bool blocks() const noexcept override { return true; }

 private:
  const CK_FUNCTION_LIST& call() const { return module_->functions(); }

  Outcome<Session> open() const;
  Outcome<CK_OBJECT_HANDLE> find(CK_SESSION_HANDLE session) const;
  CK_RV sign_once(
      const Session& session,
      SignatureScheme scheme,
      CK_MECHANISM_TYPE type,
      ByteView message,
      MutableBytes out,
      std::size_t& size
  ) const;

  void close(const Session& session) const { call().C_CloseSession(session.handle); }

  std::shared_ptr<const Pkcs11Module> module_;
  Pkcs11Uri uri_;
  std::string pin_;
  std::vector<std::uint8_t> info_;
  mutable std::mutex mutex_;
  mutable std::vector<Session> idle_;
};

Outcome<Session> Pkcs11Key::open() const {
  GH_TRY(const CK_SLOT_ID slot, module_->find_token(uri_));
  Session session;
  CK_RV result = call().C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session.handle);
  if (result != CKR_OK) return fault("the token opens no session: " + text_of_ckr(result));
  if (!pin_.empty()) {
    auto* pin = reinterpret_cast<CK_UTF8CHAR*>(const_cast<char*>(pin_.data()));
    result = call().C_Login(session.handle, CKU_USER, pin, pin_.size());
    if (result != CKR_OK && result != CKR_USER_ALREADY_LOGGED_IN) {
      close(session);
      return fault("the token refuses the login: " + text_of_ckr(result));
    }
  }
  auto key = find(session.handle);
  if (!key) {
    close(session);
    return fail(std::move(key).error());
  }
  session.key = *key;
  return session;
}

Outcome<CK_OBJECT_HANDLE> Pkcs11Key::find(CK_SESSION_HANDLE session) const {
  CK_OBJECT_CLASS wanted = CKO_PRIVATE_KEY;
  std::vector<CK_ATTRIBUTE> attributes = {{CKA_CLASS, &wanted, sizeof wanted}};
  const auto add = [&](CK_ATTRIBUTE_TYPE type, const std::optional<std::string>& value) {
    if (value) attributes.push_back({type, const_cast<char*>(value->data()), value->size()});
  };
  add(CKA_LABEL, uri_.object);
  add(CKA_ID, uri_.id);
  CK_RV result = call().C_FindObjectsInit(session, attributes.data(), attributes.size());
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG n = 0;
  if (result == CKR_OK) {
    result = call().C_FindObjects(session, found.data(), found.size(), &n);
    call().C_FindObjectsFinal(session);
  }
  if (result != CKR_OK) return fault("the token cannot be searched: " + text_of_ckr(result));
  if (n == 0) {
    return fault(
        pin_.empty() ? "no such private key in the token (no PIN was given to see more)"
                     : "no such private key in the token"
    );
  }
  if (n > 1) return fault("more than one private key is meant");
  return found[0];
}

CK_RV Pkcs11Key::sign_once(
    const Session& session,
    SignatureScheme scheme,
    CK_MECHANISM_TYPE type,
    ByteView message,
    MutableBytes out,
    std::size_t& size
) const {
  const std::size_t hash_bytes = hash_bytes_of(scheme);
  const auto info = digest_info(hash_bytes);
  std::array<std::uint8_t, info.size() + 64> input{};
  const std::size_t before = type == CKM_RSA_PKCS ? info.size() : 0;
  std::copy_n(info.begin(), before, input.begin());
  unsigned written = 0;
  if (EVP_Digest(
          message.data(), message.size(), input.data() + before, &written, hash_of(scheme), nullptr
      ) != 1)
    return CKR_HOST_MEMORY;
  CK_RSA_PKCS_PSS_PARAMS pss = pss_of(hash_bytes);
  CK_MECHANISM mechanism{type, nullptr, 0};
  if (type == CKM_RSA_PKCS_PSS) mechanism = {type, &pss, sizeof pss};
  CK_RV result = call().C_SignInit(session.handle, &mechanism, session.key);
  if (result != CKR_OK) return result;
  CK_ULONG room = out.size();
  result = call().C_Sign(session.handle, input.data(), before + written, out.data(), &room);
  size = result == CKR_OK ? std::min<std::size_t>(room, out.size()) : 0;
  return result;
}

// A session may have ended with its token (a restart, a reset): then once more in a new one.
std::size_t Pkcs11Key::sign(SignatureScheme scheme, ByteView message, MutableBytes signature)
    const noexcept {
  const auto type = mechanism_of(scheme);
  if (!type) return 0;
  std::array<std::uint8_t, signature_bytes_max> raw{};
  std::size_t size = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    Session session;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty() && attempt == 0) {
        session = idle_.back();
        idle_.pop_back();
      }
    }
    if (session.handle == 0) {
      auto opened = open();
      if (!opened) return 0;
      session = *opened;
    }
    const CK_RV result = sign_once(session, scheme, *type, message, raw, size);
    if (result != CKR_OK) {
      close(session);
      continue;
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back(session);
    break;
  }
  const ByteView made = ByteView(raw).first(size);
  if (size == 0) return 0;
  if (*type == CKM_ECDSA) return encode_ecdsa(made, signature);
  if (size > signature.size()) return 0;
  std::copy(made.begin(), made.end(), signature.begin());
  return size;
}

// ---- opened ----

Outcome<std::string> pin_of(const Pkcs11Uri& uri) {
  if (uri.pin_value) return *uri.pin_value;
  if (uri.pin_file.empty()) return std::string();
  GH_TRY(std::string pin, read_pem_file(uri.pin_file));
  while (!pin.empty() && (pin.back() == '\n' || pin.back() == '\r')) pin.pop_back();
  if (pin.empty()) return fault("the file of the PIN is empty", uri.pin_file);
  return pin;
}

// What it signs is what the certificate's key verifies.
bool belongs_to(const PrivateKey& key, EVP_PKEY* public_key) {
  const bool rsa = EVP_PKEY_id(public_key) == EVP_PKEY_RSA;
  const ByteView question = as_bytes("gatehouse asks whether this key belongs to its certificate");
  std::array<std::uint8_t, signature_bytes_max> signature{};
  const std::size_t size = key.sign(
      rsa ? SignatureScheme::rsa_pss_sha256 : SignatureScheme::ecdsa_sha256, question, signature
  );
  const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  ERR_clear_error();
  const bool good =
      size != 0 && context &&
      EVP_DigestVerifyInit(context.get(), &settings, EVP_sha256(), nullptr, public_key) == 1 &&
      (!rsa || EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1) &&
      EVP_DigestVerify(context.get(), signature.data(), size, question.data(), question.size()) ==
          1;
  ERR_clear_error();
  return good;
}

struct Opened {
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<const PrivateKey>> keys;
};

// A reload that changes nothing asks no token.
Opened& opened() {
  static auto* const all = new Opened;
  return *all;
}

}  // namespace

Outcome<std::shared_ptr<const PrivateKey>> open_pkcs11_key(
    const std::string& text, ByteView public_key_info
) {
  const std::string where = without_pin(text);
  const auto named = [&](Fault at) {
    if (at.where.empty()) at.where = where;
    return at;
  };
  const std::lock_guard lock(opened().mutex);
  std::erase_if(opened().keys, [](const auto& entry) { return entry.second.expired(); });
  auto& known = opened().keys[{text, std::string(as_text(public_key_info))}];
  if (auto key = known.lock()) return key;
  auto uri = parse_pkcs11_uri(text);
  if (!uri) return fail(named(std::move(uri).error()));
  const KeyHandle public_key = read_public_key(public_key_info);
  const int kind = public_key ? EVP_PKEY_id(public_key.get()) : 0;
  if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
    return fault("a key in a token must be an EC or RSA key", where);
  auto pin = pin_of(*uri);
  if (!pin) return fail(named(std::move(pin).error()));
  auto module = Pkcs11Module::load(uri->module_path);
  if (!module) return fail(named(std::move(module).error()));
  auto key = std::make_shared<Pkcs11Key>(*module, *uri, std::move(*pin), public_key_info);
  if (auto started = key->start(); !started) return fail(named(std::move(started).error()));
  if (!belongs_to(*key, public_key.get()))
    return fault("the private key in the token does not sign for the certificate", where);
  known = key;
  return std::shared_ptr<const PrivateKey>(std::move(key));
}

}  // namespace gh::tls
