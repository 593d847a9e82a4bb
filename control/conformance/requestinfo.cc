// SPDX-License-Identifier: Apache-2.0
#include "authz/forbidden.h"
#include "authz/go_text.h"
#include "authz/go_url.h"
#include "authz/request_info.h"
#include "authz/selectors.h"
#include "control/conformance/vectors.h"

namespace gh::conformance {
namespace {

using authz::RequestInfo;
using authz::TargetError;

// The exact bytes of a field, which JSON cannot always show.
std::string exact(Json each, Json object, std::string_view key, std::string_view path) {
  Json base64;
  std::string_view encoded;
  if (each["b64"].get(base64) == simdjson::SUCCESS &&
      base64[path].get_string().get(encoded) == simdjson::SUCCESS) {
    return from_base64(encoded);
  }
  return text_at(object, key);
}

std::string exact(Json each, std::string_view key) { return exact(each, each, key, key); }

void judge_info(Json each, const RequestInfo& info, Findings& findings) {
  Json want;
  if (each["info"].get(want) != simdjson::SUCCESS) return;
  const authz::Attributes& got = info.attributes();
  const auto check = [&](std::string_view key, std::string_view value) {
    findings.expect(key, exact(each, want, key, "info." + std::string(key)), value);
  };
  findings.expect_number(
      "isResourceRequest", bool_at(want, "isResourceRequest"), got.resource_request
  );
  check("path", got.path);
  check("verb", got.verb);
  check("apiPrefix", info.api_prefix());
  check("apiGroup", got.api_group);
  check("apiVersion", got.api_version);
  check("namespace", got.namespace_);
  check("resource", got.resource);
  check("subresource", got.subresource);
  check("name", got.name);
  check("fieldSelector", info.field_selector());
  check("labelSelector", info.label_selector());
  std::vector<std::string> parts = texts_at(want, "parts");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Json base64;
    std::string_view encoded;
    if (each["b64"].get(base64) == simdjson::SUCCESS &&
        base64["info.parts." + std::to_string(i)].get_string().get(encoded) == simdjson::SUCCESS) {
      parts[i] = from_base64(encoded);
    }
  }
  const auto got_parts = info.parts();
  findings.expect("parts", parts, std::vector<std::string>(got_parts.begin(), got_parts.end()));
}

void judge_url(
    Json each, const std::string& method, const std::string& target, Findings& findings
) {
  const auto url = authz::go_request_url(method, target);
  if (!url) return findings.differ("url", "one", "none");
  findings.expect("urlPath", exact(each, "urlPath"), url->path);
  findings.expect("rawPath", exact(each, "rawPath"), url->raw_path);
  findings.expect("rawQuery", exact(each, "rawQuery"), url->raw_query);
}

// As Go writes it to JSON: bytes that are not UTF-8 are U+FFFD there (selectors have no `b64`).
std::string as_json(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = rune_at(text, at);
    append_rune(out, rune.value);
    at += rune.bytes;
  }
  return out;
}

std::string shown(const std::vector<authz::SelectorRequirement>& requirements) {
  std::string out;
  for (const auto& each : requirements) {
    std::vector<std::string> values;
    for (const auto& value : each.values) values.push_back(as_json(value));
    out += conformance::shown(as_json(each.key)) + " " + std::string(each.op) + " " +
           conformance::shown(values) + "; ";
  }
  return out;
}

void judge_selector(
    Json each,
    std::string_view key,
    const Result<std::vector<authz::SelectorRequirement>, std::string>& got,
    Findings& findings
) {
  Json want;
  if (each[key].get(want) != simdjson::SUCCESS) return;
  findings.expect(
      std::string(key) + ".error",
      text_at(want, "error"),
      got ? std::string() : as_json(got.error())
  );
  std::string expected;
  simdjson::dom::array requirements;
  if (want["requirements"].get_array().get(requirements) == simdjson::SUCCESS) {
    for (Json one : requirements) {
      expected += conformance::shown(text_at(one, "key")) + " " + text_at(one, "operator") + " " +
                  conformance::shown(texts_at(one, "values")) + "; ";
    }
  }
  findings.expect(std::string(key) + ".requirements", expected, got ? shown(*got) : std::string());
}

void judge_case(Json each, RequestInfo& info, Findings& findings) {
  const std::string method = exact(each, "method");
  const std::string target = exact(each, "target");
  const auto parsed = info.parse(method, target);
  const bool is = !parsed.has_value();
  const std::int64_t http = is && parsed.error() == TargetError::bad_request        ? 400
                            : is && parsed.error() == TargetError::options_asterisk ? 200
                                                                                    : 0;
  findings.expect_number("http", number_at(each, "http"), http);
  if (http != 0 || number_at(each, "http") != 0) return;
  judge_url(each, method, target, findings);
  judge_info(each, info, findings);
  const bool unfinished = is && parsed.error() == TargetError::unfinished_verb;
  findings.expect_number("errorHTTP", number_at(each, "errorHTTP"), unfinished ? 500 : 0);
  findings.expect(
      "error", exact(each, "error"), unfinished ? authz::unfinished_verb_text(method, target) : ""
  );
  findings.expect(
      "errorBody",
      exact(each, "errorBody"),
      unfinished ? authz::unfinished_verb_body(method, target) : ""
  );
  if (unfinished) return;
  findings.expect_number("longRunning", bool_at(each, "longRunning"), info.long_running());
  judge_selector(
      each, "fieldSelectorParsed", authz::parse_field_selector(info.field_selector()), findings
  );
  judge_selector(
      each, "labelSelectorParsed", authz::parse_label_selector(info.label_selector()), findings
  );
  findings.expect(
      "forbidden", exact(each, "forbidden"), authz::forbidden_message("u", info.attributes(), "")
  );
}

// What the running server answered a user without rights. What it serves to everybody, or refuses
// after authorization, is not for us to know.
void judge_real_case(Json each, std::string_view user, RequestInfo& info, Findings& findings) {
  const std::string method = text_at(each, "method");
  const std::string target = text_at(each, "target");
  if (target.find("\xef\xbf\xbd") != std::string::npos)
    return;  // this format does not keep bytes that are not UTF-8
  const auto parsed = info.parse(method, target);
  const std::int64_t code = number_at(each, "code");
  const std::string message = text_at(each, "message");
  const bool bad = !parsed && parsed.error() == TargetError::bad_request;
  findings.expect_number(
      "400", code == 400 && (message.empty() || message.starts_with("400 Bad Request")), bad
  );
  const bool unfinished = !parsed && parsed.error() == TargetError::unfinished_verb;
  findings.expect_number("500", code == 500, unfinished);
  if (unfinished) {
    findings.expect("message", message, authz::unfinished_verb_body(method, target));
  } else if (code == 403) {
    findings.expect("message", message, authz::forbidden_message(user, info.attributes(), ""));
  }
}

}  // namespace

Tally judge_requestinfo(const std::string& file, std::ostream& out) {
  Tally tally;
  simdjson::dom::parser parser;
  Json root;
  if (load_vectors(
          parser, file, {"k8s-requestinfo/1", "k8s-requestinfo-real/1"}, root, tally, out
      ) == nullptr) {
    return tally;
  }
  const bool real = text_at(root, "format") == "k8s-requestinfo-real/1";
  const std::string user = text_at(root, "user");
  RequestInfo info;
  judge_each(root["cases"], tally, out, [&](Json each, Findings& findings) {
    return real ? judge_real_case(each, user, info, findings) : judge_case(each, info, findings);
  });
  return tally;
}

}  // namespace gh::conformance
