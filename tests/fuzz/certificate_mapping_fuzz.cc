// SPDX-License-Identifier: Apache-2.0
// A rule (JSON) on the first line, then the names of a certificate: what comes out is plain ASCII,
// bounded, and in system: only if the rule says so.
#include "base/assert.h"
#include "base/limits.h"
#include "control/certificate_rules.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

void check_name(std::string_view name, std::string_view text) {
  GH_ASSERT(!name.empty() && name.size() <= gh::limits::mapped_name_bytes_max);
  GH_ASSERT(std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
  GH_ASSERT(!name.starts_with("system:") || text.starts_with("system:"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gh;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> lines;
  for (std::size_t end = 0; end != text.npos && lines.size() < 200;) {
    end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end == text.npos ? end : end + 1));
  }
  const auto rule = control::parse_certificate_rule(lines[0]);
  if (!rule) return 0;
  GH_ASSERT(*control::parse_certificate_rule(control::show_certificate_rule(*rule)) == *rule);
  const auto mapping = identity::CertificateMapping::make({&*rule, 1});
  tls::PeerCertificate certificate;
  certificate.uri_names.assign(lines.begin() + 1, lines.end());
  certificate.dns_names = certificate.organizational_units = certificate.uri_names;
  const auto who = mapping->apply(certificate);
  if (!who || !*who) return 0;
  check_name((*who)->user, rule->user);
  for (std::size_t i = 0; i < rule->groups.size(); ++i)
    check_name((*who)->groups[i], rule->groups[i]);
  return 0;
}
