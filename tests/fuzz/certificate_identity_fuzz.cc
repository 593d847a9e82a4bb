// SPDX-License-Identifier: Apache-2.0
// DER → certificate → verification → identity. The first byte splits the rest into a chain of two;
// what parses is also taken as an authority.
#include "authz/identity/encode.h"
#include "authz/identity/from_certificate.h"
#include "base/assert.h"
#include "tls/trust_store.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string pem_of(gh::ByteView der) {
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t i = 0; i < der.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, der.size() - i);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < left ? der[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= left ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    if (i % 48 == 45) out += '\n';
  }
  return out + "\n-----END CERTIFICATE-----\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gh;
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  const std::size_t cut = rest.size() * data[0] / 255;
  std::vector<ByteView> chain = {rest.first(cut)};
  if (cut < rest.size()) chain.push_back(rest.subspan(cut));
  tls::VerifyRequest request;
  request.now = {1'780'272'000};
  request.name = (data[0] & 1) != 0 ? "a.example.com" : "";
  if (auto names = tls::parse_peer_certificate(chain[0])) {
    if (const auto who = identity::from_certificate(*names); who && *who)
      static_cast<void>(identity::forwardable(**who));
  }
  GH_ASSERT(!tls::TrustStore::nobody()->verify(chain, request));
  if (auto store = tls::TrustStore::from_pem(pem_of(chain.back()))) {
    std::string why;
    const auto verified = (*store)->verify(chain, request, &why);
    GH_ASSERT(verified.has_value() == why.empty());
  }
  return 0;
}
