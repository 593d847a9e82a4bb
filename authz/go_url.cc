// SPDX-License-Identifier: Apache-2.0
#include "authz/go_url.h"

#include "base/hex.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace gh::authz {
namespace {

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// net/url's encoding_table.go: the parts in which a byte stands for itself.
constexpr std::array<unsigned, 256> plain_in = [] {
  constexpr unsigned path = 1, segment = 2, host = 4, zone = 8, user = 16, query = 32;
  std::array<unsigned, 256> table{};
  const auto set = [&](std::string_view bytes, unsigned parts) {
    for (const char c : bytes) table[static_cast<unsigned char>(c)] |= parts;
  };
  for (unsigned c = 0; c < 128; ++c) {
    const char byte = static_cast<char>(c);
    if (is_letter(byte) || is_digit(byte)) table[c] = path | segment | host | zone | user | query;
  }
  set("-_.~", path | segment | host | zone | user | query);
  set("!\"'()*<>[]", host | zone);
  set("$&+=", path | segment | host | zone | user);
  set(",;", path | host | zone | user);
  set("/", path);
  set(":", path | segment | host | zone);
  set("@", path | segment);
  return table;
}();

bool should_escape(char c, UrlPart part) {
  return (plain_in[static_cast<unsigned char>(c)] & static_cast<unsigned>(part)) == 0;
}

// The scheme, and what follows its colon; null: "missing protocol scheme".
std::optional<std::string_view> take_scheme(std::string_view& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (is_letter(c)) continue;
    if (is_digit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return std::string_view{};
      continue;
    }
    if (c != ':') return std::string_view{};
    if (i == 0) return std::nullopt;
    const std::string_view scheme = rest.substr(0, i);
    rest.remove_prefix(i + 1);
    return scheme;
  }
  return std::string_view{};
}

bool valid_optional_port(std::string_view port) {
  if (port.empty()) return true;
  return port[0] == ':' && std::all_of(port.begin() + 1, port.end(), is_digit);
}

bool valid_userinfo(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("-._:~!$&'()*+,;=%@").find(c) != std::string_view::npos;
  });
}

// netip.ParseAddr for what may stand in brackets: IPv6, with a non-empty zone or none.
bool is_ipv6(const std::string& text) {
  const std::size_t zone = text.find('%');
  if (zone != std::string::npos && zone + 1 == text.size()) return false;
  const std::string address = text.substr(0, zone);
  std::array<unsigned char, 16> bytes;
  return inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1 &&
         address.find('\0') == std::string::npos;
}

std::optional<std::string> parse_ip_literal(std::string_view host) {
  const std::size_t close = host.rfind(']');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view port = host.substr(close + 1);
  if (!valid_optional_port(port)) return std::nullopt;
  const std::string_view inside = host.substr(1, close - 1);
  std::string address;
  const std::size_t zone = inside.find("%25");
  const auto first = url_unescape(inside.substr(0, zone), UrlPart::host);
  if (!first) return std::nullopt;
  address = *first;
  if (zone != std::string_view::npos) {
    const auto second = url_unescape(inside.substr(zone), UrlPart::zone);
    if (!second) return std::nullopt;
    address += *second;
  }
  if (!is_ipv6(address)) return std::nullopt;
  return "[" + address + "]" + std::string(port);
}

std::optional<std::string> parse_host(std::string_view scheme, std::string_view host) {
  const std::size_t bracket = host.rfind('[');
  if (bracket == 0) return parse_ip_literal(host);
  if (bracket != std::string_view::npos) return std::nullopt;
  std::size_t colon = host.find(':');
  if (colon != std::string_view::npos) {
    // Several colons were once allowed; still are outside http and https (go.dev/issue/75223).
    if (scheme != "http" && scheme != "https") colon = host.rfind(':');
    if (!valid_optional_port(host.substr(colon))) return std::nullopt;
  }
  return url_unescape(host, UrlPart::host);
}

bool parse_authority(std::string_view authority, GoUrl& url) {
  const std::size_t at = authority.rfind('@');
  auto host =
      parse_host(url.scheme, at == std::string_view::npos ? authority : authority.substr(at + 1));
  if (!host) return false;
  url.host = std::move(*host);
  if (at == std::string_view::npos) return true;
  const std::string_view userinfo = authority.substr(0, at);
  if (!valid_userinfo(userinfo)) return false;
  const std::size_t colon = userinfo.find(':');
  auto username = url_unescape(userinfo.substr(0, colon), UrlPart::user_password);
  if (!username) return false;
  url.has_user = true;
  url.username = std::move(*username);
  if (colon == std::string_view::npos) return true;
  auto password = url_unescape(userinfo.substr(colon + 1), UrlPart::user_password);
  if (!password) return false;
  url.has_password = true;
  url.password = std::move(*password);
  return true;
}

void split_query(std::string_view& rest, GoUrl& url) {
  const std::size_t mark = rest.find('?');
  if (mark == std::string_view::npos) return;
  if (mark + 1 == rest.size()) {
    url.force_query = true;
  } else {
    url.raw_query = rest.substr(mark + 1);
  }
  rest = rest.substr(0, mark);
}

bool set_path(std::string_view path, GoUrl& url) {
  auto decoded = url_unescape(path, UrlPart::path);
  if (!decoded) return false;
  url.path = std::move(*decoded);
  if (url_escape(url.path, UrlPart::path) != path) url.raw_path = path;
  return true;
}

// url.ParseRequestURI
std::optional<GoUrl> parse_request_uri(std::string_view target) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; };
  if (target.empty() || std::any_of(target.begin(), target.end(), is_control)) return std::nullopt;
  GoUrl url;
  if (target == "*") {
    url.path = "*";
    return url;
  }
  std::string_view rest = target;
  const auto scheme = take_scheme(rest);
  if (!scheme) return std::nullopt;
  for (const char c : *scheme) url.scheme += is_letter(c) ? static_cast<char>(c | 0x20) : c;
  split_query(rest, url);
  if (!rest.starts_with('/')) {
    if (url.scheme.empty()) return std::nullopt;
    url.opaque = rest;
    return url;
  }
  if (!url.scheme.empty() && rest.starts_with("//")) {
    const std::size_t slash = rest.find('/', 2);
    const std::string_view authority =
        slash == std::string_view::npos ? rest.substr(2) : rest.substr(2, slash - 2);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
    if (!parse_authority(authority, url)) return std::nullopt;
  } else if (!url.scheme.empty()) {
    url.omit_host = true;
  }
  if (!set_path(rest, url)) return std::nullopt;
  return url;
}

// The path as it would be sent again: URL.EscapedPath().
std::string escaped_path(const GoUrl& url) {
  const auto stays = [](char c) {
    return std::string_view("!$&'()*+,;=:@[]%").find(c) != std::string_view::npos ||
           !should_escape(c, UrlPart::path);
  };
  if (!url.raw_path.empty() && std::all_of(url.raw_path.begin(), url.raw_path.end(), stays)) {
    return url.raw_path;
  }
  return url.path == "*" ? "*" : url_escape(url.path, UrlPart::path);
}

void append_authority(std::string& out, const GoUrl& url) {
  if (url.scheme.empty() && url.host.empty() && !url.has_user) return;
  if (url.omit_host && url.host.empty() && !url.has_user) return;
  if (!url.host.empty() || !url.path.empty() || url.has_user) out += "//";
  if (url.has_user) {
    out += url_escape(url.username, UrlPart::user_password);
    if (url.has_password) out += ":" + url_escape(url.password, UrlPart::user_password);
    out += '@';
  }
  out += url_escape(url.host, UrlPart::host);
}

}  // namespace

std::string GoUrl::to_string() const {
  std::string out;
  if (!scheme.empty()) out = scheme + ":";
  if (!opaque.empty()) {
    out += opaque;
  } else {
    append_authority(out, *this);
    const std::string shown = escaped_path(*this);
    if (!shown.empty() && shown[0] != '/' && !host.empty()) out += '/';
    if (out.empty() && shown.substr(0, shown.find('/')).find(':') != std::string::npos) out = "./";
    out += shown;
  }
  if (force_query || !raw_query.empty()) out += "?" + raw_query;
  return out;
}

std::optional<GoUrl> go_request_url(std::string_view method, std::string_view target) {
  // A space would have split the request line elsewhere, and the version would not have been one.
  if (!valid_method(method) || target.find(' ') != std::string_view::npos) return std::nullopt;
  if (method != "CONNECT" || target.starts_with('/')) return parse_request_uri(target);
  auto url = parse_request_uri("http://" + std::string(target));
  if (url) url->scheme.clear();
  return url;
}

bool valid_method(std::string_view method) noexcept {
  return !method.empty() && std::all_of(method.begin(), method.end(), [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::optional<std::string> url_unescape(std::string_view text, UrlPart part) {
  std::string out;
  out.reserve(text.size());
  const bool host_like = part == UrlPart::host || part == UrlPart::zone;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
        return std::nullopt;
      const char byte = static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
      const bool percent = text.substr(i, 3) == "%25";
      // RFC 6874: in a host only non-ASCII bytes, and the percent sign before a zone, may be
      // escaped.
      if (part == UrlPart::host && hex_value(text[i + 1]) < 8 && !percent) return std::nullopt;
      if (part == UrlPart::zone && !percent && byte != ' ' && should_escape(byte, UrlPart::host)) {
        return std::nullopt;
      }
      out += byte;
      i += 2;
    } else if (c == '+' && part == UrlPart::query_component) {
      out += ' ';
    } else {
      if (host_like && static_cast<unsigned char>(c) < 0x80 && should_escape(c, part)) {
        return std::nullopt;
      }
      out += c;
    }
  }
  return out;
}

std::string url_escape(std::string_view text, UrlPart part) {
  constexpr char upper_hex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (!should_escape(c, part)) {
      out += c;
    } else if (c == ' ' && part == UrlPart::query_component) {
      out += '+';
    } else {
      out += '%';
      out += upper_hex[static_cast<unsigned char>(c) >> 4];
      out += upper_hex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace gh::authz
