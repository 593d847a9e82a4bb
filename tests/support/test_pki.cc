// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_pki.h"

#include "tests/support/tls_compat.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

namespace gh::test {

struct Issued::Impl {
  ~Impl() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
  std::vector<std::shared_ptr<const Impl>> above;  // intermediates, nearest first
  bool is_root = false;
};

namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "test PKI: %s failed\n", what);
  std::abort();
}

EVP_PKEY* make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::p256:
      return EVP_EC_gen("P-256");
    case KeyKind::p384:
      return EVP_EC_gen("P-384");
    case KeyKind::rsa2048:
      return EVP_RSA_gen(2048);
    case KeyKind::rsa1024:
      return EVP_RSA_gen(1024);
    case KeyKind::ed25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  return nullptr;
}

void add_name(X509_NAME* name, const char* oid, const std::string& value) {
  ASN1_OBJECT* object = OBJ_txt2obj(oid, 1);
  const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
  must(
      X509_NAME_add_entry_by_OBJ(
          name, object, V_ASN1_UTF8STRING, bytes, static_cast<int>(value.size()), -1, 0
      ) == 1,
      "subject"
  );
  ASN1_OBJECT_free(object);
}

void add_extension(X509* to, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  must(extension != nullptr && X509_add_ext(to, extension, -1) == 1, value.c_str());
  X509_EXTENSION_free(extension);
}

void add_alternative_names(X509* to, const Options& options) {
  GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
  const auto add = [names](int type, const std::string& text) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_STRING* value = type == GEN_IPADD ? a2i_IPADDRESS(text.c_str()) : ASN1_IA5STRING_new();
    must(name != nullptr && value != nullptr, text.c_str());
    if (type != GEN_IPADD) ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
    GENERAL_NAME_set0_value(name, type, value);
    must(sk_GENERAL_NAME_push(names, name) > 0, text.c_str());
  };
  for (const auto& name : options.dns_names) add(GEN_DNS, name);
  for (const auto& name : options.ip_names) add(GEN_IPADD, name);
  for (const auto& name : options.uri_names) add(GEN_URI, name);
  for (const auto& name : options.mail_names) add(GEN_EMAIL, name);
  if (sk_GENERAL_NAME_num(names) > 0)
    must(X509_add1_ext_i2d(to, NID_subject_alt_name, names, 0, 0) == 1, "subjectAltName");
  GENERAL_NAMES_free(names);
}

void add_unknown_critical(X509* to) {
  ASN1_OBJECT* id = OBJ_txt2obj("1.2.3.4.5", 1);
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>("\x05\x00"), 2);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, id, 1, value);
  must(X509_add_ext(to, extension, -1) == 1, "critical extension");
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(id);
}

std::string usage_text(Usage usage) {
  switch (usage) {
    case Usage::none:
      return "";
    case Usage::client:
      return "clientAuth";
    case Usage::server:
      return "serverAuth";
    case Usage::both:
      return "serverAuth,clientAuth";
    case Usage::any:
      return "anyExtendedKeyUsage";
    case Usage::code_signing:
      return "codeSigning";
  }
  return "";
}

void add_extensions(X509* to, X509* issuer, const Options& options) {
  const std::string length =
      options.path_length >= 0 ? ",pathlen:" + std::to_string(options.path_length) : "";
  add_extension(
      to,
      issuer,
      NID_basic_constraints,
      options.is_ca ? "critical,CA:TRUE" + length : "critical,CA:FALSE"
  );
  add_extension(
      to,
      issuer,
      NID_key_usage,
      options.is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"
  );
  add_extension(to, issuer, NID_subject_key_identifier, "hash");
  if (issuer != to) add_extension(to, issuer, NID_authority_key_identifier, "keyid:always");
  if (const auto usage = usage_text(options.usage); !usage.empty())
    add_extension(to, issuer, NID_ext_key_usage, usage);
  add_alternative_names(to, options);
  if (!options.name_constraints.empty())
    add_extension(to, issuer, NID_name_constraints, "critical," + options.name_constraints);
  if (options.unknown_critical) add_unknown_critical(to);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

std::string certificate_pem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  must(PEM_write_bio_X509(bio, certificate) == 1, "PEM");
  return text_of(bio);
}

std::vector<std::uint8_t> certificate_der(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  must(size > 0, "DER");
  std::vector<std::uint8_t> out(bytes, bytes + size);
  OPENSSL_free(bytes);
  return out;
}

// Signed by `issuer`, or by itself when that is null.
std::shared_ptr<Issued::Impl> make(const Options& options, const Issued::Impl* issuer) {
  auto out = std::make_shared<Issued::Impl>();
  out->key = make_key(options.key);
  out->certificate = X509_new();
  X509* c = out->certificate;
  must(out->key != nullptr && c != nullptr && X509_set_version(c, X509_VERSION_3) == 1, "key");
  std::uint64_t serial = 0;
  must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "random");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), serial >> 1 | 1);
  ASN1_TIME_adj(X509_getm_notBefore(c), static_cast<time_t>(options.not_before), 0, 0);
  ASN1_TIME_adj(X509_getm_notAfter(c), static_cast<time_t>(options.not_after), 0, 0);
  X509_NAME* name = X509_NAME_new();  // OpenSSL 4 gives the one in `c` for reading only
  for (const auto& organization : options.organizations) add_name(name, "2.5.4.10", organization);
  if (!options.common_name.empty()) add_name(name, "2.5.4.3", options.common_name);
  for (const auto& uid : options.uids) add_name(name, "1.3.6.1.4.1.57683.2", uid);
  must(X509_set_subject_name(c, name) == 1, "subject");
  X509_NAME_free(name);
  X509* signer = issuer == nullptr ? c : issuer->certificate;
  must(
      X509_set_issuer_name(c, X509_get_subject_name(signer)) == 1 &&
          X509_set_pubkey(c, out->key) == 1,
      "names"
  );
  add_extensions(c, signer, options);
  EVP_PKEY* key = issuer == nullptr ? out->key : issuer->key;
  const EVP_MD* digest = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr
                         : options.sha1                                ? EVP_sha1()
                                                                       : EVP_sha256();
  must(X509_sign(c, key, digest) > 0, "signing");
  if (issuer != nullptr) out->above = issuer->above;
  return out;
}

}  // namespace

// ---- Issued ----

std::string Issued::pem() const { return certificate_pem(impl_->certificate); }

std::string Issued::chain_pem() const {
  std::string out = pem();
  for (const auto& above : impl_->above) out += certificate_pem(above->certificate);
  return out;
}

std::string Issued::key_pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  must(
      PEM_write_bio_PKCS8PrivateKey(bio, impl_->key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
      "key PEM"
  );
  return text_of(bio);
}

std::vector<std::uint8_t> Issued::der() const { return certificate_der(impl_->certificate); }

std::vector<std::vector<std::uint8_t>> Issued::chain_der() const {
  std::vector<std::vector<std::uint8_t>> out = {der()};
  for (const auto& above : impl_->above) out.push_back(certificate_der(above->certificate));
  return out;
}

// ---- Authority ----

Authority::Authority(const std::string& common_name, Options options) {
  options.common_name = common_name;
  options.is_ca = true;
  auto impl = make(options, nullptr);
  impl->is_root = true;
  certificate_.impl_ = std::move(impl);
}

Authority Authority::intermediate(const std::string& common_name, Options options) const {
  options.common_name = common_name;
  options.is_ca = true;
  Authority out;
  out.certificate_ = issue(options);
  return out;
}

Issued Authority::issue(const Options& options) const {
  auto impl = make(options, certificate_.impl_.get());
  if (!certificate_.impl_->is_root) impl->above.insert(impl->above.begin(), certificate_.impl_);
  Issued out;
  out.impl_ = std::move(impl);
  return out;
}

Issued Authority::server(const std::string& dns_name, const std::vector<std::string>& ip_names)
    const {
  Options options;
  options.common_name = dns_name;
  options.dns_names = {dns_name};
  options.ip_names = ip_names;
  options.usage = Usage::server;
  return issue(options);
}

Issued Authority::client(
    const std::string& common_name, const std::vector<std::string>& organizations
) const {
  Options options;
  options.common_name = common_name;
  options.organizations = organizations;
  options.usage = Usage::client;
  return issue(options);
}

std::string Authority::crl_pem(const std::vector<Issued>& revoked) const {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate_.impl_->certificate));
  ASN1_TIME* time = ASN1_TIME_set(nullptr, static_cast<time_t>(valid_from_seconds));
  X509_CRL_set1_lastUpdate(list, time);
  ASN1_TIME_set(time, static_cast<time_t>(valid_until_seconds));
  X509_CRL_set1_nextUpdate(list, time);
  for (const auto& one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    ASN1_TIME_set(time, static_cast<time_t>(valid_from_seconds));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one.impl_->certificate));
    X509_CRL_add0_revoked(list, entry);
  }
  ASN1_TIME_free(time);
  X509_CRL_sort(list);
  must(X509_CRL_sign(list, certificate_.impl_->key, EVP_sha256()) > 0, "CRL");
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_CRL(bio, list);
  X509_CRL_free(list);
  return text_of(bio);
}

Issued Authority::self(const Options& options) {
  Issued out;
  out.impl_ = make(options, nullptr);
  return out;
}

}  // namespace gh::test
