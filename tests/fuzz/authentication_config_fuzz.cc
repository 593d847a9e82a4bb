// SPDX-License-Identifier: Apache-2.0
// Any bytes as an AuthenticationConfiguration (first byte: YAML or JSON), as Secrets and as a claim
// expression: issuers that are whole, or faults that say something.
#include "authz/identity/tokens/authentication_config.h"
#include "authz/identity/tokens/bootstrap_secrets.h"
#include "authz/identity/tokens/claim_expression.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace gh::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const char* const name = (data[0] & 1) != 0 ? "a.json" : "a.yaml";
  const auto config = parse_authentication_config(text, name, {"https://sa"});
  if (!config) {
    GH_ASSERT(!config.error().empty());
    for (const auto& fault : config.error()) GH_ASSERT(!fault.text.empty());
  } else {
    for (const auto& issuer : config->issuers) {
      GH_ASSERT(issuer->url.size() > 6 && !issuer->audiences.empty());
      GH_ASSERT(issuer->username.expression || !issuer->username.claim.empty());
    }
  }
  BootstrapLoader loader;
  (void)loader.add(text, name);
  (void)loader.finish();
  if (const auto expression = ClaimExpression::parse(text))
    (void)expression->evaluate(claims_of(R"({"a":{"b":"c"},"d":["e"]})"));
  return 0;
}
