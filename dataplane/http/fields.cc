// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/fields.h"

#include "base/limits.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gh::http {

namespace {

using ByteSet = std::array<bool, 256>;

constexpr ByteSet set_of(std::string_view others) {
  ByteSet set{};
  for (char c = '0'; c <= '9'; ++c) set[static_cast<std::uint8_t>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) set[static_cast<std::uint8_t>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) set[static_cast<std::uint8_t>(c)] = true;
  for (const char c : others) set[static_cast<std::uint8_t>(c)] = true;
  return set;
}

constexpr ByteSet visible_without_hash() {
  ByteSet set{};
  for (std::size_t c = 0x21; c <= 0x7e; ++c) set[c] = c != '#';
  return set;
}

constexpr ByteSet value_bytes() {
  ByteSet set{};
  for (std::size_t c = 0x20; c <= 0xff; ++c) set[c] = c != 0x7f;
  set['\t'] = true;
  return set;
}

// Eight bytes none of which is a control byte (RFC 9110 §5.5 allows the rest); HTAB says no here
// and is looked at alone.
bool plainly_text(const char* at) noexcept {
  constexpr std::uint64_t ones = ~std::uint64_t{0} / 255;
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t below_space = (word - ones * 0x20) & ~word;
  const std::uint64_t against_delete = word ^ (ones * 0x7f);
  const std::uint64_t is_delete = (against_delete - ones) & ~against_delete;
  return ((below_space | is_delete) & (ones * 0x80)) == 0;
}

constexpr ByteSet token_set = set_of("!#$%&'*+-.^_`|~");
constexpr ByteSet host_set = set_of("-._~");
constexpr ByteSet target_set = visible_without_hash();
constexpr ByteSet value_set = value_bytes();

bool all_in(std::string_view text, const ByteSet& set) noexcept {
  for (const char c : text) {
    if (!set[static_cast<std::uint8_t>(c)]) return false;
  }
  return true;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit);
}

bool is_ip_literal(std::string_view text) noexcept {
  constexpr std::string_view allowed = "0123456789abcdefABCDEF:.";
  return !text.empty() && text.find(':') != std::string_view::npos &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) noexcept {
  return std::any_of(names.begin(), names.end(), [&](auto each) {
    return equals_ignoring_case(name, each);
  });
}

// clang-format off
constexpr std::array<std::string_view, 11> not_nominated = {
    "authorization", "cache-control", "cookie", "date", "expect", "host", "location", "range", "set-cookie", "transfer-encoding",
    "www-authenticate"};

constexpr std::array<std::string_view, 4> not_nominated_prefixes = {"accept", "content-", "if-", "impersonate-"};

constexpr std::array<std::string_view, 28> not_trailed = {
    "accept", "accept-charset", "accept-encoding", "accept-language", "age", "authorization", "cache-control", "cookie", "date",
    "expires", "forwarded", "location", "max-forwards", "origin", "pragma", "range", "referer", "retry-after", "set-cookie",
    "strict-transport-security", "trailer", "user-agent", "vary", "via", "warning", "www-authenticate", "x-real-ip", "audit-id"};

constexpr std::array<std::string_view, 8> not_trailed_prefixes = {
    "content-", "if-", "x-remote-", "x-forwarded-", "impersonate-", "proxy-", "sec-", "access-control-"};
// clang-format on

}  // namespace

bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ascii_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

std::string_view trim_whitespace(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) noexcept { return !text.empty() && all_in(text, token_set); }

bool is_field_value(std::string_view text) noexcept {
  if (trim_whitespace(text).size() != text.size()) return false;
  while (text.size() >= 8) {
    if (!plainly_text(text.data()) && !all_in(text.substr(0, 8), value_set)) return false;
    text.remove_prefix(8);
  }
  return all_in(text, value_set);
}

bool is_authority(std::string_view text) noexcept {
  std::string_view host = text;
  std::string_view after;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
    after = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    if (colon != std::string_view::npos) after = text.substr(colon);
    if (host.empty() || !all_in(host, host_set)) return false;
  }
  return after.empty() || (after.front() == ':' && is_port(after.substr(1)));
}

bool is_target(std::string_view method, std::string_view target) noexcept {
  if (target == "*") return method == "OPTIONS";
  return target.starts_with('/') && all_in(target, target_set);
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) noexcept {
  if (text.empty() || text.size() > 19 || !std::all_of(text.begin(), text.end(), is_digit))
    return {};
  std::uint64_t value = 0;  // 19 digits fit 64 bits
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  if (value > INT64_MAX) return {};
  return value;
}

FieldKind kind_of(std::string_view name) noexcept {
  // By length first: nearly every field is told apart by it and its first letter.
  const auto is = [&](std::string_view lower) { return equals_ignoring_case(name, lower); };
  switch (name.size()) {
    case 2:
      return is("te") ? FieldKind::te : FieldKind::end_to_end;
    case 4:
      return is("host") ? FieldKind::host : FieldKind::end_to_end;
    case 6:
      return is("expect") ? FieldKind::expect : FieldKind::end_to_end;
    case 7:
      return is("upgrade") ? FieldKind::upgrade : FieldKind::end_to_end;
    case 10:
      if (is("connection")) return FieldKind::connection;
      return is("keep-alive") ? FieldKind::dropped : FieldKind::end_to_end;
    case 14:
      if (is("content-length")) return FieldKind::content_length;
      return is("http2-settings") ? FieldKind::dropped : FieldKind::end_to_end;
    case 16:
      return is("proxy-connection") ? FieldKind::dropped : FieldKind::end_to_end;
    case 17:
      return is("transfer-encoding") ? FieldKind::transfer_encoding : FieldKind::end_to_end;
    case 18:
      return is("proxy-authenticate") ? FieldKind::dropped : FieldKind::end_to_end;
    case 19:
      return is("proxy-authorization") ? FieldKind::dropped : FieldKind::end_to_end;
    default:
      return FieldKind::end_to_end;
  }
}

bool may_be_nominated(std::string_view name) noexcept {
  for (const std::string_view prefix : not_nominated_prefixes) {
    if (equals_ignoring_case(name.substr(0, prefix.size()), prefix)) return false;
  }
  return !contains(not_nominated, name);
}

bool may_be_trailer(std::string_view lower_name) noexcept {
  std::array<char, 32> dashed{};  // longer than any name below; a prefix is all a longer one needs
  const std::size_t n = std::min(lower_name.size(), dashed.size());
  for (std::size_t i = 0; i < n; ++i) dashed[i] = lower_name[i] == '_' ? '-' : lower_name[i];
  const std::string_view start(dashed.data(), n);
  for (const std::string_view prefix : not_trailed_prefixes) {
    if (start.starts_with(prefix)) return false;
  }
  if (n < lower_name.size()) return true;
  return kind_of(start) == FieldKind::end_to_end && !contains(not_trailed, start);
}

void drop_forbidden_trailers(HeaderList& trailers) {
  trailers.remove_if([](const Field& field) { return !may_be_trailer(field.name); });
}

bool HopByHop::take(std::string_view connection_value) {
  return for_each_item(connection_value, [&](std::string_view option) {
    if (!is_token(option)) return false;
    if (equals_ignoring_case(option, "close")) return close = true;
    if (equals_ignoring_case(option, "keep-alive")) return keep_alive = true;
    if (equals_ignoring_case(option, "upgrade")) return upgrade = true;
    if (!may_be_nominated(option)) return false;
    if (kind_of(option) != FieldKind::end_to_end) return true;  // TE and its like go anyway
    if (nominated_.size() >= limits::h1_connection_options_max) return false;
    nominated_.add(option, {});
    return true;
  });
}

void HopByHop::strip(HeaderList& headers) const {
  if (nominated_.empty()) return;
  headers.remove_if([&](const Field& field) { return nominated_.find(field.name).has_value(); });
}

void HopByHop::clear() noexcept {
  close = keep_alive = upgrade = false;
  nominated_.clear();
}

bool wants_trailers(std::string_view te_value) noexcept {
  return !for_each_item(te_value, [](std::string_view item) {
    return !equals_ignoring_case(item, "trailers");  // stops at the first "trailers"
  });
}

}  // namespace gh::http
