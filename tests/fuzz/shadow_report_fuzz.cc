// SPDX-License-Identifier: Apache-2.0
// Any bytes as an access log: a report, and rules that load as a policy, none with a star that
// would stand for more than was asked.
#include "authz/rbac/policy_yaml.h"
#include "base/assert.h"
#include "control/shadow_report.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>

using namespace gh;
using Output = control::ShadowReportArguments::Output;

namespace {

std::string report(const std::string& log, Output output) {
  std::istringstream in(log);
  auto* const stdin_buffer = std::cin.rdbuf(in.rdbuf());
  std::cin.clear();
  control::ShadowReportArguments arguments;
  arguments.files = {"-"};
  arguments.output = output;
  std::ostringstream out, err;
  GH_ASSERT(control::shadow_report_command(arguments, out, err) == 0);
  std::cin.rdbuf(stdin_buffer);
  return out.str();
}

bool has_star(const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), "*") != words.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string log(reinterpret_cast<const char*>(data), size);
  report(log, Output::text);
  report(log, Output::json);
  const std::string yaml = report(log, Output::yaml);
  if (yaml.empty()) return 0;
  authz::rbac::PolicyLoader loader;
  const auto added = loader.add(yaml, "report.yaml");
  GH_ASSERT(added.has_value());
  const authz::rbac::Policy policy = loader.take();
  const auto check = [](const std::vector<authz::rbac::PolicyRule>& rules) {
    for (const auto& rule : rules) {
      GH_ASSERT(!has_star(rule.verbs) && !has_star(rule.api_groups) && !has_star(rule.resources));
      for (const auto& url : rule.non_resource_urls) GH_ASSERT(!url.ends_with('*'));
    }
  };
  for (const auto& role : policy.roles) check(role.rules);
  for (const auto& role : policy.cluster_roles) check(role.rules);
  return 0;
}
