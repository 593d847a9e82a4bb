// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/encode.h"
#include "authz/identity/from_front_proxy.h"
#include "control/conformance/vectors.h"

#include <algorithm>
#include <map>
#include <optional>

namespace gh::conformance {
namespace {

using identity::Identity;

struct Field {
  std::string name;  // lower case
  std::string value;
};

bool is_token(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Raw header lines as Go's HTTP/1.1 server reads them; null: it answers 400. (Our own front is
// stricter: it takes no folded lines.)
std::optional<std::vector<Field>> read_lines(const std::vector<std::string>& lines) {
  std::vector<Field> fields;
  for (const std::string& line : lines) {
    if (line.starts_with(' ') || line.starts_with('\t')) {
      if (fields.empty()) return std::nullopt;
      fields.back().value.append(" ").append(trim(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = std::string_view(line).substr(0, colon);
    if (colon == std::string::npos || name.empty() ||
        !std::all_of(name.begin(), name.end(), is_token)) {
      return std::nullopt;
    }
    fields.push_back({lower(name), std::string(trim(std::string_view(line).substr(colon + 1)))});
  }
  for (const Field& field : fields) {
    for (const char c : field.value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return std::nullopt;
    }
  }
  return fields;
}

// http.CanonicalHeaderKey
std::string canonical(std::string_view lower_name) {
  std::string out(lower_name);
  bool first = true;
  for (char& c : out) {
    if (first && c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
    first = c == '-';
  }
  return out;
}

Identity identity_at(Json user) {
  Identity who;
  who.user = text_at(user, "name");
  who.uid = text_at(user, "uid");
  who.groups = texts_at(user, "groups");
  simdjson::dom::object extra;
  if (user["extra"].get_object().get(extra) == simdjson::SUCCESS) {
    for (const auto& [key, values] : extra) {
      for (const auto& value : texts_at(user["extra"], key))
        identity::add_extra(who.extra, key, value);
    }
  }
  return who;
}

std::vector<std::string> shown_extra(const identity::Extra& extra, bool any_order) {
  std::vector<std::string> out;
  for (auto [key, values] : extra) {
    if (any_order) std::sort(values.begin(), values.end());
    out.push_back(key + "=" + shown(values));
  }
  return out;
}

struct Setting {
  identity::FrontProxyConfig config;
  std::string proxy_name = "front-proxy-client";
  bool no_certificate = false;
  bool other_ca = false;
};

Setting setting_at(Json config) {
  Setting setting;
  setting.config = {
      texts_at(config, "usernameHeaders"),
      texts_at(config, "uidHeaders"),
      texts_at(config, "groupHeaders"),
      texts_at(config, "extraHeaderPrefixes"),
      texts_at(config, "allowedNames")
  };
  if (const std::string name = text_at(config, "proxyCN"); !name.empty()) setting.proxy_name = name;
  setting.no_certificate = bool_at(config, "noClientCert");
  setting.other_ca = bool_at(config, "certFromOtherCA");
  return setting;
}

std::vector<std::string> left_over(
    const identity::FrontProxy& proxy, const std::vector<Field>& fields
) {
  std::vector<std::string> left;
  for (const Field& field : fields) {
    if (field.name.starts_with("x-") && !proxy.is_identity_header(field.name))
      left.push_back(canonical(field.name));
  }
  std::sort(left.begin(), left.end());
  left.erase(std::unique(left.begin(), left.end()), left.end());
  return left;
}

void judge_case(Json each, const Setting& setting, Findings& findings) {
  const auto fields = read_lines(texts_at(each, "headers"));
  findings.expect_number("http", number_at(each, "http"), fields ? 0 : 400);
  if (!fields || number_at(each, "http") != 0) return;
  const identity::FrontProxy proxy(setting.config);
  std::string result = "none";
  std::optional<Identity> who;
  if (setting.other_ca || (!setting.no_certificate && !proxy.allows(setting.proxy_name))) {
    result = "error";
  } else if (!setting.no_certificate) {
    who = proxy.identify(*fields);
    if (who) result = "user";
  }
  findings.expect("result", text_at(each, "result"), result);
  Json user;
  if (!who || each["user"].get(user) != simdjson::SUCCESS) return;
  const Identity want = identity_at(user);
  const bool any_order = bool_at(each, "ambiguousOrder");
  findings.expect("user.name", want.user, who->user);
  findings.expect("user.uid", want.uid, who->uid);
  findings.expect("user.groups", want.groups, who->groups);
  findings.expect(
      "user.extra", shown_extra(want.extra, any_order), shown_extra(who->extra, any_order)
  );
  findings.expect(
      "serverGroups",
      texts_at(each, "serverGroups"),
      identity::with_authenticated_group(*who).groups
  );
  findings.expect("headersLeft", texts_at(each, "headersLeft"), left_over(proxy, *fields));
}

// Field names are compared without regard to case, as HTTP does; values of one name in their order.
std::vector<std::string> as_lines(const std::multimap<std::string, std::string>& fields) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : fields) lines.push_back(name + ": " + value);
  return lines;
}

void judge_encoding(Json each, Findings& findings) {
  std::multimap<std::string, std::string> want;
  for (const auto& line : texts_at(each, "headers")) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos)
      want.emplace(lower(line.substr(0, colon)), line.substr(colon + 2));
  }
  std::multimap<std::string, std::string> got;
  identity::encode(identity_at(each["user"]), [&](std::string_view name, std::string_view value) {
    got.emplace(name, value);
  });
  findings.expect("encoded headers", as_lines(want), as_lines(got));
}

}  // namespace

Tally judge_headerrequest(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(parser, file, {"k8s-request-header/1"}, root, tally, out) == nullptr)
    return tally;
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    Json config;
    if (each["config"].get(config) != simdjson::SUCCESS) config = root["config"];
    judge_case(each, setting_at(config), findings);
  });
  simdjson::dom::array encodings;
  if (root["encode"].get_array().get(encodings) == simdjson::SUCCESS) {
    judge_each(encodings, tally, out, [&](Json each, Findings& findings) {
      judge_encoding(each, findings);
    });
  }
  return tally;
}

}  // namespace gh::conformance
