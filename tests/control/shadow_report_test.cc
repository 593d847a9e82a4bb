// SPDX-License-Identifier: Apache-2.0
#include "control/shadow_report.h"

#include "authz/rbac/explain.h"
#include "authz/rbac/policy_yaml.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>

namespace gh::control {
namespace {

using Output = ShadowReportArguments::Output;

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

Said report(const std::string& log, Output output = Output::text) {
  const TemporaryFolder folder;
  ShadowReportArguments arguments;
  arguments.files = {folder.write("access.log", log)};
  arguments.output = output;
  std::ostringstream out, err;
  const int code = shadow_report_command(arguments, out, err);
  return {code, out.str(), err.str()};
}

struct Asked {
  std::string user = "alice";
  std::string verb = "get";
  std::string group = {};
  std::string resource = "pods";
  std::string subresource = {};
  std::string space = "demo";
  std::string name = {};
  std::string path = {};  // instead of a resource
  std::string time = "2026-11-24T10:00:00Z";
  std::string decision = "shadow-deny";
};

std::string line(const Asked& asked) {
  std::string out = "{\"time\":" + json_quoted(asked.time);
  const auto member = [&out](const char* key, const std::string& value) {
    if (!value.empty()) out += ",\"" + std::string(key) + "\":" + json_quoted(value);
  };
  member("user", asked.user);
  out += ",\"groups\":[\"dev\",\"system:authenticated\"]";
  member("verb", asked.verb);
  if (asked.path.empty()) {
    member("apiGroup", asked.group);
    member("resource", asked.resource);
    member("subresource", asked.subresource);
    member("namespace", asked.space);
    member("name", asked.name);
  } else {
    member("path", asked.path);
  }
  member("decision", asked.decision);
  return out + ",\"code\":200}\n";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

authz::Decision decide(const std::string& yaml, const Asked& asked) {
  authz::rbac::PolicyLoader loader;
  const auto added = loader.add(yaml, "report.yaml");
  EXPECT_TRUE(added) << added.error().to_string() << "\n" << yaml;
  const authz::Attributes what{
      asked.path.empty(),
      asked.verb,
      asked.path,
      asked.group,
      "v1",
      asked.space,
      asked.resource,
      asked.subresource,
      asked.name
  };
  return authz::rbac::explain(loader.take(), {asked.user, "", {}, {}}, what).decision;
}

TEST(ShadowReport, requests_are_counted_with_their_first_and_last_time) {
  const Said said = report(
      line({.time = "2026-11-24T10:00:00Z"}) + line({.time = "2026-11-24T12:00:00Z"}) +
      line({.time = "2026-11-24T09:00:00Z"}) + line({.verb = "list"})
  );
  EXPECT_EQ(said.code, 0);
  EXPECT_TRUE(has(said.out, "User \"alice\" groups [\"dev\" \"system:authenticated\"]\n"))
      << said.out;
  EXPECT_TRUE(has(
      said.out,
      "3 times 2026-11-24T09:00:00Z to 2026-11-24T12:00:00Z: \"get\" \"pods\" in API group \"\" in "
      "namespace \"demo\"\n"
      "      Role: verbs [\"get\"] apiGroups [\"\"] resources [\"pods\"]\n"
  )) << said.out;
  EXPECT_TRUE(has(said.out, "1 time 2026-11-24T10:00:00Z: \"list\"")) << said.out;
}

TEST(ShadowReport, other_decisions_are_not_in_it) {
  const Said said = report(line({.decision = "allow"}) + line({.decision = "deny"}));
  EXPECT_TRUE(has(said.out, "2 lines read, 0 of requests that would have been denied\n"))
      << said.out;
}

TEST(ShadowReport, bad_lines_are_counted_and_not_fatal) {
  const Said said = report(
      "not json\n{\"time\":\"x\",\"decision\":\"shadow-deny\",\"user\":\"u\"}\n[1]\n{}\n\n" +
      line({.time = "2026-11-24"}) +
      "{\"decision\":\"shadow-deny\",\"time\":\"2026-11-24T10:00:00Z\"}\n" + line({}) +
      std::string(limits::shadow_line_bytes_max + 10, 'x') + "\n" + line({}) + "{\"cut"
  );
  EXPECT_EQ(said.code, 0);
  EXPECT_TRUE(has(said.out, "10 lines read, 2 of requests")) << said.out;
  EXPECT_TRUE(has(said.out, "8 that are not of an access log")) << said.out;
}

TEST(ShadowReport, the_yaml_allows_what_was_seen_and_no_more) {
  const std::vector<Asked> seen = {
      {},
      {.verb = "list"},
      {.group = "apps", .resource = "deployments", .subresource = "scale", .name = "web"},
      {.resource = "nodes", .space = ""},
      {.space = "", .path = "/metrics"},
      {.user = "system:serviceaccount:demo:builder", .verb = "create"},
      {.user = "o'neil: \"x\"\n- y"},
      {.user = "system:serviceaccount:demo:NOT valid"},
  };
  std::string log;
  for (const Asked& asked : seen) log += line(asked);
  const Said said = report(log, Output::yaml);
  for (const Asked& asked : seen) {
    EXPECT_EQ(decide(said.out, asked), authz::Decision::allow)
        << asked.user << " " << asked.resource << "\n"
        << said.out;
  }
  for (const Asked& other : std::vector<Asked>{
           {.user = "bob"},
           {.verb = "delete"},
           {.space = "other"},
           {.group = "apps", .resource = "deployments", .subresource = "scale", .name = "db"},
           {.group = "apps", .resource = "deployments", .name = "web"},
           {.space = "", .path = "/metrics/x"},
           {.user = "system:serviceaccount:other:builder", .verb = "create"},
       }) {
    EXPECT_NE(decide(said.out, other), authz::Decision::allow)
        << other.user << " " << other.resource;
  }
}

// Somebody who knows that the report is applied must not get more by asking for a star.
TEST(ShadowReport, a_star_that_was_asked_for_is_no_rule) {
  std::string log;
  for (const Asked& asked : std::vector<Asked>{
           {.verb = "*"},
           {.group = "*"},
           {.resource = "*"},
           {.resource = "*", .subresource = "exec"},
           {.space = "", .path = "/x*"},
           {.space = "", .path = "*"},
           {.space = "x/y"},
           {.resource = ""},
       }) {
    log += line(asked);
  }
  EXPECT_EQ(report(log, Output::yaml).out, "");
  EXPECT_TRUE(has(report(log).out, "a star in it would stand for more"));
  // Of names a star is only itself.
  const Asked named{.name = "*"};
  const std::string yaml = report(line(named), Output::yaml).out;
  EXPECT_EQ(decide(yaml, named), authz::Decision::allow);
  EXPECT_NE(decide(yaml, {.name = "x"}), authz::Decision::allow);
}

TEST(ShadowReport, many_names_become_any_name) {
  std::string log;
  for (int i = 0; i < 40; ++i) log += line({.name = "pod-" + std::to_string(i)});
  const Said said = report(log);
  EXPECT_TRUE(has(said.out, "40 times")) << said.out;
  EXPECT_TRUE(has(said.out, "more than 32 names")) << said.out;
  EXPECT_FALSE(has(said.out, "resourceNames")) << said.out;
}

TEST(ShadowReport, json_is_for_programs) {
  const Said said =
      report(line({.name = "web"}) + line({.space = "", .path = "/x*"}), Output::json);
  EXPECT_EQ(
      said.out,
      "{\"lines\":2,\"shadowDenied\":2,\"badLines\":0,\"leftOut\":0,\"requests\":[\n"
      " {\"user\":\"alice\",\"groups\":[\"dev\",\"system:authenticated\"],\"verb\":\"get\","
      "\"path\":\"/x*\","
      "\"count\":1,\"first\":\"2026-11-24T10:00:00Z\",\"last\":\"2026-11-24T10:00:00Z\","
      "\"noRule\":\"no rule allows this alone: a star in it would stand for more\"},\n"
      " {\"user\":\"alice\",\"groups\":[\"dev\",\"system:authenticated\"],\"verb\":\"get\","
      "\"apiGroup\":\"\","
      "\"resource\":\"pods\",\"namespace\":\"demo\",\"count\":1,\"first\":\"2026-11-24T10:00:00Z\","
      "\"last\":\"2026-11-24T10:00:00Z\",\"rule\":{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],"
      "\"resources\":[\"pods\"],\"resourceNames\":[\"web\"]}}\n]}\n"
  );
}

TEST(ShadowReport, what_it_keeps_is_bounded) {
  std::string log;
  for (std::size_t i = 0; i < limits::shadow_entries_max + 5; ++i)
    log += line({.user = "u" + std::to_string(i)});
  EXPECT_TRUE(has(report(log).out, "5 left out beyond 100000 different requests"));
}

TEST(ShadowReport, a_file_that_cannot_be_read_is_exit_code_2) {
  const TemporaryFolder folder;
  for (const std::string& file : {folder.at("none"), folder.path().string()}) {
    std::ostringstream out, err;
    ShadowReportArguments arguments;
    arguments.files = {file};
    EXPECT_EQ(shadow_report_command(arguments, out, err), 2) << file;
    EXPECT_TRUE(has(err.str(), "cannot be read"));
  }
}

}  // namespace
}  // namespace gh::control
