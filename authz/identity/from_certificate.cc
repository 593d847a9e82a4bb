// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/from_certificate.h"

namespace gh::identity {

std::string_view name_of(CertificateFault fault) {
  switch (fault) {
    case CertificateFault::several_uids:
      return "the certificate has more than one user id (1.3.6.1.4.1.57683.2)";
    case CertificateFault::empty_uid:
      return "the certificate's user id (1.3.6.1.4.1.57683.2) is empty";
  }
  return "";
}

std::string credential_id(const tls::Fingerprint& fingerprint) {
  constexpr char hex[] = "0123456789abcdef";
  std::string id = "X509SHA256=";
  for (const std::uint8_t byte : fingerprint) {
    id += hex[byte >> 4];
    id += hex[byte & 15];
  }
  return id;
}

Result<std::optional<Identity>, CertificateFault> from_certificate(
    const tls::PeerCertificate& certificate
) {
  if (certificate.common_name.empty()) return std::optional<Identity>();
  if (certificate.uids.size() > 1) return fail(CertificateFault::several_uids);
  if (certificate.uids.size() == 1 && certificate.uids[0].empty())
    return fail(CertificateFault::empty_uid);
  Identity who;
  who.user = certificate.common_name;
  if (!certificate.uids.empty()) who.uid = certificate.uids[0];
  who.groups = certificate.organizations;
  add_extra(who.extra, credential_id_key, credential_id(certificate.fingerprint));
  return std::optional<Identity>(std::move(who));
}

}  // namespace gh::identity
