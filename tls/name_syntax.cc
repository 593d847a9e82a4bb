// SPDX-License-Identifier: Apache-2.0
#include "tls/name_syntax.h"

#include "base/hex.h"
#include "base/utf8.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gh::tls {

bool is_ia5(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b < 0x80; });
}

bool is_utf8(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    if (!rune.valid) return false;
    at += rune.bytes;
  }
  return true;
}

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower(x) == lower(y);
         });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool domain_name_valid(std::string_view name, bool constraint) {
  if (name.empty()) return true;
  if (name.back() == '.') return false;
  if (constraint && name[0] == '.') name.remove_prefix(1);
  // Go counts a first label from the start of the text, so ".a" without `constraint` has an empty
  // label.
  std::size_t label = 0;
  for (std::size_t i = 0; i <= name.size(); ++i) {
    const bool end = i == name.size();
    if (!end && (name[i] < 33 || name[i] > 126)) return false;
    if (end || name[i] == '.') {
      if (label == 0) return false;
      label = 0;
    } else {
      ++label;
    }
  }
  return true;
}

namespace {

// The domain of a mailbox: as domain_name_valid, but never empty labels at either end; an empty
// domain is none at all.
bool mailbox_domain_valid(std::string_view domain) { return domain_name_valid(domain, false); }

bool quoted_text(unsigned char c) {  // qtext, and the space RFC 3696 allows
  return c == 11 || c == 12 || c == 32 || c == 33 || c == 127 || (c >= 1 && c <= 8) ||
         (c >= 14 && c <= 31) || (c >= 35 && c <= 91) || (c >= 93 && c <= 126);
}

bool escaped_text(unsigned char c) {
  return c == 11 || c == 12 || (c >= 1 && c <= 9) || (c >= 14 && c <= 127);
}

bool atom_text(char c) {
  return is_digit(c) || is_letter(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}

bool read_quoted(std::string_view& in, std::string& local) {
  for (in.remove_prefix(1);;) {
    if (in.empty()) return false;
    const char c = in[0];
    in.remove_prefix(1);
    if (c == '"') return true;
    if (c == '\\') {
      if (in.empty() || !escaped_text(static_cast<unsigned char>(in[0]))) return false;
      local += in[0];
      in.remove_prefix(1);
    } else if (quoted_text(static_cast<unsigned char>(c))) {
      local += c;
    } else {
      return false;
    }
  }
}

bool read_atoms(std::string_view& in, std::string& local) {
  while (!in.empty()) {
    if (in[0] == '\\') {  // RFC 3696: an escaped character outside of quotes
      in.remove_prefix(1);
      if (in.empty()) return false;
    } else if (!atom_text(in[0])) {
      break;
    }
    local += in[0];
    in.remove_prefix(1);
  }
  return !local.empty() && local.front() != '.' && local.back() != '.' &&
         local.find("..") == std::string::npos;
}

}  // namespace

std::optional<Mailbox> parse_mailbox(std::string_view in) {
  Mailbox out;
  if (in.empty()) return std::nullopt;
  if (!(in[0] == '"' ? read_quoted(in, out.local) : read_atoms(in, out.local))) return std::nullopt;
  if (in.empty() || in[0] != '@') return std::nullopt;
  in.remove_prefix(1);
  if (!mailbox_domain_valid(in)) return std::nullopt;
  out.domain = in;
  return out;
}

namespace {

enum class Part : std::uint8_t { host, zone, other };

bool host_byte(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("!\"$&'()*+,-.:;<=>[]_~").find(c) != std::string_view::npos;
}

// net/url's unescape: in a host only bytes above ASCII and the percent sign may be escaped.
bool unescape(std::string_view s, Part part, std::string& out) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      if (part != Part::other && static_cast<unsigned char>(s[i]) < 0x80 && !host_byte(s[i]))
        return false;
      out += s[i];
      continue;
    }
    if (i + 2 >= s.size() || hex_value(s[i + 1]) < 0 || hex_value(s[i + 2]) < 0) return false;
    const char c = static_cast<char>(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2]));
    const bool percent = s.substr(i, 3) == "%25";
    if (part == Part::host && hex_value(s[i + 1]) < 8 && !percent) return false;
    if (part == Part::zone && !percent && c != ' ' && !host_byte(c)) return false;
    out += c;
    i += 2;
  }
  return true;
}

bool well_escaped(std::string_view s) {
  std::string ignored;
  return unescape(s, Part::other, ignored);
}

bool optional_port(std::string_view text) {
  return text.empty() || (text[0] == ':' && std::all_of(text.begin() + 1, text.end(), is_digit));
}

bool user_info_valid(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("-._:~!$&'()*+,;=%@").find(c) != std::string_view::npos;
  });
}

// RFC 3986 and RFC 6874: "[v6]", "[v6%25zone]", with an optional port.
std::optional<std::string> parse_ip_literal(std::string_view host) {
  const std::size_t close = host.rfind(']');
  if (close == std::string_view::npos || !optional_port(host.substr(close + 1)))
    return std::nullopt;
  const std::string_view inner = host.substr(1, close - 1);
  const std::size_t zone = inner.find("%25");
  std::string address;
  if (!unescape(inner.substr(0, zone), Part::host, address)) return std::nullopt;
  if (zone != std::string_view::npos && !unescape(inner.substr(zone), Part::zone, address))
    return std::nullopt;
  const std::size_t percent = address.find('%');
  const auto ip = parse_ip(std::string_view(address).substr(0, percent));
  if (!ip || ip->size() != 16 || percent + 1 == address.size()) return std::nullopt;
  return "[" + address + "]" + std::string(host.substr(close + 1));
}

std::optional<std::string> parse_host(std::string_view scheme, std::string_view host) {
  const std::size_t bracket = host.rfind('[');
  if (bracket != std::string_view::npos)
    return bracket == 0 ? parse_ip_literal(host) : std::nullopt;
  if (const std::size_t first = host.find(':'); first != std::string_view::npos) {
    const bool strict =
        equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https");
    if (!optional_port(host.substr(strict ? first : host.rfind(':')))) return std::nullopt;
  }
  std::string out;
  if (!unescape(host, Part::host, out)) return std::nullopt;
  return out;
}

std::optional<std::string> parse_authority(std::string_view scheme, std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  auto host =
      parse_host(scheme, at == std::string_view::npos ? authority : authority.substr(at + 1));
  if (!host || at == std::string_view::npos) return host;
  const std::string_view user = authority.substr(0, at);
  // Name and password are unescaped apart; a cut at ':' cannot mend or break an escape.
  const std::size_t colon = user.find(':');
  if (!user_info_valid(user) || !well_escaped(user.substr(0, colon))) return std::nullopt;
  if (colon != std::string_view::npos && !well_escaped(user.substr(colon + 1))) return std::nullopt;
  return host;
}

// The scheme before ':', empty when there is none; false: a URI cannot begin with ':'.
bool split_scheme(std::string_view& rest, std::string_view& scheme) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (is_letter(c)) continue;
    if (c == ':') {
      if (i == 0) return false;
      scheme = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return true;
    }
    if (i == 0 || !(is_digit(c) || c == '+' || c == '-' || c == '.')) return true;
  }
  return true;
}

}  // namespace

std::optional<std::string> parse_uri_host(std::string_view uri) {
  const std::size_t hash = uri.find('#');
  std::string_view rest = uri.substr(0, hash);
  if (std::any_of(rest.begin(), rest.end(), [](char c) {
        return (c >= 0 && c < ' ') || c == 0x7f;
      }))
    return std::nullopt;
  if (hash != std::string_view::npos && !well_escaped(uri.substr(hash + 1))) return std::nullopt;
  if (rest == "*") return "";
  std::string_view scheme;
  if (!split_scheme(rest, scheme)) return std::nullopt;
  rest = rest.substr(0, rest.find('?'));
  if (!rest.starts_with('/')) {
    if (!scheme.empty()) return "";  // opaque, such as "urn:x"
    if (rest.substr(0, rest.find('/')).find(':') != std::string_view::npos) return std::nullopt;
  }
  std::string host;
  if (rest.starts_with("//") && (!scheme.empty() || !rest.starts_with("///"))) {
    const std::string_view after = rest.substr(2);
    const std::size_t slash = after.find('/');
    auto parsed = parse_authority(scheme, after.substr(0, slash));
    if (!parsed) return std::nullopt;
    host = std::move(*parsed);
    rest = slash == std::string_view::npos ? std::string_view{} : after.substr(slash);
  }
  if (!well_escaped(rest)) return std::nullopt;
  return host;
}

std::optional<std::string> constrained_uri_host(std::string_view host_and_port) {
  if (host_and_port.empty() || host_and_port[0] == '[') return std::nullopt;
  std::string_view host = host_and_port;
  if (host.find(':') != std::string_view::npos && host.back() != ']') {
    host = host.substr(0, host.rfind(':'));
    if (host.find_first_of(":[]") != std::string_view::npos) return std::nullopt;
  }
  if (parse_ip(host.substr(0, host.find('%')))) return std::nullopt;
  return lower_case(host);
}

std::optional<std::string> parse_ip(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  const std::string terminated(text);
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1)
    return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1)
    return std::string(bytes.data(), 16);
  return std::nullopt;
}

ByteView unmapped_ip(ByteView ip) {
  static constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (ip.size() == 16 && std::equal(mapped.begin(), mapped.end(), ip.begin()))
    return ip.subspan(12);
  return ip;
}

namespace {

bool host_syntax_valid(std::string_view host, bool pattern) {
  if (!pattern && host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host == "*") return false;
  std::size_t at = 0;  // within the label
  bool first_label = true;
  for (std::size_t i = 0; i <= host.size(); ++i) {
    if (i == host.size() || host[i] == '.') {
      if (at == 0) return false;
      at = 0;
      first_label = false;
      continue;
    }
    const char c = host[i];
    const bool wildcard =
        pattern && first_label && c == '*' && at == 0 && i + 1 < host.size() && host[i + 1] == '.';
    if (!wildcard && !is_letter(c) && !is_digit(c) && c != '_' && !(c == '-' && at != 0))
      return false;
    ++at;
  }
  return true;
}

}  // namespace

bool host_matches(std::string_view pattern, std::string_view host) {
  if (!host_syntax_valid(host, false) || !host_syntax_valid(pattern, true)) {
    return !pattern.empty() && pattern != "." && !host.empty() && host != "." &&
           equals_ignoring_case(pattern, host);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (!pattern.starts_with("*.")) return equals_ignoring_case(pattern, host);
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && equals_ignoring_case(pattern.substr(1), host.substr(dot));
}

}  // namespace gh::tls
