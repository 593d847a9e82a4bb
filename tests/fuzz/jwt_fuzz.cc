// SPDX-License-Identifier: Apache-2.0
// Tokens of any bytes (first byte even), or any header and payload (odd, split at the first NUL)
// made into a token of three parts: nothing crashes, nobody without a key is accepted, no refusal
// repeats the token. Then the same bytes as JSON and as a key set.
#include "authz/identity/tokens/authentication_config.h"
#include "authz/identity/tokens/base64url.h"
#include "authz/identity/tokens/go_json.h"
#include "authz/identity/tokens/jwk.h"
#include "authz/identity/tokens/jws.h"
#include "authz/identity/tokens/token_authenticators.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

using namespace gh::identity;

namespace {

// The generator's public key; nobody here has signed anything with it.
const char* const key_set =
    R"({"keys":[{"kty":"EC","kid":"k","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]})";

TokenAuthenticators make() {
  TokenAuthenticators all;
  auto keys = parse_jwks(key_set);
  GH_ASSERT(keys.has_value() && keys->size() == 1);
  ServiceAccountSettings settings;
  settings.keys = {keys->front().key};
  settings.issuers = {"i"};
  all.service_accounts.emplace(std::move(settings));
  auto issuer = std::make_shared<OidcIssuer>();
  issuer->url = "o";
  issuer->audiences = {"a"};
  issuer->username.claim = "sub";
  issuer->groups.claim = "groups";
  all.issuers.emplace_back(
      issuer,
      std::make_shared<const std::vector<NamedKey>>(std::move(*keys)),
      std::make_shared<KeyWish>()
  );
  return all;
}

void read_json(std::string_view text) {
  if (!json::valid(text)) return;
  (void)json::plain(text);
  (void)untrusted_issuer(text);
  (void)public_jwk(text);
  json::Members members(text);
  std::string key;
  std::string_view value;
  while (members.next(key, value)) {
    GH_ASSERT(json::valid(value));
    (void)json::string_of(value);
    (void)json::double_of(value);
  }
  json::Elements elements(text);
  while (elements.next(value)) GH_ASSERT(json::valid(value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TokenAuthenticators all = make();
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string token(text);
  if ((data[0] & 1) != 0) {
    const std::size_t nul = text.find('\0');
    token = base64url_encode(text.substr(0, nul)) + "." +
            base64url_encode(nul == text.npos ? "" : text.substr(nul + 1)) + "." +
            std::string(86, 'A');
  }
  const TokenResult result = all.authenticate(token, {1'900'000'000});
  GH_ASSERT(result.verdict != TokenVerdict::accepted);
  GH_ASSERT(token.size() < 40 || result.why.find(token) == std::string::npos);
  if (const auto jws = parse_jws(token))
    GH_ASSERT(jws->signing_input.find('.') != std::string::npos);
  read_json(text);
  (void)parse_jwks(text);
  return 0;
}
