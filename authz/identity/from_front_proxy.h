// SPDX-License-Identifier: Apache-2.0
// Headers of a trusted front proxy → identity, as Kubernetes' request-header authenticator.
// In: header fields with names in lower case (http::HeaderList fits) of a request whose client
// certificate verified against the proxy CA and whose CN allows() it.   Out: an identity, or no
// opinion when no user header has a value. Not here: the certificate check itself (tls).
#pragma once

#include "authz/identity/identity.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

struct FrontProxyConfig {  // names in any case
  std::vector<std::string> username_headers;
  std::vector<std::string> uid_headers;
  std::vector<std::string> group_headers;
  std::vector<std::string> extra_header_prefixes;
  std::vector<std::string> allowed_names;  // common names; empty: any
};

class FrontProxy {
 public:
  explicit FrontProxy(const FrontProxyConfig& config);

  bool allows(std::string_view common_name) const;
  // One of the configured headers: taken from the request when it was used, so that nobody behind
  // reads it again.
  bool is_identity_header(std::string_view lower_name) const;

  template <class Fields>  // size(), operator[] → {name, value}
  std::optional<Identity> identify(const Fields& fields) const {
    std::vector<Header> headers;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto& field = fields[i];
      if (is_identity_header(field.name)) headers.push_back({field.name, field.value});
    }
    return identify_from(headers);
  }

 private:
  struct Header {
    std::string_view name;
    std::string_view value;
  };

  std::optional<Identity> identify_from(const std::vector<Header>& headers) const;
  static std::string_view first_value(
      const std::vector<Header>& headers, const std::vector<std::string>& names
  );

  FrontProxyConfig config_;  // names in lower case
};

}  // namespace gh::identity
