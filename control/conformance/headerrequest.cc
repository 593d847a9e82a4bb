// SPDX-License-Identifier: Apache-2.0
#include "authz/identity/encode.h"
#include "authz/identity/from_front_proxy.h"
#include "control/conformance/callers.h"
#include "control/conformance/vectors.h"

#include <algorithm>
#include <map>
#include <optional>

namespace gh::conformance {
namespace {

using identity::Identity;

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
