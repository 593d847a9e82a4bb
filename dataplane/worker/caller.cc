// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/caller.h"

#include "authz/identity/from_certificate.h"
#include "dataplane/worker/worker.h"

namespace gh::worker {

void Caller::identify(tls::Engine& engine, const Settings& settings, PrincipalCache& principals) {
  if (engine.client_certificate() == nullptr) {
    x509_.problem = "no client certificate";
    return;
  }
  identify_x509(engine, settings, principals);
  if (settings.front_proxy != nullptr) identify_front_proxy(engine, settings);
}

void Caller::identify_x509(
    tls::Engine& engine, const Settings& settings, PrincipalCache& principals
) {
  const tls::PeerCertificate& certificate = *engine.client_certificate();
  if (engine.client_error() != tls::TlsError::none)
    return x509_.fail(
        "client certificate refused: " + std::string(tls::name_of(engine.client_error()))
    );
  x509_.not_after = certificate.not_after;
  x509_.trust_epoch = engine.trust_epoch();
  if (settings.mapping != nullptr) {
    auto mapped = settings.mapping->apply(certificate);
    if (!mapped)
      return x509_.fail(
          "client certificate refused: " + std::string(identity::name_of(mapped.error()))
      );
    if (mapped->has_value()) return know(std::move(**mapped), principals);
  }
  auto named = identity::from_certificate(certificate);
  if (!named)
    return x509_.fail(
        "client certificate refused: " + std::string(identity::name_of(named.error()))
    );
  if (!named->has_value()) {
    x509_.problem = "client certificate names no user (no common name)";
    return;
  }
  know(std::move(**named), principals);
}

void Caller::know(identity::Identity who, PrincipalCache& principals) {
  principal_ = principals.intern(identity::with_authenticated_group(std::move(who)));
  x509_.standing = Standing::known;
}

void Caller::identify_front_proxy(tls::Engine& engine, const Settings& settings) {
  const tls::PeerCertificate* const certificate = engine.front_proxy();
  if (certificate == nullptr)
    return front_proxy_.fail("client certificate is not one of a front proxy");
  if (!settings.front_proxy->allows(certificate->common_name))
    return front_proxy_.fail("client certificate is of a front proxy whose name is not allowed");
  front_proxy_.not_after = certificate->not_after;
  front_proxy_.standing = Standing::known;
}

void Caller::Proof::fail(std::string why) {
  problem = std::move(why);
  standing = Standing::failed;
}

Caller::Standing Caller::Proof::check(
    tls::Engine& engine, const tls::TrustStore* trust, UnixTime now
) {
  if (standing != Standing::known) return standing;
  if (now >= not_after) {  // now is cut to the second: at equality the certificate has ended
    problem = "client certificate has expired";
    return Standing::failed;
  }
  if (trust == nullptr) {
    problem = "no certificate authority is trusted";
    return Standing::failed;
  }
  if (trust->epoch() == trust_epoch) return standing;
  const auto again = engine.verify_client_again(*trust, now);
  if (!again) {
    fail("client certificate is no longer trusted: " + std::string(tls::name_of(again.error())));
    return standing;
  }
  trust_epoch = trust->epoch();
  not_after = again->not_after;
  return standing;
}

Caller::Standing Caller::x509(tls::Engine& engine, const tls::TrustStore* trust, UnixTime now) {
  return x509_.check(engine, trust, now);
}

Caller::Standing Caller::front_proxy(
    tls::Engine& engine, const tls::TrustStore* trust, UnixTime now
) {
  return front_proxy_.check(engine, trust, now);
}

}  // namespace gh::worker
