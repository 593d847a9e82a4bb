// SPDX-License-Identifier: Apache-2.0
#include "tls/pkcs11/pkcs11_uri.h"

#include "base/hex.h"

#include <charconv>
#include <set>

namespace gh::tls {
namespace {

constexpr std::string_view scheme = "pkcs11:";

auto bad(const std::string& what) { return fault("this is no PKCS#11 URI (RFC 7512): " + what); }

// Of the path, what stands before '?'.
Outcome<void> take_path(Pkcs11Uri& uri, std::string_view name, std::string value) {
  if (name == "token") {
    uri.token = std::move(value);
  } else if (name == "manufacturer") {
    uri.manufacturer = std::move(value);
  } else if (name == "serial") {
    uri.serial = std::move(value);
  } else if (name == "model") {
    uri.model = std::move(value);
  } else if (name == "object") {
    uri.object = std::move(value);
  } else if (name == "id") {
    uri.id = std::move(value);
  } else if (name == "type") {
    if (value != "private") return bad("type must be private, not " + value);
  } else if (name == "slot-id") {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size())
      return bad("slot-id is not a number");
    uri.slot_id = number;
  } else {
    return bad("the attribute \"" + std::string(name) + "\" is not understood");
  }
  return {};
}

Outcome<void> take_query(Pkcs11Uri& uri, std::string_view name, std::string value) {
  if (name == "module-path") {
    if (!value.starts_with('/')) return bad("module-path must be an absolute path");
    uri.module_path = std::move(value);
  } else if (name == "pin-value") {
    uri.pin_value = std::move(value);
  } else if (name == "pin-source") {
    if (value.starts_with("file://")) {
      value.erase(0, 7);
    } else if (value.starts_with("file:")) {
      value.erase(0, 5);
    }
    if (!value.starts_with('/')) return bad("pin-source must be an absolute path");
    uri.pin_file = std::move(value);
  } else {
    return bad("the attribute \"" + std::string(name) + "\" is not understood");
  }
  return {};
}

template <class Take>
Outcome<void> each(std::string_view list, char separator, Take take) {
  std::set<std::string_view> seen;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    const std::string_view pair = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) return bad("an attribute has no value");
    const std::string_view name = pair.substr(0, equals);
    if (!seen.insert(name).second) return bad(std::string(name) + " is there twice");
    auto value = percent_decoded(pair.substr(equals + 1));
    if (!value) return bad("a percent sign without two digits");
    GH_TRY_VOID(take(name, std::move(*value)));
  }
  return {};
}

}  // namespace

bool is_pkcs11_uri(std::string_view text) { return text.starts_with(scheme); }

Outcome<Pkcs11Uri> parse_pkcs11_uri(std::string_view text) {
  if (!is_pkcs11_uri(text)) return bad("it does not begin with pkcs11:");
  if (text.find('\0') != std::string_view::npos) return bad("a zero byte");
  text.remove_prefix(scheme.size());
  const std::size_t question = std::min(text.find('?'), text.size());
  Pkcs11Uri uri;
  GH_TRY_VOID(each(text.substr(0, question), ';', [&](std::string_view name, std::string value) {
    return take_path(uri, name, std::move(value));
  }));
  if (question < text.size()) {
    GH_TRY_VOID(each(text.substr(question + 1), '&', [&](std::string_view name, std::string value) {
      return take_query(uri, name, std::move(value));
    }));
  }
  if (!uri.object && !uri.id) return bad("it names no key (object= or id=)");
  if (uri.pin_value && !uri.pin_file.empty()) return bad("both pin-value and pin-source");
  return uri;
}

std::string without_pin(std::string_view text) {
  constexpr std::string_view name = "pin-value=";
  std::string out(text);
  for (std::size_t at = out.find(name); at != std::string::npos; at = out.find(name, at + 1)) {
    const std::size_t begin = at + name.size();
    out.replace(begin, std::min(out.find('&', begin), out.size()) - begin, "***");
  }
  return out;
}

}  // namespace gh::tls
