// SPDX-License-Identifier: Apache-2.0
// What a connection's client certificate says: who its bearer is (x509), and whether it is a front
// proxy that may say who is calling. Worked out once when the handshake ends; looked at again at
// each request, since the certificate may have expired or the CAs may have changed.
// Owner: its connection, one core.
#pragma once

#include "authz/identity/from_front_proxy.h"
#include "dataplane/worker/principal.h"
#include "tls/engine.h"
#include "tls/trust_store.h"

#include <cstdint>
#include <string>

namespace gh::worker {

struct TlsSnapshot;
struct Settings;

class Caller {
 public:
  enum class Standing : std::uint8_t {
    nobody,  // no certificate, or one that names no user: the next authenticator is asked
    failed,  // refused: problem() says why
    known,
  };

  void identify(tls::Engine& engine, const Settings& settings, PrincipalCache& principals);

  // Precondition: identify().
  Standing x509(tls::Engine& engine, const tls::TrustStore* trust, UnixTime now);
  Standing front_proxy(tls::Engine& engine, const tls::TrustStore* trust, UnixTime now);

  const std::string& problem() const noexcept { return x509_.problem; }

  const std::string& front_proxy_problem() const noexcept { return front_proxy_.problem; }

  UnixTime x509_until() const noexcept { return x509_.not_after; }

  UnixTime front_proxy_until() const noexcept { return front_proxy_.not_after; }

  const PrincipalRef& principal() const noexcept { return principal_; }

 private:
  // A certificate as one authority judges it.
  struct Proof {
    Standing standing = Standing::nobody;
    std::string problem;
    UnixTime not_after;
    std::uint64_t trust_epoch = 0;  // 0: verified anew when it is first asked for

    Standing check(tls::Engine& engine, const tls::TrustStore* trust, UnixTime now);
    void fail(std::string why);
  };

  void identify_x509(tls::Engine& engine, const Settings& settings, PrincipalCache& principals);
  void know(identity::Identity who, PrincipalCache& principals);
  void identify_front_proxy(tls::Engine& engine, const Settings& settings);

  Proof x509_;
  Proof front_proxy_;
  PrincipalRef principal_;
};

}  // namespace gh::worker
