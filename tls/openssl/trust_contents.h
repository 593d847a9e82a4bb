// SPDX-License-Identifier: Apache-2.0
// What a TrustStore holds. Private to tls.
#pragma once

#include "tls/openssl/path_verifier.h"
#include "tls/revocation_list.h"
#include "tls/trust_store.h"

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gh::tls {

struct TrustStore::Contents {
  struct Anchor : PathCandidate {
    std::vector<std::uint8_t> der;
    std::string label;  // the subject's CN, for messages
  };

  std::vector<std::unique_ptr<Anchor>> anchors;  // no two the same, in the bundle's order
  std::unordered_map<std::string_view, std::vector<const Anchor*>> by_subject;  // raw Name
  std::set<Fingerprint> fingerprints;
  std::vector<RevocationList> lists;
};

Fingerprint sha256(ByteView bytes);
Fingerprint chain_fingerprint(std::span<const ByteView> chain);  // that of pack_chain()

// Certificates in one piece: each behind its length in four bytes.
std::vector<std::uint8_t> pack_chain(std::span<const ByteView> chain);
std::vector<ByteView> unpack_chain(ByteView packed);

}  // namespace gh::tls
