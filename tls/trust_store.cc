// SPDX-License-Identifier: Apache-2.0
#include "tls/trust_store.h"

#include "base/assert.h"
#include "tls/openssl/path_verifier.h"
#include "tls/openssl/public_key.h"
#include "tls/openssl/trust_contents.h"
#include "tls/pem_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace gh::tls {

Fingerprint sha256(ByteView bytes) {
  Fingerprint out;
  SHA256(bytes.data(), bytes.size(), out.data());
  return out;
}

namespace {

void append_length(std::vector<std::uint8_t>& out, std::size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(length >> shift));
}

void append_piece(std::vector<std::uint8_t>& out, ByteView piece) {
  append_length(out, piece.size());
  out.insert(out.end(), piece.begin(), piece.end());
}

}  // namespace

std::vector<std::uint8_t> pack_chain(std::span<const ByteView> chain) {
  std::vector<std::uint8_t> bytes;
  std::size_t size = 0;
  for (const ByteView certificate : chain) size += 4 + certificate.size();
  bytes.reserve(size);
  for (const ByteView certificate : chain) append_piece(bytes, certificate);
  return bytes;
}

std::vector<ByteView> unpack_chain(ByteView packed) {
  std::vector<ByteView> chain;
  while (packed.size() >= 4) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | packed[i];
    packed = packed.subspan(4);
    GH_ASSERT(length <= packed.size());
    chain.push_back(packed.first(length));
    packed = packed.subspan(length);
  }
  return chain;
}

Fingerprint chain_fingerprint(std::span<const ByteView> chain) { return sha256(pack_chain(chain)); }

// ---- PEM ----

Outcome<std::string> read_pem_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fault("cannot be opened for reading", path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return fault("cannot be read", path);
  return text;
}

Outcome<std::vector<std::vector<std::uint8_t>>> pem_blocks(
    std::string_view pem, std::string_view type, const std::string& where
) {
  std::vector<std::vector<std::uint8_t>> out;
  BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) break;
    if (type == name && header[0] == '\0') out.emplace_back(data, data + size);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!ended) return fault("a PEM block in it is damaged", where);
  return out;
}

Outcome<std::vector<std::vector<std::uint8_t>>> certificates_of_pem(
    std::string_view pem, const std::string& where
) {
  GH_TRY(auto blocks, pem_blocks(pem, "CERTIFICATE", where));
  if (blocks.empty()) return fault("no certificate in it (no -----BEGIN CERTIFICATE-----)", where);
  return blocks;
}

// ---- the store ----

TrustStore::TrustStore() : contents_(std::make_unique<Contents>()) {}

TrustStore::~TrustStore() = default;

namespace {

Outcome<void> add_anchor(
    TrustStore::Contents& to,
    std::vector<std::uint8_t> der,
    std::size_t index,
    const std::string& where
) {
  if (!to.fingerprints.insert(sha256(der)).second) return {};
  auto anchor = std::make_unique<TrustStore::Contents::Anchor>();
  PeerCertificate names;
  anchor->der = std::move(der);
  auto certificate = parse_certificate(anchor->der, &names);
  if (!certificate)
    return fault("certificate " + std::to_string(index + 1) + " in it cannot be parsed", where);
  anchor->certificate = std::move(*certificate);
  if (anchor->certificate.key_algorithm != KeyAlgorithm::unknown) {
    anchor->owned_key = read_public_key(anchor->certificate.public_key_info);
    anchor->key = anchor->owned_key.get();
    if (anchor->key == nullptr)
      return fault(
          "the public key of certificate " + std::to_string(index + 1) + " in it cannot be read",
          where
      );
  }
  anchor->label = names.has_common_name ? names.common_name : "number " + std::to_string(index + 1);
  to.by_subject[as_text(anchor->certificate.subject)].push_back(anchor.get());
  to.anchors.push_back(std::move(anchor));
  return {};
}

// A list of an authority in the bundle must bear its signature; one of an intermediate is checked
// when that is met.
Outcome<void> add_list(
    TrustStore::Contents& to, std::vector<std::uint8_t> der, const std::string& where
) {
  GH_TRY(auto list, RevocationList::parse(std::move(der), where));
  if (const auto issuers = to.by_subject.find(as_text(list.issuer()));
      issuers != to.by_subject.end()) {
    list.issuer_known =
        std::any_of(issuers->second.begin(), issuers->second.end(), [&](const auto* issuer) {
          const Certificate& c = issuer->certificate;
          return (c.key_usage == 0 || (c.key_usage & Certificate::crl_sign) != 0) &&
                 signature_valid(
                     list.signature_algorithm(), list.tbs(), list.signature(), c, issuer->key
                 );
        });
    if (!list.issuer_known)
      return fault(
          "a CRL in it names authority \"" + issuers->second.front()->label +
              "\" but is not signed by it",
          where
      );
  }
  to.lists.push_back(std::move(list));
  return {};
}

TrustStore::Epoch epoch_of(const TrustStore::Contents& contents) {
  std::vector<std::uint8_t> bytes;
  append_piece(bytes, as_bytes("gatehouse trust 1"));
  append_length(bytes, contents.fingerprints.size());
  for (const Fingerprint& authority : contents.fingerprints)
    append_piece(bytes, authority);  // in order: a std::set
  std::set<Fingerprint> lists;
  for (const RevocationList& list : contents.lists) lists.insert(sha256(list.der()));
  for (const Fingerprint& list : lists) append_piece(bytes, list);
  return sha256(bytes);
}

}  // namespace

Outcome<std::shared_ptr<const TrustStore>> TrustStore::from_pem(
    std::string_view ca_pem,
    std::string_view crl_pem,
    const std::string& ca_where,
    const std::string& crl_where
) {
  GH_TRY(auto authorities, certificates_of_pem(ca_pem, ca_where));
  GH_TRY(auto lists, pem_blocks(crl_pem, "X509 CRL", crl_where));
  if (lists.empty() && !crl_pem.empty())
    return fault("no CRL in it (no -----BEGIN X509 CRL-----)", crl_where);
  std::shared_ptr<TrustStore> store(new TrustStore);
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    GH_TRY_VOID(add_anchor(*store->contents_, std::move(authorities[i]), i, ca_where));
  }
  for (auto& list : lists) GH_TRY_VOID(add_list(*store->contents_, std::move(list), crl_where));
  store->epoch_ = epoch_of(*store->contents_);
  return std::shared_ptr<const TrustStore>(std::move(store));
}

std::shared_ptr<const TrustStore> TrustStore::nobody() {
  std::shared_ptr<TrustStore> store(new TrustStore);
  store->epoch_ = epoch_of(*store->contents_);
  return store;
}

Outcome<std::shared_ptr<const TrustStore>> TrustStore::load(
    const std::string& ca_file, const std::string& crl_file
) {
  GH_TRY(const auto authorities, read_pem_file(ca_file));
  std::string lists;
  if (!crl_file.empty()) {
    GH_TRY(lists, read_pem_file(crl_file));
  }
  return from_pem(authorities, lists, ca_file, crl_file);
}

Result<PeerCertificate, TlsError> TrustStore::verify(
    std::span<const ByteView> chain, const VerifyRequest& request, std::string* why
) const {
  return PathVerifier(*this, request, why).run(chain, {});
}

std::uint64_t TrustStore::epoch() const noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | epoch_[i];
  return out;
}

std::size_t TrustStore::authorities() const noexcept { return contents_->anchors.size(); }

std::vector<std::string> TrustStore::warnings(UnixTime now) const {
  std::vector<std::string> out;
  for (const auto& anchor : contents_->anchors) {
    if (now > anchor->certificate.not_after)
      out.push_back(
          "the certificate authority \"" + anchor->label +
          "\" has expired: nothing it signed is accepted"
      );
    if (now < anchor->certificate.not_before)
      out.push_back("the certificate authority \"" + anchor->label + "\" is not valid yet");
  }
  for (const RevocationList& list : contents_->lists) {
    if (list.outdated(now)) out.push_back("a CRL is past its nextUpdate; it is still applied");
  }
  return out;
}

Result<PeerCertificate, TlsError> parse_peer_certificate(ByteView der) {
  PeerCertificate names;
  const auto certificate = parse_certificate(der, &names);
  if (!certificate) return fail(TlsError::unparsable_certificate);
  if (certificate->key_algorithm == KeyAlgorithm::ecdsa &&
      !read_public_key(certificate->public_key_info))
    return fail(TlsError::unparsable_certificate);
  names.fingerprint = sha256(der);
  names.chain_fingerprint = chain_fingerprint(std::span(&der, 1));
  return names;
}

}  // namespace gh::tls
