// SPDX-License-Identifier: Apache-2.0
#include "tls/library.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <span>

namespace gh::tls {
namespace {

// RFC 8446 §4.2.7, draft-ietf-tls-ecdhe-mlkem. Those we would use, in order of preference. P-521
// too: with TLS 1.2 OpenSSL takes client keys of listed curves only, and Go clients have them.
struct Group {
  std::string_view name;  // to the library
  std::array<std::string_view, 4> others;
};

constexpr Group groups[] = {
    {"X25519MLKEM768", {"4588"}},
    {"X25519", {"29", "CurveX25519"}},
    {"P-256", {"23", "secp256r1", "prime256v1", "CurveP256"}},
    {"P-384", {"24", "secp384r1", "CurveP384"}},
    {"P-521", {"25", "secp521r1", "CurveP521"}},
    {"SecP256r1MLKEM768", {"4587"}},
    {"SecP384r1MLKEM1024", {"4589"}},
};
constexpr std::size_t defaults = 5;  // of them; the last two when asked for

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool is_named(const Group& group, std::string_view name) {
  return same(group.name, name) ||
         std::any_of(group.others.begin(), group.others.end(), [name](std::string_view other) {
           return !other.empty() && same(other, name);
         });
}

bool library_has(std::string_view group) {
  const std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* context) { SSL_CTX_free(context); })> context(
      SSL_CTX_new(TLS_method())
  );
  const bool has =
      context && SSL_CTX_set1_groups_list(context.get(), std::string(group).c_str()) == 1;
  ERR_clear_error();
  return has;
}

std::string those_of_the_library(std::size_t count) {
  std::string out;
  for (const Group& group : std::span(groups).first(count)) {
    if (library_has(group.name)) out += (out.empty() ? "" : ":") + std::string(group.name);
  }
  return out;
}

}  // namespace

std::string library_version() {
#ifdef OPENSSL_IS_AWSLC
  return "AWS-LC " AWSLC_VERSION_NUMBER_STRING;
#else
  return OpenSSL_version(OPENSSL_VERSION);
#endif
}

Outcome<std::string> group_named(std::string_view name) {
  for (const Group& group : groups) {
    if (is_named(group, name) && library_has(group.name)) return std::string(group.name);
  }
  std::string known = those_of_the_library(std::size(groups));
  std::replace(known.begin(), known.end(), ':', ' ');
  return fault(
      "\"" + std::string(name) + "\" is no key exchange of this TLS library (" + library_version() +
      "); it has: " + known
  );
}

const std::string& default_groups() {
  static const std::string list = those_of_the_library(defaults);  // computed once
  return list;
}

}  // namespace gh::tls
