// SPDX-License-Identifier: Apache-2.0
#include "control/shadow_report.h"

#include "authz/rbac/policy.h"
#include "authz/selectors.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "control/rule_text.h"

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace gh::control {
namespace {

using authz::rbac::PolicyRule;
using authz::rbac::Subject;

constexpr std::size_t names_kept =
    32;  // of one kind of request; with more its rule is for any name
constexpr std::string_view account_prefix = "system:serviceaccount:";

// What was asked, less the object's name.
struct Asked {
  std::string user;
  std::string space;
  std::string api_group;
  std::string resource;  // "pods/log"
  std::string path;
  std::string verb;
  bool is_resource = false;
  bool has_name = false;
  auto operator<=>(const Asked&) const = default;
};

struct Seen {
  std::string first;
  std::string last;
  std::uint64_t times = 0;
  std::set<std::string> names;
  bool more_names = false;
  std::vector<std::string> groups;  // of the caller, when first seen
};

using Report = std::map<Asked, Seen>;

// ---- lines ----
struct Line {
  Asked asked;
  std::string time;
  std::string name;
  std::vector<std::string> groups;
};

using Json = simdjson::dom::element;

std::string_view text_at(Json object, std::string_view key) {
  std::string_view text;
  return object[key].get_string().get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool is_time(std::string_view text) {  // 2006-01-02T15:04:05Z
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  return text.size() == shape.size() &&
         std::equal(text.begin(), text.end(), shape.begin(), [](char c, char like) {
           return like == '0' ? c >= '0' && c <= '9' : c == like;
         });
}

// False: not a line of an access log. Of another decision: none.
bool read_line(simdjson::dom::parser& parser, std::string_view text, std::optional<Line>& out) {
  Json root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS || !root.is_object())
    return false;
  const std::string_view decision = text_at(root, "decision");
  if (decision.empty()) return false;
  if (decision != "shadow-deny") return true;
  Line line;
  line.time = text_at(root, "time");
  std::string_view user;
  std::string_view path;
  if (!is_time(line.time) || root["user"].get_string().get(user) != simdjson::SUCCESS) return false;
  line.asked.user = user;
  line.asked.verb = text_at(root, "verb");
  line.asked.is_resource = root["path"].get_string().get(path) != simdjson::SUCCESS;
  line.asked.path = path;
  if (line.asked.is_resource) {
    line.asked.api_group = text_at(root, "apiGroup");
    line.asked.resource = text_at(root, "resource");
    const std::string_view subresource = text_at(root, "subresource");
    if (!subresource.empty()) line.asked.resource.append("/").append(subresource);
    line.asked.space = text_at(root, "namespace");
    line.name = text_at(root, "name");
    line.asked.has_name = !line.name.empty();
  }
  simdjson::dom::array groups;
  if (root["groups"].get_array().get(groups) == simdjson::SUCCESS) {
    for (Json group : groups) {
      std::string_view name;
      if (group.get_string().get(name) == simdjson::SUCCESS) line.groups.emplace_back(name);
    }
  }
  out = std::move(line);
  return true;
}

class Reader {
 public:
  void read(std::istream& in) {
    std::string line;
    bool too_long = false;
    char piece[65536];
    while (in.read(piece, sizeof piece) || in.gcount() > 0) {
      std::string_view rest(piece, static_cast<std::size_t>(in.gcount()));
      while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view part = rest.substr(0, end);
        too_long = too_long || line.size() + part.size() > limits::shadow_line_bytes_max;
        if (!too_long) line += part;
        if (end == rest.npos) break;
        take(line, too_long);
        line.clear();
        too_long = false;
        rest.remove_prefix(end + 1);
      }
    }
    if (!line.empty() || too_long) take(line, too_long);
  }

  Report report;
  std::uint64_t lines = 0;
  std::uint64_t bad = 0;
  std::uint64_t shadowed = 0;
  std::uint64_t left_out = 0;

 private:
  void take(const std::string& text, bool too_long) {
    if (!too_long && text.find_first_not_of(" \t\r") == text.npos) return;
    ++lines;
    std::optional<Line> line;
    if (too_long || !read_line(parser_, text, line)) {
      ++bad;
    } else if (line) {
      ++shadowed;
      add(std::move(*line));
    }
  }

  void add(Line&& line) {
    auto at = report.find(line.asked);
    if (at == report.end()) {
      if (report.size() == limits::shadow_entries_max) {
        ++left_out;
        return;
      }
      at = report.emplace(std::move(line.asked), Seen{}).first;
      at->second.groups = std::move(line.groups);
      at->second.first = at->second.last = line.time;
    }
    Seen& seen = at->second;
    ++seen.times;
    seen.first = std::min(seen.first, line.time);  // several files, in any order
    seen.last = std::max(seen.last, line.time);
    if (line.name.empty() || seen.more_names) return;
    seen.names.insert(std::move(line.name));
    seen.more_names = seen.names.size() > names_kept;
    if (seen.more_names) seen.names.clear();
  }

  simdjson::dom::parser parser_;
};

// ---- rules ----

// Why no rule allows just this; empty: one does. A word of the request that is a star would be
// everything in a rule.
std::string_view unruly(const Asked& asked) {
  constexpr std::string_view star = "no rule allows this alone: a star in it would stand for more";
  if (asked.verb == "*" || asked.api_group == "*") return star;
  if (asked.resource == "*" || asked.resource.starts_with("*/")) return star;
  if (asked.path.ends_with('*')) return star;
  if (asked.is_resource && asked.resource.empty())
    return "no rule allows this: it names no resource";
  if (!asked.is_resource && asked.path.empty()) return "no rule allows this: the path is empty";
  if (!asked.space.empty() && !authz::is_dns1123_label(asked.space))
    return "no rule allows this: no namespace can have that name";
  const auto replaced = [](std::string_view text) {
    return text.find("\xef\xbf\xbd") != text.npos;  // U+FFFD: bytes that were not UTF-8
  };
  if (replaced(asked.user) || replaced(asked.path) || replaced(asked.resource) ||
      replaced(asked.api_group)) {
    return "no rule can be written: it has bytes that are not UTF-8";
  }
  return {};
}

PolicyRule rule_of(const Asked& asked, const Seen& seen) {
  if (!asked.is_resource) return {{asked.verb}, {}, {}, {}, {asked.path}};
  PolicyRule rule{{asked.verb}, {asked.api_group}, {asked.resource}, {}, {}};
  rule.resource_names.assign(seen.names.begin(), seen.names.end());
  return rule;
}

Subject subject_of(const std::string& user) {
  std::string_view rest = user;
  if (rest.starts_with(account_prefix)) {
    rest.remove_prefix(account_prefix.size());
    const auto colon = rest.find(':');
    if (colon != rest.npos && authz::is_dns1123_label(rest.substr(0, colon)) &&
        authz::is_dns1123_subdomain(rest.substr(colon + 1))) {
      return {
          "ServiceAccount", std::string(rest.substr(colon + 1)), std::string(rest.substr(0, colon))
      };
    }
  }
  return {"User", user, ""};
}

// The rules of one caller in one namespace (or none), verbs of the same objects together.
struct Manifest {
  Subject subject;
  std::string space;
  std::vector<PolicyRule> rules;
};

void add_rule(std::vector<PolicyRule>& rules, PolicyRule rule) {
  for (PolicyRule& other : rules) {
    const bool same = other.api_groups == rule.api_groups && other.resources == rule.resources &&
                      other.resource_names == rule.resource_names &&
                      other.non_resource_urls == rule.non_resource_urls;
    if (!same) continue;
    other.verbs.insert(other.verbs.end(), rule.verbs.begin(), rule.verbs.end());
    return;
  }
  rules.push_back(std::move(rule));
}

std::vector<Manifest> manifests_of(const Report& report) {
  std::vector<Manifest> out;  // the report is in order of user, then namespace
  const Asked* before = nullptr;
  for (const auto& [asked, seen] : report) {
    if (!unruly(asked).empty()) continue;
    if (before == nullptr || before->user != asked.user || before->space != asked.space)
      out.push_back({subject_of(asked.user), asked.space, {}});
    add_rule(out.back().rules, rule_of(asked, seen));
    before = &asked;
  }
  return out;
}

// The same for the same caller each time, so that a later report replaces an earlier one.
std::string name_of(const Manifest& manifest) {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::string* text :
       {&manifest.subject.kind, &manifest.subject.namespace_, &manifest.subject.name}) {
    for (const char c : *text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    hash = (hash ^ 0xff) * 1099511628211u;
  }
  std::string name = "shadow-";
  for (int shift = 60; shift >= 0; shift -= 4) name += "0123456789abcdef"[hash >> shift & 15];
  return name;
}

void print_yaml(std::ostream& out, const std::vector<Manifest>& manifests) {
  constexpr std::string_view group = "rbac.authorization.k8s.io";
  for (const Manifest& manifest : manifests) {
    const std::string prefix = manifest.space.empty() ? "Cluster" : "";
    const std::string name = name_of(manifest);
    const std::string metadata =
        "metadata:\n  name: " + name + "\n" +
        (manifest.space.empty() ? "" : "  namespace: " + json_quoted(manifest.space) + "\n");
    out << "---\n# " << shown_subject(manifest.subject) << "\napiVersion: " << group
        << "/v1\nkind: " << prefix << "Role\n"
        << metadata << "rules:\n";
    for (const PolicyRule& rule : manifest.rules) out << "  - " << json_of(rule) << "\n";
    out << "---\napiVersion: " << group << "/v1\nkind: " << prefix << "RoleBinding\n"
        << metadata << "roleRef: {apiGroup: " << group << ", kind: " << prefix
        << "Role, name: " << name << "}\n"
        << "subjects:\n  - " << json_of(manifest.subject) << "\n";
  }
}

// ---- text and JSON ----

void print_text(std::ostream& out, const Report& report) {
  const std::string* user = nullptr;
  for (const auto& [asked, seen] : report) {
    if (user == nullptr || *user != asked.user) {
      out << shown_subject(subject_of(asked.user)) << " groups " << shown_words(seen.groups)
          << "\n";
    }
    user = &asked.user;
    out << "  " << seen.times << (seen.times == 1 ? " time " : " times ") << seen.first;
    if (seen.last != seen.first) out << " to " << seen.last;
    out << ": " << json_quoted(asked.verb) << " ";
    if (!asked.is_resource) {
      out << "path " << json_quoted(asked.path);
    } else {
      out << json_quoted(asked.resource) << " in API group " << json_quoted(asked.api_group)
          << (asked.space.empty() ? " at the cluster scope"
                                  : " in namespace " + json_quoted(asked.space));
    }
    if (seen.more_names) out << ", more than " << names_kept << " names";
    const std::string_view problem = unruly(asked);
    if (!problem.empty()) {
      out << "\n      " << problem << "\n";
      continue;
    }
    out << "\n      " << (asked.space.empty() ? "ClusterRole" : "Role") << ": "
        << shown_rule(rule_of(asked, seen)) << "\n";
  }
}

void print_json(std::ostream& out, const Reader& reader) {
  out << "{\"lines\":" << reader.lines << ",\"shadowDenied\":" << reader.shadowed
      << ",\"badLines\":" << reader.bad << ",\"leftOut\":" << reader.left_out << ",\"requests\":[";
  bool first = true;
  for (const auto& [asked, seen] : reader.report) {
    out << (first ? "\n" : ",\n") << " {\"user\":" << json_quoted(asked.user)
        << ",\"groups\":" << json_of(seen.groups) << ",\"verb\":" << json_quoted(asked.verb);
    first = false;
    if (asked.is_resource) {
      out << ",\"apiGroup\":" << json_quoted(asked.api_group)
          << ",\"resource\":" << json_quoted(asked.resource);
      if (!asked.space.empty()) out << ",\"namespace\":" << json_quoted(asked.space);
    } else {
      out << ",\"path\":" << json_quoted(asked.path);
    }
    out << ",\"count\":" << seen.times << ",\"first\":" << json_quoted(seen.first)
        << ",\"last\":" << json_quoted(seen.last);
    const std::string_view problem = unruly(asked);
    if (problem.empty()) {
      out << ",\"rule\":" << json_of(rule_of(asked, seen));
    } else {
      out << ",\"noRule\":" << json_quoted(problem);
    }
    out << "}";
  }
  out << (reader.report.empty() ? "]}\n" : "\n]}\n");
}

void print_summary(std::ostream& out, const Reader& reader) {
  out << reader.lines << " lines read, " << reader.shadowed
      << " of requests that would have been denied";
  if (reader.bad > 0) out << ", " << reader.bad << " that are not of an access log";
  if (reader.left_out > 0) {
    out << ", " << reader.left_out << " left out beyond " << limits::shadow_entries_max
        << " different requests";
  }
  out << "\n";
}

}  // namespace

int shadow_report_command(
    const ShadowReportArguments& arguments, std::ostream& out, std::ostream& err
) {
  Reader reader;
  for (const std::string& file : arguments.files) {
    if (file == "-") {
      reader.read(std::cin);
      continue;
    }
    std::ifstream in(file, std::ios::binary);
    if (in) in.peek();  // a folder opens, but cannot be read
    if (in.bad() || !in.is_open()) {
      err << "gatehouse: " << file << ": cannot be read\n";
      return 2;
    }
    in.clear();
    reader.read(in);
  }
  switch (arguments.output) {
    case ShadowReportArguments::Output::text:
      print_text(out, reader.report);
      print_summary(out, reader);
      break;
    case ShadowReportArguments::Output::json:
      print_json(out, reader);
      break;
    case ShadowReportArguments::Output::yaml:
      print_yaml(out, manifests_of(reader.report));
      print_summary(err, reader);
      break;
  }
  return 0;
}

}  // namespace gh::control
