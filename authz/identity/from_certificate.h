// SPDX-License-Identifier: Apache-2.0
// A verified client certificate → identity, as Kubernetes' x509 authenticator
// (CommonNameUserConversion): the last CN is the user, every O a group, 1.3.6.1.4.1.57683.2 the
// uid, the fingerprint a credential-id. system:authenticated is not added here. In: what tls
// verified.   Out: an identity, no opinion (no CN), or a refusal.
#pragma once

#include "authz/identity/identity.h"
#include "base/result.h"
#include "tls/peer_certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gh::identity {

enum class CertificateFault : std::uint8_t { several_uids, empty_uid };
std::string_view name_of(CertificateFault fault);

std::string credential_id(const tls::Fingerprint& fingerprint);  // value of credential_id_key

// Null: no common name, so no opinion (the next authenticator is asked).
Result<std::optional<Identity>, CertificateFault> from_certificate(
    const tls::PeerCertificate& certificate
);

}  // namespace gh::identity
