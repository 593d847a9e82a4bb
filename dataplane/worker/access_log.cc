// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/access_log.h"

#include "base/json_text.h"

#include <time.h>

namespace gh::worker {
namespace {

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += ",\"";
  out += key;
  out += "\":";
  append_json_string(out, text);
}

void append_number(std::string& out, std::string_view key, std::uint64_t value) {
  out += ",\"";
  out += key;
  out += "\":";
  out += std::to_string(value);
}

void append_groups(std::string& out, const identity::Identity& who) {
  if (who.groups.empty()) return;
  out += ",\"groups\":[";
  for (std::size_t i = 0; i < who.groups.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, who.groups[i]);
  }
  out += ']';
}

// The words a rule would have to name; what is empty is left out.
void append_what(std::string& out, const authz::Attributes& what) {
  const auto member = [&out](std::string_view key, std::string_view value) {
    if (!value.empty()) append_member(out, key, value);
  };
  if (!what.resource_request) return member("path", what.path);
  member("apiGroup", what.api_group);
  member("resource", what.resource);
  member("subresource", what.subresource);
  member("namespace", what.namespace_);
  member("name", what.name);
}

}  // namespace

void begin_access_line(
    std::string& line, UnixTime at, const http::RequestHead& head, const Judged& judged
) {
  tm utc{};
  const time_t seconds = at.seconds;
  gmtime_r(&seconds, &utc);
  char time[32] = {};
  strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &utc);
  line = "{\"time\":\"";
  line += time;
  line += '"';
  append_member(line, "client", judged.client);
  append_member(line, "user", judged.who.user);
  append_groups(line, judged.who);
  if (judged.requestor != nullptr) append_member(line, "requestor", judged.requestor->user);
  append_member(line, "verb", judged.what.verb);
  append_what(line, judged.what);
  append_member(line, "method", head.method);
  append_member(line, "uri", head.target);
  append_member(line, "http", http::name_of(head.version));
  append_member(line, "tls", judged.tls_version);
  line += judged.resumed ? ",\"resumed\":true" : ",\"resumed\":false";
  append_member(line, "decision", judged.decision);
  append_member(line, "reason", judged.reason);
  append_member(line, "userAgent", head.headers.find("user-agent").value_or(""));
}

std::string end_access_line(
    const proxy::Record& record,
    http::Reset reset,
    std::string_view upstream,
    Duration took,
    unsigned attempts
) {
  std::string line = record.log;
  append_number(line, "code", static_cast<std::uint64_t>(record.code));
  append_number(line, "bytesIn", record.bytes_up);
  append_number(line, "bytesOut", record.bytes_down);
  append_number(line, "durationMicros", static_cast<std::uint64_t>(took.count() / 1000));
  if (!upstream.empty()) append_member(line, "upstream", upstream);
  if (attempts > 1) append_number(line, "attempts", attempts);
  if (reset != http::Reset::none) append_member(line, "ended", http::name_of(reset));
  line += '}';
  return line;
}

}  // namespace gh::worker
