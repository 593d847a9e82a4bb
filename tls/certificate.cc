// SPDX-License-Identifier: Apache-2.0
#include "tls/certificate.h"

#include "base/utf8.h"
#include "tls/der_reader.h"
#include "tls/name_syntax.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <string_view>

namespace gh::tls {
namespace {

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

template <std::size_t n>
struct Oid {
  std::array<std::uint8_t, n> bytes;

  bool operator==(ByteView other) const { return same(bytes, other); }
};

template <class... B>
constexpr auto oid(B... bytes) {
  return Oid<sizeof...(B)>{{static_cast<std::uint8_t>(bytes)...}};
}

// clang-format off
constexpr auto oid_common_name          = oid(0x55, 4, 3);
constexpr auto oid_organization         = oid(0x55, 4, 10);
constexpr auto oid_organizational_unit  = oid(0x55, 4, 11);
constexpr auto oid_kubernetes_uid       = oid(0x2b, 6, 1, 4, 1, 0x83, 0xc2, 0x53, 2);  // 1.3.6.1.4.1.57683.2
constexpr auto oid_authority_info       = oid(0x2b, 6, 1, 5, 5, 7, 1, 1);
constexpr auto oid_usage_any            = oid(0x55, 0x1d, 0x25, 0);
constexpr auto oid_usage_server         = oid(0x2b, 6, 1, 5, 5, 7, 3, 1);
constexpr auto oid_usage_client         = oid(0x2b, 6, 1, 5, 5, 7, 3, 2);
constexpr auto oid_rsa                  = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1);
constexpr auto oid_mgf1                 = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8);
constexpr auto oid_rsa_pss              = oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10);
constexpr auto oid_dsa                  = oid(0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1);
constexpr auto oid_ec_public_key        = oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1);
constexpr auto oid_ed25519              = oid(0x2b, 0x65, 0x70);
constexpr auto oid_sha256               = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1);
constexpr auto oid_sha384               = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2);
constexpr auto oid_sha512               = oid(0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3);

struct Curve { Oid<8> oid; std::size_t oid_bytes; std::size_t coordinate_bytes; };
constexpr std::array<Curve, 4> curves = {{
    {{{0x2b, 0x81, 4, 0, 33}}, 5, 28},                                     // P-224
    {{{0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}}, 8, 32},                    // P-256
    {{{0x2b, 0x81, 4, 0, 34}}, 5, 48},                                     // P-384
    {{{0x2b, 0x81, 4, 0, 35}}, 5, 66},                                     // P-521
}};

struct NamedSignature { Oid<9> oid; std::size_t oid_bytes; SignatureAlgorithm algorithm; };
using enum SignatureAlgorithm;
constexpr std::array<NamedSignature, 12> named_signatures = {{
    {{{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4}}, 9, insecure},        // md5WithRSA
    {{{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5}}, 9, insecure},        // sha1WithRSA
    {{{0x2b, 0x0e, 3, 2, 0x1d}}, 5, insecure},                             // sha1WithRSA, ISO
    {{{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11}}, 9, sha256_rsa},
    {{{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12}}, 9, sha384_rsa},
    {{{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13}}, 9, sha512_rsa},
    {{{0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3}}, 7, insecure},                 // dsa-with-sha1
    {{{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2}}, 9, dsa_sha256},
    {{{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1}}, 7, insecure},                 // ecdsa-with-sha1
    {{{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}}, 8, ecdsa_sha256},
    {{{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}}, 8, ecdsa_sha384},
    {{{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4}}, 8, ecdsa_sha512},
}};
// clang-format on

constexpr std::array<std::uint8_t, 2> der_null = {5, 0};

// ---- strings and names (RFC 5280 §4.1.2.4) ----

bool printable(std::uint8_t c) {  // with '*' and '&', which certificates have though X.680 does not
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c >= '\'' && c <= ')') || (c >= '+' && c <= '/') || c == ' ' || c == ':' || c == '=' ||
         c == '?' || c == '*' || c == '&';
}

bool numeric(std::uint8_t c) { return (c >= '0' && c <= '9') || c == ' '; }

bool read_bmp(ByteView value, std::string& out) {  // UCS-2: no surrogates, no noncharacters
  if (value.size() % 2 != 0) return false;
  if (value.size() >= 2 && value.back() == 0 && value[value.size() - 2] == 0)
    value = value.first(value.size() - 2);
  for (std::size_t i = 0; i < value.size(); i += 2) {
    const unsigned point = static_cast<unsigned>(value[i] << 8 | value[i + 1]);
    if (point >= 0xfffe || (point >= 0xfdd0 && point <= 0xfdef) ||
        (point >= 0xd800 && point <= 0xdfff))
      return false;
    append_rune(out, point);
  }
  return true;
}

bool read_string(std::uint8_t tag, ByteView value, std::string& out) {
  switch (tag) {
    case der::utf8_string:
      if (!is_utf8(value)) return false;
      break;
    case der::printable_string:
      if (!std::all_of(value.begin(), value.end(), printable)) return false;
      break;
    case der::ia5_string:
      if (!is_ia5(value)) return false;
      break;
    case der::numeric_string:
      if (!std::all_of(value.begin(), value.end(), numeric)) return false;
      break;
    case der::t61_string:  // read as Latin-1, as everybody does
      for (const std::uint8_t c : value) append_rune(out, c);
      return true;
    case der::bmp_string:
      return read_bmp(value, out);
    default:
      return false;
  }
  out = as_text(value);
  return true;
}

void keep_name(ByteView type, std::string&& value, PeerCertificate& names) {
  if (oid_common_name == type) {
    // Go has one string for "no CN" and "empty CN".
    names.common_name = std::move(value);
    names.has_common_name = !names.common_name.empty();
  } else if (oid_organization == type) {
    names.organizations.push_back(std::move(value));
  } else if (oid_organizational_unit == type) {
    names.organizational_units.push_back(std::move(value));
  } else if (oid_kubernetes_uid == type) {
    names.uids.push_back(std::move(value));
  }
}

bool read_name(ByteView element, PeerCertificate* names) {
  DerReader outer(element);
  ByteView contents;
  if (!outer.read(der::sequence, contents)) return false;
  for (DerReader rdns(contents); !rdns.empty();) {
    ByteView set;
    if (!rdns.read(der::set, set)) return false;
    for (DerReader attributes(set); !attributes.empty();) {
      ByteView attribute, type, value, whole;
      std::uint8_t tag = 0;
      std::string text;
      if (!attributes.read(der::sequence, attribute)) return false;
      DerReader reader(attribute);
      if (!reader.read_oid(type) || !reader.read_any(tag, value, whole) ||
          !read_string(tag, value, text))
        return false;
      if (names != nullptr) keep_name(type, std::move(text), *names);
    }
  }
  return true;
}

// ---- time (RFC 5280 §4.1.2.5, with the leniences of Go's cryptobyte) ----

bool digits(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in(int month, int year) {
  static constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

std::int64_t days_since_1970(int year, int month, int day) {  // Howard Hinnant's days_from_civil
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t of_era = y - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// "Z", or "+hhmm" / "-hhmm" other than zero.
bool read_zone(std::string_view text, int& offset_seconds) {
  offset_seconds = 0;
  if (text == "Z") return true;
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return false;
  const int sign = text[0] == '+' ? 1 : -1;
  text.remove_prefix(1);
  int hour = 0, minute = 0;
  if (!digits(text, 2, hour) || !digits(text, 2, minute) || hour > 24 || minute > 59) return false;
  offset_seconds = sign * (hour * 3600 + minute * 60);
  return offset_seconds != 0;
}

bool parse_time(std::string_view text, bool utc_time, UnixTime& time) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  if (!digits(text, utc_time ? 2 : 4, year) || !digits(text, 2, month) || !digits(text, 2, day) ||
      !digits(text, 2, hour) || !digits(text, 2, minute)) {
    return false;
  }
  const bool no_seconds = utc_time && !text.empty() && (text[0] < '0' || text[0] > '9');
  if (!no_seconds && !digits(text, 2, second)) return false;
  if (!read_zone(text, offset)) return false;
  if (utc_time) year += year >= 50 ? 1900 : 2000;
  if (month < 1 || month > 12 || day < 1 || day > days_in(month, year) || hour > 23 ||
      minute > 59 || second > 59)
    return false;
  time.seconds =
      days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  return true;
}

}  // namespace

bool read_time(DerReader& reader, UnixTime& time) {
  const bool utc = reader.peek(der::utc_time);
  ByteView contents;
  if (!reader.read(utc ? der::utc_time : der::generalized_time, contents)) return false;
  return parse_time(as_text(contents), utc, time);
}

// ---- algorithms and keys ----

namespace {

struct AlgorithmIdentifier {
  ByteView oid, parameters;  // parameters: the element, empty when absent
};

bool read_algorithm(ByteView contents, AlgorithmIdentifier& out) {
  DerReader reader(contents);
  std::uint8_t tag = 0;
  ByteView value;
  if (!reader.read_oid(out.oid)) return false;
  return reader.empty() || reader.read_any(tag, value, out.parameters);
}

bool null_or_absent(ByteView parameters) {
  return parameters.empty() || same(parameters, der_null);
}

bool read_explicit_algorithm(DerReader& reader, std::uint8_t n, AlgorithmIdentifier& out) {
  ByteView wrapped, contents;
  if (!reader.read(der::context_constructed(n), wrapped)) return false;
  DerReader inner(wrapped);
  return inner.read(der::sequence, contents) && read_algorithm(contents, out);
}

bool read_explicit_int(DerReader& reader, std::uint8_t n, std::int64_t& out) {
  ByteView wrapped;
  if (!reader.read(der::context_constructed(n), wrapped)) return false;
  return DerReader(wrapped).read_int64(out);
}

// RSASSA-PSS (RFC 4055 §3.1) with one hash for message and mask and a salt of its length; all else
// is unknown.
SignatureAlgorithm pss_algorithm(ByteView parameters) {
  DerReader outer(parameters);
  ByteView contents, mgf_hash_contents;
  if (!outer.read(der::sequence, contents)) return unknown;
  DerReader reader(contents);
  AlgorithmIdentifier hash, mgf, mgf_hash;
  std::int64_t salt = 0, trailer = 1;
  if (!read_explicit_algorithm(reader, 0, hash) || !read_explicit_algorithm(reader, 1, mgf) ||
      !read_explicit_int(reader, 2, salt)) {
    return unknown;
  }
  if (reader.peek(der::context_constructed(3)) && !read_explicit_int(reader, 3, trailer))
    return unknown;
  DerReader mgf_parameters(mgf.parameters);
  if (!mgf_parameters.read(der::sequence, mgf_hash_contents) ||
      !read_algorithm(mgf_hash_contents, mgf_hash))
    return unknown;
  if (!null_or_absent(hash.parameters) || !(oid_mgf1 == mgf.oid) || !same(mgf_hash.oid, hash.oid) ||
      !null_or_absent(mgf_hash.parameters) || trailer != 1) {
    return unknown;
  }
  if (oid_sha256 == hash.oid && salt == 32) return sha256_rsa_pss;
  if (oid_sha384 == hash.oid && salt == 48) return sha384_rsa_pss;
  if (oid_sha512 == hash.oid && salt == 64) return sha512_rsa_pss;
  return unknown;
}

}  // namespace

SignatureAlgorithm signature_algorithm_of(ByteView algorithm_identifier, bool& well_formed) {
  AlgorithmIdentifier id;
  well_formed = read_algorithm(algorithm_identifier, id);
  if (!well_formed) return unknown;
  if (oid_rsa_pss == id.oid) return pss_algorithm(id.parameters);
  if (oid_ed25519 == id.oid) return id.parameters.empty() ? ed25519 : unknown;
  for (const NamedSignature& known : named_signatures) {
    if (same(ByteView(known.oid.bytes).first(known.oid_bytes), id.oid)) return known.algorithm;
  }
  return unknown;
}

namespace {

bool positive(ByteView integer) {
  return integer[0] < 0x80 && !(integer.size() == 1 && integer[0] == 0);
}

bool read_rsa(ByteView key, ByteView parameters, Certificate& out) {
  if (!same(parameters, der_null)) return false;  // RFC 3279 §2.3.1
  ByteView contents, modulus;
  std::int64_t exponent = 0;
  DerReader outer(key);
  if (!outer.read(der::sequence, contents)) return false;
  DerReader reader(contents);
  if (!reader.read_integer(modulus) || !reader.read_int64(exponent) || !positive(modulus) ||
      exponent <= 0)
    return false;
  if (modulus[0] == 0) modulus = modulus.subspan(1);
  out.rsa_bits = static_cast<std::uint32_t>(
      (modulus.size() - 1) * 8 + static_cast<std::size_t>(std::bit_width(modulus[0]))
  );
  out.rsa_usable = out.rsa_bits >= 1024 && (modulus.back() & 1) == 1 && exponent >= 2 &&
                   (exponent & 1) == 1 && exponent <= 0x7fff'ffff;
  return true;
}

bool read_ec(ByteView key, ByteView parameters) {
  ByteView curve_oid;
  if (!DerReader(parameters).read_oid(curve_oid)) return false;
  for (const Curve& curve : curves) {
    if (!same(ByteView(curve.oid.bytes).first(curve.oid_bytes), curve_oid)) continue;
    return key.size() == 1 + 2 * curve.coordinate_bytes &&
           key[0] == 4;  // uncompressed; that it is on the curve: PublicKey
  }
  return false;
}

bool read_dsa(ByteView key, ByteView parameters) {
  ByteView y, contents, p, q, g;
  DerReader outer(parameters);
  if (!DerReader(key).read_integer(y) || !outer.read(der::sequence, contents)) return false;
  DerReader reader(contents);
  if (!reader.read_integer(p) || !reader.read_integer(q) || !reader.read_integer(g)) return false;
  return positive(y) && positive(p) && positive(q) && positive(g);
}

// A BIT STRING's value moved to the right so that it is whole bytes, as Go's RightAlign.
ByteView right_aligned(ByteView bytes, unsigned padding, std::vector<std::uint8_t>& storage) {
  if (padding == 0 || bytes.empty()) return bytes;
  storage.resize(bytes.size());
  unsigned carry = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    storage[i] = static_cast<std::uint8_t>(carry | bytes[i] >> padding);
    carry = static_cast<unsigned>(bytes[i]) << (8 - padding);
  }
  return storage;
}

bool read_public_key_info(ByteView element, Certificate& out) {
  DerReader outer(element);
  ByteView contents, algorithm, bits;
  unsigned padding = 0;
  AlgorithmIdentifier id;
  if (!outer.read(der::sequence, contents)) return false;
  DerReader reader(contents);
  if (!reader.read(der::sequence, algorithm) || !read_algorithm(algorithm, id) ||
      !reader.read_bit_string(bits, padding))
    return false;
  std::vector<std::uint8_t> shifted;
  const ByteView key = right_aligned(bits, padding, shifted);
  if (oid_rsa == id.oid) {
    out.key_algorithm = KeyAlgorithm::rsa;
    return read_rsa(key, id.parameters, out);
  }
  if (oid_ec_public_key == id.oid) {
    out.key_algorithm = KeyAlgorithm::ecdsa;
    return read_ec(key, id.parameters);
  }
  if (oid_ed25519 == id.oid) {
    out.key_algorithm = KeyAlgorithm::ed25519;
    return id.parameters.empty() && key.size() == 32;
  }
  if (oid_dsa == id.oid) {
    out.key_algorithm = KeyAlgorithm::dsa;
    return read_dsa(key, id.parameters);
  }
  return true;  // a key of a kind we do not know parses; it just verifies nothing
}

// ---- extensions (RFC 5280 §4.2). False: Go fails to parse the certificate ----

bool read_key_usage(ByteView value, Certificate& out) {
  ByteView bits;
  unsigned padding = 0;
  if (!DerReader(value).read_bit_string(bits, padding)) return false;
  for (std::size_t i = 0; i < 9 && i < bits.size() * 8 - padding; ++i) {
    if ((bits[i / 8] >> (7 - i % 8) & 1) != 0)
      out.key_usage = static_cast<std::uint16_t>(out.key_usage | 1u << i);
  }
  return true;
}

bool read_basic_constraints(ByteView value, Certificate& out) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  DerReader reader(contents);
  if (reader.peek(der::boolean) && !reader.read_boolean(out.is_ca)) return false;
  out.has_basic_constraints = true;
  if (!reader.peek(der::integer)) return true;
  return reader.read_int64(out.path_length_max) && out.path_length_max >= 0;
}

bool read_uri(ByteView name, Certificate& out) {
  if (!is_ia5(name)) return false;
  auto host = parse_uri_host(as_text(name));
  if (!host || (!host->empty() && !domain_name_valid(*host, false))) return false;
  out.uris.push_back(as_text(name));
  out.uri_hosts.push_back(std::move(*host));
  return true;
}

bool read_subject_alt_name(ByteView value, Certificate& out, bool& unhandled) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  out.has_subject_alt_name = true;
  out.subject_alt_name = value;
  for (DerReader names(contents); !names.empty();) {
    std::uint8_t tag = 0;
    ByteView name, element;
    if (!names.read_any(tag, name, element)) return false;
    if (tag == der::context(1) || tag == der::context(2)) {
      if (!is_ia5(name)) return false;
      (tag == der::context(1) ? out.mail_names : out.dns_names).push_back(as_text(name));
    } else if (tag == der::context(6)) {
      if (!read_uri(name, out)) return false;
    } else if (tag == der::context(7)) {
      if (name.size() != 4 && name.size() != 16) return false;
      out.ip_addresses.push_back(name);
    }
  }
  unhandled = out.dns_names.empty() && out.mail_names.empty() && out.uris.empty() &&
              out.ip_addresses.empty();
  return true;
}

bool prefix_mask(ByteView mask) {
  bool ended = false;
  for (const std::uint8_t byte : mask) {
    if (ended ? byte != 0 : std::countl_one(byte) + std::countr_zero(byte) < 8) return false;
    ended = ended || byte != 0xff;
  }
  return true;
}

bool read_subtree(std::uint8_t tag, ByteView base, NameSubtrees& out, bool& unhandled) {
  const std::string_view text = as_text(base);
  if (tag == der::context(7)) {
    if ((base.size() != 8 && base.size() != 32) || !prefix_mask(base.subspan(base.size() / 2)))
      return false;
    out.ip.push_back(base);
    return true;
  }
  if (tag != der::context(1) && tag != der::context(2) && tag != der::context(6)) {
    unhandled = true;
    return true;
  }
  if (!is_ia5(base)) return false;
  if (tag == der::context(1)) {
    const bool mailbox = text.find('@') != std::string_view::npos;
    if (mailbox ? !parse_mailbox(text).has_value() : !domain_name_valid(text, true)) return false;
    out.mail.push_back(text);
    return true;
  }
  if (!domain_name_valid(text, true) || (tag == der::context(6) && parse_ip(text))) return false;
  (tag == der::context(2) ? out.dns : out.uri).push_back(text);
  return true;
}

bool read_subtrees(ByteView contents, NameSubtrees& out, bool& unhandled) {
  for (DerReader subtrees(contents); !subtrees.empty();) {
    ByteView subtree, base, element;
    std::uint8_t tag = 0;
    if (!subtrees.read(der::sequence, subtree)) return false;
    if (!DerReader(subtree).read_any(tag, base, element) ||
        !read_subtree(tag, base, out, unhandled))
      return false;
  }
  return true;
}

bool read_name_constraints(ByteView value, Certificate& out, bool& unhandled) {
  ByteView contents, permitted, excluded;
  bool has_permitted = false, has_excluded = false;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents) || !outer.empty()) return false;
  DerReader reader(contents);
  if (!reader.read_optional(der::context_constructed(0), permitted, has_permitted) ||
      !reader.read_optional(der::context_constructed(1), excluded, has_excluded) ||
      !reader.empty() || (permitted.empty() && excluded.empty())) {
    return false;
  }
  out.has_name_constraints = true;
  return read_subtrees(permitted, out.permitted, unhandled) &&
         read_subtrees(excluded, out.excluded, unhandled);
}

bool read_distribution_points(ByteView value) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  for (DerReader points(contents); !points.empty();) {
    ByteView point, name, full_name, uri;
    bool present = false;
    if (!points.read(der::sequence, point)) return false;
    if (!DerReader(point).read_optional(der::context_constructed(0), name, present)) return false;
    if (!present) continue;
    if (!DerReader(name).read(der::context_constructed(0), full_name)) return false;
    DerReader names(full_name);
    while (names.peek(der::context(6))) {
      if (!names.read(der::context(6), uri)) return false;
    }
  }
  return true;
}

bool read_authority_key_id(ByteView value, Certificate& out) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  DerReader reader(contents);
  return !reader.peek(der::context(0)) || reader.read(der::context(0), out.authority_key_id);
}

bool read_policy_constraints(ByteView value, Certificate& out) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  DerReader reader(contents);
  if (reader.peek(der::context(0)) &&
      !reader.read_int64(out.require_explicit_policy, der::context(0)))
    return false;
  return !reader.peek(der::context(1)) ||
         reader.read_int64(out.inhibit_policy_mapping, der::context(1));
}

bool read_extended_key_usage(ByteView value, Certificate& out) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  for (DerReader usages(contents); !usages.empty();) {
    ByteView usage;
    if (!usages.read_oid(usage)) return false;
    out.has_extended_key_usage = true;
    out.usage_any = out.usage_any || oid_usage_any == usage;
    out.usage_server = out.usage_server || oid_usage_server == usage;
    out.usage_client = out.usage_client || oid_usage_client == usage;
  }
  return true;
}

bool oid_well_formed(ByteView id) {  // as read_oid, but arcs may be of any size
  if (id.empty() || id.back() >= 0x80) return false;
  bool first = true;
  for (const std::uint8_t byte : id) {
    if (first && byte == 0x80) return false;
    first = byte < 0x80;
  }
  return true;
}

bool has_duplicates(std::vector<ByteView> values) {
  const auto less = [](ByteView a, ByteView b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  };
  std::sort(values.begin(), values.end(), less);
  return std::adjacent_find(values.begin(), values.end(), same) != values.end();
}

bool read_policies(ByteView value, Certificate& out) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  for (DerReader policies(contents); !policies.empty();) {
    ByteView policy, id;
    if (!policies.read(der::sequence, policy) ||
        !DerReader(policy).read(der::object_identifier, id) || !oid_well_formed(id)) {
      return false;
    }
    out.policies.push_back(id);
  }
  return !has_duplicates(out.policies);
}

bool read_policy_mappings(ByteView value, Certificate& out) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  for (DerReader mappings(contents); !mappings.empty();) {
    ByteView mapping;
    PolicyMapping pair;
    if (!mappings.read(der::sequence, mapping)) return false;
    DerReader reader(mapping);
    if (!reader.read(der::object_identifier, pair.issuer) ||
        !reader.read(der::object_identifier, pair.subject))
      return false;
    out.policy_mappings.push_back(pair);
  }
  return true;
}

bool read_authority_info(ByteView value) {
  ByteView contents;
  DerReader outer(value);
  if (!outer.read(der::sequence, contents)) return false;
  for (DerReader descriptions(contents); !descriptions.empty();) {
    ByteView description, method, uri;
    if (!descriptions.read(der::sequence, description)) return false;
    DerReader reader(description);
    if (!reader.read_oid(method)) return false;
    if (reader.peek(der::context(6)) && !reader.read(der::context(6), uri)) return false;
  }
  return true;
}

bool read_extension_value(
    ByteView id, bool critical, ByteView value, Certificate& out, bool& unhandled
) {
  if (oid_authority_info == id) return !critical && read_authority_info(value);
  if (id.size() != 3 || id[0] != 0x55 || id[1] != 0x1d) {
    unhandled = true;
    return true;
  }
  switch (id[2]) {
    case 14:
      return !critical && DerReader(value).read(der::octet_string, out.subject_key_id);
    case 15:
      return read_key_usage(value, out);
    case 17:
      return read_subject_alt_name(value, out, unhandled);
    case 19:
      return read_basic_constraints(value, out);
    case 30:
      return read_name_constraints(value, out, unhandled);
    case 31:
      return read_distribution_points(value);
    case 32:
      return read_policies(value, out);
    case 33:
      return read_policy_mappings(value, out);
    case 35:
      return !critical && read_authority_key_id(value, out);
    case 36:
      return read_policy_constraints(value, out);
    case 37:
      return read_extended_key_usage(value, out);
    case 54:
      return DerReader(value).read_int64(out.inhibit_any_policy);
    default:
      unhandled = true;
      return true;
  }
}

bool read_extensions(ByteView wrapped, Certificate& out) {
  DerReader outer(wrapped);
  ByteView contents;
  if (!outer.read(der::sequence, contents)) return false;
  std::vector<ByteView> seen;
  for (DerReader extensions(contents); !extensions.empty();) {
    ByteView extension, id, value;
    bool critical = false, unhandled = false;
    if (!extensions.read(der::sequence, extension)) return false;
    DerReader reader(extension);
    if (!reader.read_oid(id)) return false;
    if (reader.peek(der::boolean) && !reader.read_boolean(critical)) return false;
    if (!reader.read(der::octet_string, value)) return false;
    seen.push_back(id);
    if (!read_extension_value(id, critical, value, out, unhandled)) return false;
    out.unhandled_critical = out.unhandled_critical || (critical && unhandled);
  }
  return !has_duplicates(std::move(seen));
}

// ---- the certificate (RFC 5280 §4.1) ----

bool read_version(DerReader& tbs, Certificate& out) {
  ByteView wrapped;
  bool present = false;
  std::int64_t version = 0;
  if (!tbs.read_optional(der::context_constructed(0), wrapped, present)) return false;
  if (present) {
    DerReader inner(wrapped);
    if (!inner.read_int64(version) || !inner.empty()) return false;
  }
  if (version < 0 || version > 2) return false;
  out.version = static_cast<int>(version) + 1;
  return true;
}

bool read_tail(DerReader& tbs, Certificate& out) {
  if (out.version == 1) return true;
  if (!tbs.skip_optional(der::context(1)) || !tbs.skip_optional(der::context(2))) return false;
  if (out.version == 2) return true;
  ByteView extensions;
  bool present = false;
  if (!tbs.read_optional(der::context_constructed(3), extensions, present)) return false;
  return !present || read_extensions(extensions, out);
}

bool read_tbs(
    ByteView contents, ByteView outer_algorithm, Certificate& out, PeerCertificate* names
) {
  DerReader tbs(contents);
  ByteView algorithm, validity;
  bool well_formed = false;
  if (!read_version(tbs, out) || !tbs.read_integer(out.serial) || out.serial[0] >= 0x80)
    return false;
  if (!tbs.read(der::sequence, algorithm) || !same(algorithm, outer_algorithm)) return false;
  out.signature_algorithm = signature_algorithm_of(algorithm, well_formed);
  if (!well_formed) return false;
  if (!tbs.read_element(der::sequence, out.issuer) || !read_name(out.issuer, nullptr)) return false;
  if (!tbs.read(der::sequence, validity)) return false;
  DerReader times(validity);
  if (!read_time(times, out.not_before) || !read_time(times, out.not_after)) return false;
  if (!tbs.read_element(der::sequence, out.subject) || !read_name(out.subject, names)) return false;
  if (!tbs.read_element(der::sequence, out.public_key_info) ||
      !read_public_key_info(out.public_key_info, out))
    return false;
  return read_tail(tbs, out);
}

void keep_alternative_names(const Certificate& from, PeerCertificate& names) {
  names.uri_names.assign(from.uris.begin(), from.uris.end());
  names.dns_names.assign(from.dns_names.begin(), from.dns_names.end());
  names.not_before = from.not_before;
  names.not_after = from.not_after;
}

}  // namespace

std::optional<Certificate> parse_certificate(ByteView der, PeerCertificate* names) {
  Certificate out;
  DerReader input(der);
  ByteView contents, tbs_contents, outer_algorithm, signature;
  unsigned padding = 0;
  out.raw = der;
  if (!input.read(der::sequence, contents) || !input.empty()) return std::nullopt;
  DerReader reader(contents);
  if (!reader.read_element(der::sequence, out.tbs) ||
      !DerReader(out.tbs).read(der::sequence, tbs_contents))
    return std::nullopt;
  if (!reader.read(der::sequence, outer_algorithm)) return std::nullopt;
  if (!read_tbs(tbs_contents, outer_algorithm, out, names)) return std::nullopt;
  if (!reader.read_bit_string(signature, padding)) return std::nullopt;
  out.signature = right_aligned(signature, padding, out.signature_shifted);
  if (names != nullptr) keep_alternative_names(out, *names);
  return out;
}

}  // namespace gh::tls
