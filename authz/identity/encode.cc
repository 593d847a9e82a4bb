// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/encode.h"

#include <algorithm>

namespace gh::identity {
namespace {

// RFC 9110 §5.6.2
bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

// Why a value cannot stand in a header field as it is; empty: it can.
std::string_view value_fault(std::string_view value) {
  if (std::any_of(value.begin(), value.end(), is_control)) return "a control character";
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back())))
    return "a space or tab at an end";
  return {};
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 128)) {
    constexpr char hex[] = "0123456789abcdef";
    if (is_control(c) || c == '\t') {
      out += "\\x";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

Result<void, std::string> check(std::string_view what, std::string_view value) {
  const std::string_view fault = value_fault(value);
  if (fault.empty()) return {};
  return fail(
      "the " + std::string(what) + " " + quote(value) + " has " + std::string(fault) +
      " and cannot be passed on unchanged in a header"
  );
}

Result<void, std::string> check_extra(
    const std::string& key, const std::vector<std::string>& values
) {
  if (std::any_of(key.begin(), key.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return fail(
        "the extra key " + quote(key) +
        " has capital letters and cannot be passed on unchanged in a header name"
    );
  }
  if (values.empty())
    return fail("the extra key " + quote(key) + " has no value and would be lost in headers");
  for (const auto& value : values) GH_TRY_VOID(check("value of extra key " + quote(key), value));
  return {};
}

}  // namespace

std::string encoded_extra_name(std::string_view key) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out(remote_extra_prefix);
  for (const char c : key) {
    if (!is_token(c) || c == '%') {
      out += '%';
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
  }
  return out;
}

Result<void, std::string> forwardable(const Identity& who) {
  if (who.user.empty()) return fail(std::string("the user name is empty"));
  GH_TRY_VOID(check("user name", who.user));
  GH_TRY_VOID(check("uid", who.uid));
  for (const auto& group : who.groups) {
    if (group.empty()) {
      return fail(std::string(
          "a group name is empty, and the API server drops empty groups given in headers"
      ));
    }
    GH_TRY_VOID(check("group", group));
  }
  for (const auto& [key, values] : who.extra) GH_TRY_VOID(check_extra(key, values));
  return {};
}

}  // namespace gh::identity
