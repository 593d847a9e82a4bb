// SPDX-License-Identifier: Apache-2.0
#include "control/diff_command.h"

#include "authz/rbac/difference.h"
#include "base/json_text.h"
#include "control/policy_source.h"
#include "control/rule_text.h"

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace gh::control {
namespace {

using authz::rbac::Changed;
using authz::rbac::Permitted;
using authz::rbac::Policy;
using authz::rbac::SubjectDifference;

std::optional<Policy> read(const std::string& path, bool bootstrap, std::ostream& err) {
  auto set = read_policy({path}, bootstrap);
  if (set) return std::move(set->policy);
  for (const Fault& fault : set.error()) err << "gatehouse: " << fault.to_string() << "\n";
  return std::nullopt;
}

std::string shown_scope(const Permitted& what) {
  return what.namespace_ ? "in namespace " + json_quoted(*what.namespace_) : "cluster-wide";
}

void print(std::ostream& out, char sign, const std::vector<Changed>& lines) {
  for (const Changed& line : lines) {
    out << "  " << sign << " " << shown_scope(line.what) << ": " << shown_rule(line.what.rule)
        << "\n";
    for (const Permitted& one : line.except) {
      out << "      but not " << shown_scope(one) << ": " << shown_rule(one.rule)
          << (sign == '-' ? " (stays)" : " (was there)") << "\n";
    }
  }
}

std::string json_of(const Permitted& what) {
  std::string rule = control::json_of(what.rule);
  const std::string scope = what.namespace_ ? "\"namespace\":" + json_quoted(*what.namespace_)
                                            : std::string("\"clusterWide\":true");
  return "{" + scope + "," + rule.substr(1);
}

std::string json_of(const std::vector<Changed>& lines) {
  std::string out = "[";
  for (const Changed& line : lines) {
    if (out.size() > 1) out += ',';
    std::string one = json_of(line.what);
    if (!line.except.empty()) {
      one.pop_back();
      one += ",\"except\":[";
      for (std::size_t i = 0; i < line.except.size(); ++i)
        one += (i == 0 ? "" : ",") + json_of(line.except[i]);
      one += "]}";
    }
    out += one;
  }
  return out + "]";
}

void print_json(std::ostream& out, const std::vector<SubjectDifference>& found) {
  out << "{\"differences\":[";
  for (std::size_t i = 0; i < found.size(); ++i) {
    out << (i == 0 ? "\n" : ",\n") << " {\"subject\":" << control::json_of(found[i].subject)
        << ",\n  \"lost\":" << json_of(found[i].lost)
        << ",\n  \"gained\":" << json_of(found[i].gained) << "}";
  }
  out << (found.empty() ? "]}\n" : "\n]}\n");
}

}  // namespace

int diff_command(const DiffArguments& arguments, std::ostream& out, std::ostream& err) {
  const auto before = read(arguments.before, arguments.bootstrap, err);
  const auto after = read(arguments.after, arguments.bootstrap, err);
  if (!before || !after) return 2;
  const auto found = authz::rbac::difference(*before, *after);
  if (!found) {
    err << "gatehouse: " << found.error().to_string() << "\n";
    return 2;
  }
  if (arguments.json) {
    print_json(out, *found);
  } else {
    for (const SubjectDifference& each : *found) {
      out << shown_subject(each.subject) << "\n";
      print(out, '-', each.lost);
      print(out, '+', each.gained);
    }
  }
  return found->empty() ? 0 : 1;
}

}  // namespace gh::control
