// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/tokens/jwk.h"

#include "authz/identity/tokens/base64url.h"
#include "authz/identity/tokens/go_json.h"
#include "base/limits.h"
#include "tls/certificate.h"

#include <algorithm>
#include <map>
#include <set>

namespace gh::identity {
namespace {

struct RawKey {
  std::map<std::string, std::string, std::less<>> texts;    // kty, kid, crv, x5t…
  std::map<std::string, std::string, std::less<>> numbers;  // decoded; present though empty
  std::vector<std::string> certificates;

  const std::string* number(std::string_view name) const {
    const auto found = numbers.find(name);
    return found == numbers.end() ? nullptr : &found->second;
  }

  std::string_view text(std::string_view name) const {
    const auto found = texts.find(name);
    return found == texts.end() ? std::string_view{} : std::string_view(found->second);
  }
};

constexpr std::string_view text_names[] = {"use", "kty", "kid", "crv", "alg", "x5t", "x5t#S256"};
constexpr std::string_view number_names[] = {
    "k", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"
};

template <class Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Result<void, std::string> take_certificates(RawKey& raw, std::string_view value) {
  if (json::kind_of(value) != json::Kind::array) return fail(std::string("x5c is not a list"));
  json::Elements elements(value);
  std::string_view element;
  while (elements.next(element)) {
    auto text = json::string_of(element);
    if (!text) return fail(std::string("x5c holds something that is not a string"));
    raw.certificates.push_back(std::move(*text));
  }
  return {};
}

Result<void, std::string> take_member(
    RawKey& raw, const std::string& name, std::string_view value
) {
  const bool is_text = is_one_of(text_names, name);
  const bool is_number = is_one_of(number_names, name);
  if (json::kind_of(value) == json::Kind::null) return {};
  if (name == "x5c") return take_certificates(raw, value);
  if (name == "x5u") return fail(std::string("x5u is given, which go-jose cannot read"));
  if (!is_text && !is_number) return {};
  auto text = json::string_of(value);
  if (!text) return fail(name + " is not a string");
  if (is_text) {
    raw.texts[name] = std::move(*text);
    return {};
  }
  auto bytes = base64url_decode(*text);
  if (!bytes) return fail(name + " is not base64url");
  raw.numbers[name] = std::move(*bytes);
  return {};
}

Result<RawKey, std::string> read_raw(std::string_view value) {
  RawKey raw;
  if (json::kind_of(value) == json::Kind::null) return raw;
  if (json::kind_of(value) != json::Kind::object) return fail(std::string("a key is no object"));
  std::set<std::string, std::less<>> seen;
  json::Members members(value);
  std::string name;
  std::string_view member;
  while (members.next(name, member)) {
    if (!seen.insert(name).second) return fail("the key's member " + name + " is given twice");
    GH_TRY_VOID(take_member(raw, name, member));
  }
  return raw;
}

enum class KeyUse : std::uint8_t { verifies, public_other, secret };

struct ReadKey {
  KeyUse use = KeyUse::secret;
  std::optional<tls::VerifyKey> key;
};

struct CurveSize {
  std::string_view name;
  tls::Curve curve;
  std::size_t bytes;
};

constexpr CurveSize curves[] = {
    {"P-256", tls::Curve::p256, 32},
    {"P-384", tls::Curve::p384, 48},
    {"P-521", tls::Curve::p521, 66}
};

Result<ReadKey, std::string> read_ec(const RawKey& raw) {
  const auto* curve =
      std::find_if(std::begin(curves), std::end(curves), [&](const CurveSize& each) {
        return each.name == raw.text("crv");
      });
  if (curve == std::end(curves)) return fail(std::string("crv is not P-256, P-384 or P-521"));
  const std::string* x = raw.number("x");
  const std::string* y = raw.number("y");
  if (x == nullptr || y == nullptr) return fail(std::string("x or y is missing"));
  if (x->size() != curve->bytes || y->size() != curve->bytes)
    return fail(std::string("x or y is not as long as the curve's numbers"));
  auto key = tls::VerifyKey::from_point(curve->curve, as_bytes(*x), as_bytes(*y));
  if (!key) return fail(std::string("x and y are no point of the curve"));
  if (raw.number("d") != nullptr) return ReadKey{KeyUse::secret, std::nullopt};
  return ReadKey{KeyUse::verifies, std::move(key)};
}

// Go keeps the exponent in an int64: the last eight bytes.
std::string last_bytes(const std::string& number) {
  return number.size() <= 8 ? number : number.substr(number.size() - 8);
}

Result<ReadKey, std::string> read_rsa(const RawKey& raw) {
  const std::string* n = raw.number("n");
  const std::string* e = raw.number("e");
  if (n == nullptr || e == nullptr) return fail(std::string("n or e is missing"));
  if (raw.number("d") != nullptr) return ReadKey{KeyUse::secret, std::nullopt};
  const std::string exponent = last_bytes(*e);
  auto key = tls::VerifyKey::from_rsa(as_bytes(*n), as_bytes(exponent));
  if (!key) return fail(std::string("n and e are no RSA key"));
  return ReadKey{KeyUse::verifies, std::move(key)};
}

Result<ReadKey, std::string> read_by_type(const RawKey& raw) {
  const std::string_view type = raw.text("kty");
  if (type == "EC") return read_ec(raw);
  if (type == "RSA") return read_rsa(raw);
  if (type == "oct") {
    if (!raw.certificates.empty()) return fail(std::string("a symmetric key has certificates"));
    if (raw.number("k") == nullptr) return fail(std::string("k is missing"));
    return ReadKey{KeyUse::secret, std::nullopt};
  }
  if (type != "OKP") return fail(std::string("kty is none that is known"));
  if (raw.text("crv") != "Ed25519" || raw.number("x") == nullptr)
    return fail(std::string("crv is not Ed25519, or x is missing"));
  return ReadKey{raw.number("d") != nullptr ? KeyUse::secret : KeyUse::public_other, std::nullopt};
}

// x5t and x5t#S256: base64url of the digest, or of its hexadecimal form. What they say of the
// certificate is not compared: they only have to be well formed.
bool thumbprint_good(std::string_view text, std::size_t bytes) {
  if (text.empty()) return true;
  const auto decoded = base64url_decode(text);
  if (!decoded) return false;
  if (decoded->size() == bytes) return true;
  return decoded->size() == 2 * bytes &&
         decoded->find_first_not_of("0123456789abcdefABCDEF") == decoded->npos;
}

Result<void, std::string> check_certificates(const RawKey& raw, const ReadKey& read) {
  for (std::size_t i = 0; i < raw.certificates.size(); ++i) {
    const auto info = certificate_key(raw.certificates[i]);
    if (!info) return fail(std::string("x5c holds something that is no certificate"));
    if (i > 0 || !read.key || !read.key->usable()) continue;
    const auto leaf = tls::VerifyKey::from_public_key_info(as_bytes(*info));
    if (!leaf || as_text(leaf->public_key_info()) != as_text(read.key->public_key_info()))
      return fail(std::string("the certificate's key is another one"));
  }
  if (!thumbprint_good(raw.text("x5t"), 20) || !thumbprint_good(raw.text("x5t#S256"), 32))
    return fail(std::string("x5t or x5t#S256 is no digest"));
  return {};
}

Result<ReadKey, std::string> read_key(const RawKey& raw) {
  GH_TRY(ReadKey read, read_by_type(raw));
  GH_TRY_VOID(check_certificates(raw, read));
  return read;
}

}  // namespace

std::optional<std::string> certificate_key(std::string_view base64_der) {
  const auto der = base64_decode(base64_der);
  if (!der) return std::nullopt;
  const auto certificate = tls::parse_certificate(as_bytes(*der));
  if (!certificate) return std::nullopt;
  return std::string(as_text(certificate->public_key_info));
}

bool public_jwk(std::string_view raw) {
  const auto fields = read_raw(raw);
  if (!fields) return false;
  const auto key = read_key(*fields);
  if (!key || key->use == KeyUse::secret) return false;
  // Valid(): an exponent of 0 is no key.
  const std::string* e = fields->number("e");
  return fields->text("kty") != "RSA" || last_bytes(*e).find_first_not_of('\0') != e->npos;
}

Result<std::vector<NamedKey>, std::string> parse_jwks(std::string_view text) {
  if (!json::valid(text)) return fail(std::string("not JSON"));
  if (json::kind_of(text) != json::Kind::object) return fail(std::string("not a JSON object"));
  std::vector<NamedKey> keys;
  std::string_view list = "[]";
  json::Members members(text);
  std::string name;
  std::string_view value;
  while (members.next(name, value)) {
    if (!json::key_matches(name, "keys")) continue;
    list = json::kind_of(value) == json::Kind::null ? "[]" : value;
    if (json::kind_of(list) != json::Kind::array) return fail(std::string("keys is not a list"));
  }
  json::Elements elements(list);
  for (std::size_t i = 0; elements.next(value); ++i) {
    const std::string at = "keys[" + std::to_string(i) + "]: ";
    if (i >= limits::token_keys_max)
      return fail("more than " + std::to_string(limits::token_keys_max) + " keys");
    const auto raw = read_raw(value);
    if (!raw) return fail(at + raw.error());
    auto read = read_key(*raw);
    if (!read) return fail(at + read.error());
    if (read->key) keys.push_back({std::string(raw->text("kid")), std::move(*read->key)});
  }
  return keys;
}

}  // namespace gh::identity
