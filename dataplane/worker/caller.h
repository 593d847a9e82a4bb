// SPDX-License-Identifier: Apache-2.0
// Who a connection's client is: set once when the handshake ends, its permissions resolved once per
// policy table. Owner: its connection, one core.
#pragma once

#include "authz/identity/identity.h"
#include "authz/policy_snapshot.h"
#include "dataplane/proxy/headers.h"
#include "tls/engine.h"
#include "tls/trust_store.h"

#include <cstdint>
#include <string>

namespace gh::worker {

class Caller {
 public:
  enum class Standing : std::uint8_t {
    unauthenticated,  // no certificate, or one that is not trusted or names nobody: 401
    // authenticated, but the API server would read another identity from the headers: 403
    unforwardable,
    known,
  };

  void identify(tls::Engine& engine);

  // At each request: the certificate may have expired, or the CAs may have changed since (then it
  // is verified again).
  Standing standing(tls::Engine& engine, const tls::TrustStore* trust, UnixTime now);

  const std::string& problem() const noexcept { return problem_; }  // why it is not `known`

  const identity::Identity& identity() const noexcept { return identity_; }

  const proxy::IdentityFields& fields() const noexcept { return fields_; }

  const authz::rbac::SubjectPermissions& permissions(const authz::PolicySnapshot& policy) {
    if (table_ != policy.table.id()) {
      permissions_ = policy.table.resolve(identity_);
      table_ = policy.table.id();
    }
    return permissions_;
  }

 private:
  Standing standing_ = Standing::unauthenticated;
  std::string problem_;
  identity::Identity identity_;
  proxy::IdentityFields fields_;
  UnixTime not_after_;
  std::uint64_t trust_epoch_ = 0;
  authz::rbac::SubjectPermissions permissions_;
  std::uint64_t table_ = 0;
};

}  // namespace gh::worker
