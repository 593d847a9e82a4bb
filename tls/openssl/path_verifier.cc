// SPDX-License-Identifier: Apache-2.0
#include "tls/openssl/path_verifier.h"

#include "base/limits.h"
#include "tls/certificate_policies.h"
#include "tls/name_constraints.h"
#include "tls/name_syntax.h"
#include "tls/openssl/public_key.h"
#include "tls/openssl/trust_contents.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace gh::tls {
namespace {

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// The same entity under another certificate (subject, key and SAN): such a loop is left out of
// paths.
bool in_path(const Certificate& candidate, const std::vector<const PathCandidate*>& path) {
  for (const PathCandidate* member : path) {
    const Certificate& other = member->certificate;
    if (!same(candidate.subject, other.subject) ||
        !same(candidate.public_key_info, other.public_key_info))
      continue;
    if (candidate.has_subject_alt_name != other.has_subject_alt_name)
      return false;  // as Go has it: looks no further
    if (same(candidate.subject_alt_name, other.subject_alt_name)) return true;
  }
  return false;
}

// RFC 5280 §4.2.1.9 and §4.2.1.3: a certificate that may not sign certificates.
bool may_sign(const Certificate& parent) {
  if (parent.version == 3 && !parent.has_basic_constraints) return false;
  if (parent.has_basic_constraints && !parent.is_ca) return false;
  return parent.key_usage == 0 || (parent.key_usage & Certificate::key_cert_sign) != 0;
}

// Extended key usage is nested: each certificate that lists usages must list ours, or any.
bool usage_permitted(const std::vector<const Certificate*>& path, Purpose purpose) {
  return std::all_of(path.begin(), path.end(), [purpose](const Certificate* c) {
    return !c->has_extended_key_usage || c->usage_any ||
           (purpose == Purpose::client ? c->usage_client : c->usage_server);
  });
}

// How plausible a parent is by its key identifier; the most plausible ones are tried first.
int plausibility(const Certificate& child, const Certificate& parent) {
  if (same(parent.subject_key_id, child.authority_key_id)) return 0;
  return parent.subject_key_id.empty() || child.authority_key_id.empty() ? 1 : 2;
}

}  // namespace

TlsError PathVerifier::refuse(TlsError error, std::string text) {
  if (why_ != nullptr) *why_ = std::move(text);
  return error;
}

TlsError PathVerifier::read_chain(
    std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys, PeerCertificate& names
) {
  presented_.reserve(chain.size());
  for (std::size_t i = 0; i < chain.size(); ++i) {
    auto certificate = parse_certificate(chain[i], i == 0 ? &names : nullptr);
    if (!certificate)
      return refuse(TlsError::unparsable_certificate, "a certificate cannot be parsed");
    PathCandidate candidate;
    if (!keys.empty()) {
      candidate.key = keys[i];
    } else if (certificate->key_algorithm != KeyAlgorithm::unknown) {
      candidate.owned_key = read_public_key(certificate->public_key_info);
      candidate.key = candidate.owned_key.get();
    }
    if (certificate->rsa_bits > limits::rsa_key_bits_max) {
      return refuse(TlsError::certificate_other, "a certificate has an RSA key that is too large");
    }
    // A point that is not on its curve: Go does not parse such a certificate.
    if (certificate->key_algorithm == KeyAlgorithm::ecdsa && candidate.key == nullptr) {
      return refuse(
          TlsError::unparsable_certificate, "a certificate's public key is not a point on its curve"
      );
    }
    candidate.certificate = std::move(*certificate);
    presented_.push_back(std::move(candidate));
  }
  switch (presented_[0].certificate.key_algorithm) {
    case KeyAlgorithm::rsa:
    case KeyAlgorithm::ecdsa:
    case KeyAlgorithm::ed25519:
      return TlsError::none;
    case KeyAlgorithm::unknown:
    case KeyAlgorithm::dsa:
      break;
  }
  return refuse(
      TlsError::certificate_other, "a certificate with a key of this kind cannot be used in TLS"
  );
}

TlsError PathVerifier::standing(const Certificate& certificate, Role role) {
  if (certificate.unhandled_critical)
    return refuse(
        TlsError::certificate_other, "a certificate has a critical extension that is not supported"
    );
  if (request_.now < certificate.not_before) {
    depends_on_time_ = true;
    return refuse(TlsError::not_yet_valid, "a certificate is not valid yet");
  }
  if (request_.now > certificate.not_after ||
      (request_.now_is_cut && request_.now == certificate.not_after)) {
    depends_on_time_ = true;
    return refuse(TlsError::expired, "a certificate has expired");
  }
  if (role == Role::intermediate && !(certificate.has_basic_constraints && certificate.is_ca)) {
    return refuse(
        TlsError::certificate_other, "an intermediate certificate is not a certificate authority"
    );
  }
  const auto below =
      static_cast<std::int64_t>(path_.size()) - 1;  // intermediates between it and the leaf
  if (certificate.has_basic_constraints && certificate.path_length_max >= 0 &&
      below > certificate.path_length_max) {
    return refuse(
        TlsError::certificate_other, "too many intermediates for a path length constraint"
    );
  }
  return TlsError::none;
}

bool PathVerifier::name_matches(const Certificate& leaf) {
  std::string_view name = request_.name;
  if (name.size() >= 3 && name.front() == '[' && name.back() == ']')
    name = name.substr(1, name.size() - 2);
  if (const auto ip = parse_ip(name)) {
    const ByteView wanted = unmapped_ip(as_bytes(*ip));
    return std::any_of(leaf.ip_addresses.begin(), leaf.ip_addresses.end(), [&](ByteView a) {
      return same(unmapped_ip(a), wanted);
    });
  }
  return std::any_of(leaf.dns_names.begin(), leaf.dns_names.end(), [&](std::string_view pattern) {
    return host_matches(pattern, request_.name);
  });
}

// A path from the leaf to an anchor stands. Policies, usages, names and revocation decide; else
// another path is sought.
bool PathVerifier::accept() {
  std::vector<const Certificate*> path;
  path.reserve(path_.size());
  for (const PathCandidate* member : path_) path.push_back(&member->certificate);
  std::string names;
  if (!policies_valid(path)) {
    path_error_ =
        refuse(TlsError::certificate_other, "no certificate policy is valid along the path");
    return false;
  }
  if (!usage_permitted(path, request_.purpose)) {
    path_error_ = refuse(
        TlsError::bad_usage,
        request_.purpose == Purpose::client ? "the extended key usage does not allow clientAuth"
                                            : "the extended key usage does not allow serverAuth"
    );
    return false;
  }
  if (!names_permitted(path, why_ == nullptr ? nullptr : &names)) {
    path_error_ = refuse(
        TlsError::certificate_other, "an authority is not allowed to sign for this name: " + names
    );
    return false;
  }
  for (std::size_t i = 0; i + 1 < path_.size(); ++i) {
    for (const RevocationList& list : contents_.lists) {
      const Certificate& issuer = path_[i + 1]->certificate;
      if (!same(list.issuer(), path[i]->issuer) || !list.revokes(path[i]->serial)) continue;
      if (!list.issuer_known &&
          !signature_valid(
              list.signature_algorithm(), list.tbs(), list.signature(), issuer, path_[i + 1]->key
          ))
        continue;
      path_error_ = refuse(TlsError::revoked, "a certificate has been revoked");
      return false;
    }
  }
  path_not_after_ = (*std::min_element(path.begin(), path.end(), [](const auto* a, const auto* b) {
                      return a->not_after < b->not_after;
                    }))->not_after;
  path_not_before_ = (*std::max_element(path.begin(), path.end(), [](const auto* a, const auto* b) {
                       return a->not_before < b->not_before;
                     }))->not_before;
  return true;
}

bool PathVerifier::consider(const PathCandidate& candidate, Role role) {
  if (++checks_ > signature_checks_max) {
    build_error_ = refuse(TlsError::unknown_authority, "the chain has too many possible paths");
    return false;
  }
  const Certificate& child = path_.back()->certificate;
  if (candidate.certificate.key_algorithm == KeyAlgorithm::unknown ||
      in_path(candidate.certificate, path_))
    return false;
  if (!may_sign(candidate.certificate)) {
    refuse(TlsError::unknown_authority, "the issuer's certificate may not sign certificates");
    return false;
  }
  if (!signature_valid(
          child.signature_algorithm,
          child.tbs,
          child.signature,
          candidate.certificate,
          candidate.key
      )) {
    refuse(
        TlsError::unknown_authority,
        "a signature is not that of the authority of that name, or its algorithm is not secure"
    );
    return false;
  }
  if (const TlsError error = standing(candidate.certificate, role); error != TlsError::none) {
    build_error_ = error;
    return false;
  }
  path_.push_back(&candidate);
  const bool accepted = role == Role::root ? accept() : extend();
  path_.pop_back();
  return accepted;
}

bool PathVerifier::extend() {
  const Certificate& child = path_.back()->certificate;
  const auto anchors = contents_.by_subject.find(as_text(child.issuer));
  for (int rank = 0; rank < 3 && anchors != contents_.by_subject.end(); ++rank) {
    for (const auto* anchor : anchors->second) {
      if (plausibility(child, anchor->certificate) != rank) continue;
      if (consider(*anchor, Role::root)) return true;
      if (checks_ > signature_checks_max) return false;
    }
  }
  for (int rank = 0; rank < 3; ++rank) {
    for (std::size_t i = 1; i < presented_.size(); ++i) {
      const Certificate& parent = presented_[i].certificate;
      if (!same(parent.subject, child.issuer) || plausibility(child, parent) != rank) continue;
      if (consider(presented_[i], Role::intermediate)) return true;
      if (checks_ > signature_checks_max) return false;
    }
  }
  return false;
}

Result<PeerCertificate, TlsError> PathVerifier::run(
    std::span<const ByteView> chain, std::span<EVP_PKEY* const> keys
) {
  PeerCertificate names;
  if (chain.empty()) return fail(refuse(TlsError::no_certificate, "there is no certificate"));
  if (chain.size() > limits::client_chain_max)
    return fail(refuse(TlsError::chain_too_long, "the chain has too many certificates"));
  if (const TlsError error = read_chain(chain, keys, names); error != TlsError::none)
    return fail(error);
  names.fingerprint = sha256(chain[0]);
  names.chain_fingerprint = chain_fingerprint(chain);
  // A certificate presented twice is one candidate.
  for (std::size_t i = presented_.size(); i-- > 2;) {
    const auto twin = [&](const PathCandidate& other) {
      return same(other.certificate.raw, presented_[i].certificate.raw);
    };
    if (std::any_of(
            presented_.begin() + 1, presented_.begin() + static_cast<std::ptrdiff_t>(i), twin
        ))
      presented_.erase(presented_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const Certificate& leaf = presented_[0].certificate;
  if (const TlsError error = standing(leaf, Role::leaf); error != TlsError::none)
    return fail(error);
  if (!request_.name.empty() && !name_matches(leaf))
    return fail(refuse(TlsError::name_mismatch, "the certificate is not for the name asked for"));
  refuse(
      TlsError::unknown_authority, "the certificate is not signed by an authority that is trusted"
  );
  path_.push_back(&presented_[0]);
  const bool accepted = contents_.fingerprints.contains(names.fingerprint) ? accept() : extend();
  if (!accepted) return fail(path_error_ != TlsError::none ? path_error_ : build_error_);
  names.not_after = path_not_after_;
  names.path_not_before = path_not_before_;
  if (why_ != nullptr) why_->clear();
  return names;
}

}  // namespace gh::tls
