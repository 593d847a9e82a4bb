// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/caller.h"

#include "authz/identity/encode.h"
#include "authz/identity/from_certificate.h"

namespace gh::worker {

void Caller::identify(tls::Engine& engine) {
  const tls::PeerCertificate* certificate = engine.client_certificate();
  if (certificate == nullptr) {
    problem_ = "no client certificate";
    return;
  }
  if (engine.client_error() != tls::TlsError::none) {
    problem_ = "client certificate refused: " + std::string(tls::name_of(engine.client_error()));
    return;
  }
  auto named = identity::from_certificate(*certificate);
  if (!named) {
    problem_ = "client certificate refused: " + std::string(identity::name_of(named.error()));
    return;
  }
  if (!named->has_value()) {
    problem_ = "client certificate names no user (no common name)";
    return;
  }
  identity_ = identity::with_authenticated_group(std::move(**named));
  not_after_ = certificate->not_after;
  trust_epoch_ = engine.trust_epoch();
  if (const auto passes = identity::forwardable(identity_); !passes) {
    standing_ = Standing::unforwardable;
    problem_ = "this identity cannot be passed on unchanged: " + passes.error();
    return;
  }
  identity::encode(identity_, [this](std::string_view name, std::string_view value) {
    fields_.emplace_back(name, value);
  });
  standing_ = Standing::known;
}

Caller::Standing Caller::standing(tls::Engine& engine, const tls::TrustStore* trust, UnixTime now) {
  if (standing_ == Standing::unauthenticated) return standing_;
  // now is cut to the second, so at equality the certificate has already ended
  if (now >= not_after_) {
    problem_ = "client certificate has expired";
    return Standing::unauthenticated;
  }
  if (trust == nullptr) {
    problem_ = "no certificate authority is trusted";
    return Standing::unauthenticated;
  }
  if (trust->epoch() == trust_epoch_) return standing_;
  if (const auto again = engine.verify_client_again(*trust, now); !again) {
    problem_ =
        "client certificate is no longer trusted: " + std::string(tls::name_of(again.error()));
    standing_ = Standing::unauthenticated;
    return standing_;
  }
  trust_epoch_ = trust->epoch();
  return standing_;
}

}  // namespace gh::worker
