// SPDX-License-Identifier: Apache-2.0
#include "control/cipher_suites.h"

#include "control/suggest.h"

#include <array>

namespace gh::control {
namespace {

struct Suite {
  std::string_view go;
  std::string_view openssl;  // empty: TLS 1.3
};

constexpr std::array<Suite, 11> suites = {{
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
}};

// Known to Go, not to us: no forward secrecy, or no AEAD.
constexpr std::array<std::string_view, 14> refused = {
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
};

const Suite* find(std::string_view go_name) {
  for (const Suite& suite : suites) {
    if (suite.go == go_name) return &suite;
  }
  return nullptr;
}

}  // namespace

Result<void, std::string> check_cipher_suite(std::string_view go_name) {
  if (find(go_name) != nullptr) return {};
  const std::string quoted = "\"" + std::string(go_name) + "\"";
  for (const std::string_view name : refused) {
    if (name == go_name)
      return fail(quoted + " is not offered: it lacks forward secrecy or authenticated encryption");
  }
  std::array<std::string_view, suites.size()> names;
  for (std::size_t i = 0; i < suites.size(); ++i) names[i] = suites[i].go;
  return fail(
      "expected the name of a cipher suite such as " + std::string(names[0]) + ", found " + quoted +
      did_you_mean(go_name, names)
  );
}

std::string openssl_cipher_list(const std::vector<std::string>& go_names) {
  std::string list;
  for (const std::string& name : go_names) {
    const Suite* suite = find(name);
    if (suite == nullptr || suite->openssl.empty()) continue;
    list += (list.empty() ? "" : ":") + std::string(suite->openssl);
  }
  return list;
}

}  // namespace gh::control
