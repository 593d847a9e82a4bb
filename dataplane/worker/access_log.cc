// SPDX-License-Identifier: Apache-2.0
#include "dataplane/worker/access_log.h"

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

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      // what is not ASCII is shown byte by byte, so that the line is always valid
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

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
  append_member(line, "user", judged.user);
  append_member(line, "verb", judged.verb);
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
