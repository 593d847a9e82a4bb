// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/policy_yaml.h"

#include "authz/rbac/aggregation.h"
#include "authz/rbac/policy_tree.h"
#include "base/limits.h"
#include "tests/support/tests_dir.h"

#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace gh::authz::rbac {
namespace {

using Strings = std::vector<std::string>;

Policy loaded(const std::string& text, const std::string& name = "p.yaml") {
  PolicyLoader loader;
  const auto added = loader.add(text, name);
  EXPECT_TRUE(added) << added.error().to_string();
  return loader.take();
}

std::string fault_of(const std::string& text, const std::string& name = "p.yaml") {
  PolicyLoader loader;
  const auto added = loader.add(text, name);
  return added ? "none" : added.error().to_string();
}

Strings warnings_of(const std::string& text) {
  PolicyLoader loader;
  EXPECT_TRUE(loader.add(text, "p.yaml"));
  return loader.warnings();
}

const std::string role_head =
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: r\n";
const std::string binding_head =
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: b\n  "
    "namespace: ns\n";
const std::string role_ref = "roleRef:\n  kind: Role\n  name: r\n";

TEST(PolicyYaml, every_kind_is_read_from_one_file_of_several_documents) {
  const Policy policy = loaded(R"(
---
# a comment, then nothing
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: ns1, annotations: {a: b}}
rules:
- verbs: [get, "list"]
  apiGroups: [""]
  resources: ["pods", pods/log]
  resourceNames: ["*"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all, labels: {aggregate: "true"}}
rules:
- verbs: ['*']
  nonResourceURLs: ['*']
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb, namespace: ns1}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: alice}
- {kind: ServiceAccount, name: sa}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: crb}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects:
- {kind: ServiceAccount, name: sa, namespace: kube-system}
...
---
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
data: {n: 1}
)");
  ASSERT_EQ(policy.roles.size(), 1U);
  EXPECT_EQ(policy.roles[0].namespace_, "ns1");
  EXPECT_EQ(
      policy.roles[0].rules[0], (PolicyRule{{"get", "list"}, {""}, {"pods", "pods/log"}, {"*"}, {}})
  );
  ASSERT_EQ(policy.cluster_roles.size(), 1U);
  EXPECT_EQ(policy.cluster_roles[0].rules[0].non_resource_urls, Strings{"*"});
  EXPECT_EQ(policy.cluster_roles[0].labels, (Labels{{"aggregate", "true"}}));
  ASSERT_EQ(policy.role_bindings.size(), 1U);
  EXPECT_EQ(policy.role_bindings[0].subjects[1].kind, "ServiceAccount");
  EXPECT_EQ(policy.role_bindings[0].role.name, "reader");
  ASSERT_EQ(policy.cluster_role_bindings.size(), 1U);
  EXPECT_EQ(policy.cluster_role_bindings[0].subjects[0].namespace_, "kube-system");
  EXPECT_EQ(policy.ignored_objects, 1U);
}

TEST(PolicyYaml, lists_of_both_forms_are_read) {
  EXPECT_EQ(
      loaded(
          "apiVersion: v1\nkind: List\nitems:\n- " +
          std::string("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, "
                      "metadata: {name: a}}\n- {apiVersion: v1, kind: Pod}\n")
      )
          .cluster_roles.size(),
      1U
  );
  EXPECT_EQ(
      loaded(
          R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleList","items":[{"metadata":{"name":"a"}},
    {"metadata":{"name":"b"},"rules":null}]})",
          "p.json"
      )
          .cluster_roles.size(),
      2U
  );
  EXPECT_EQ(loaded("apiVersion: v1\nkind: List\nitems: null\n").ignored_objects, 0U);
}

TEST(PolicyYaml, a_yaml_directive_and_a_byte_order_mark_are_fine) {
  EXPECT_EQ(loaded("%YAML 1.1\n---\n" + role_head).cluster_roles.size(), 1U);
  EXPECT_EQ(loaded("\xef\xbb\xbf" + role_head + "---\n").cluster_roles.size(), 1U);
}

TEST(PolicyYaml, windows_line_ends_are_fine) {
  std::string text;
  for (const char c : role_head + "---\n---\n")
    text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(loaded(text).cluster_roles[0].name, "r");
}

TEST(PolicyYaml, json_strings_are_decoded) {
  const Policy policy = loaded(
      R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},
    "roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"\u00e9\ud83d\ude00\/\"<<"}]})",
      "p.yaml"
  );
  EXPECT_EQ(policy.cluster_role_bindings[0].subjects[0].name, "\xc3\xa9\xf0\x9f\x98\x80/\"<<");
}

TEST(PolicyYaml, anchors_aliases_and_merges_are_followed) {
  const Policy policy = loaded(R"(
apiVersion: v1
kind: List
items:
- &base
  apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: a}
  rules: &rules
  - verbs: &verbs [get]
    apiGroups: ['']
    resources: [pods]
- {<<: *base, metadata: {name: b}}
- {<<: [{metadata: {name: c}}, *base], rules: [{verbs: *verbs, apiGroups: [''], resources: [nodes]}]}
)");
  ASSERT_EQ(policy.cluster_roles.size(), 3U);
  EXPECT_EQ(policy.cluster_roles[1].name, "b");
  EXPECT_EQ(policy.cluster_roles[1].rules, policy.cluster_roles[0].rules);
  EXPECT_EQ(policy.cluster_roles[2].name, "c");
  EXPECT_EQ(policy.cluster_roles[2].rules[0].resources, Strings{"nodes"});
}

TEST(PolicyYaml, null_is_as_if_it_were_not_there) {
  const Policy policy = loaded(binding_head + role_ref + "subjects: null\n");
  EXPECT_TRUE(policy.role_bindings[0].subjects.empty());
  EXPECT_TRUE(loaded(role_head + "rules: ~\naggregationRule:\n").cluster_roles[0].rules.empty());
}

TEST(PolicyYaml, unquoted_words_have_the_types_of_yaml_1_1) {
  for (const char* word : {"yes", "No", "on", "OFF", "true", "FALSE", "y", "N"}) {
    EXPECT_EQ(kind_of_plain(word), NodeKind::boolean) << word;
  }
  for (const char* word : {"", "~", "null", "Null", "NULL"})
    EXPECT_EQ(kind_of_plain(word), NodeKind::null) << word;
  for (const char* word :
       {"0",
        "-1",
        "+1",
        "1_000",
        "0x1F",
        "0o17",
        "0b1",
        "017",
        "1.5",
        "1.",
        ".5",
        "-.5e3",
        "1e3",
        ".inf",
        "-.INF",
        ".NaN"}) {
    EXPECT_EQ(kind_of_plain(word), NodeKind::number) << word;
  }
  for (const char* word :
       {"yEs",
        "nULL",
        "get",
        "1a",
        "-",
        "+",
        ".",
        "..",
        "1.2.3",
        "0x",
        "0xg",
        "08a",
        "-a",
        "2001-01-01",
        "1e",
        "e1",
        "0b2",
        "_1"}) {
    EXPECT_EQ(kind_of_plain(word), NodeKind::string) << word;
  }
}

struct Bad {
  std::string text;
  const char* fault;
};

TEST(PolicyYaml, bad_text_is_told_with_its_line) {
  for (const Bad& bad : std::initializer_list<Bad>{
           {"a: [", "p.yaml:1: not YAML: end of sequence flow not found"},
           {"a: b\n  c: d\n", "p.yaml:2: not YAML: illegal map value"},
           {"verbs: *\n", "p.yaml:1: not YAML: alias not found after *"},
           {"a: *nobody\n", "p.yaml:1: not YAML: the referenced anchor is not defined"},
           {"\ta: b\n", "p.yaml:1: not YAML: illegal map value"},
           {"a: 1\n\x04\nb: 2\n", "p.yaml:2: a control character (byte 4)"},
           {"a: \xff\n", "p.yaml:1: not UTF-8 (byte 255)"},
           {"a: 1\nb: 2\na: 3\n",
            "p.yaml:3: the key \"a\" stands twice in one map (first on line 1)"},
           {"{\"a\":1,\n\"a\":2}",
            "p.yaml:2: the key \"a\" stands twice in one map (first on line 1)"},
           {"? [a]\n: b\n", "p.yaml:1: a key must be a string"},
           {"~: b\n", "p.yaml:1: a key must be a string, found null"},
           {"a: &x [*x]\n", "p.yaml:1: an alias stands inside its own anchor"},
           {"a: !!binary aGk=\n", "p.yaml:1: the tag \"tag:yaml.org,2002:binary\" is not supported"
           },
           {"a: !mine {}\n", "p.yaml:1: the tag \"!mine\" is not supported"},
           {"<<: 3\n", "p.yaml:1: a merge (<<) needs a map or a list of maps"},
           {"a: " + std::string(100, '[') + std::string(100, ']'),
            "p.yaml:1: nested more than 64 deep"},
           {", name: g}]\n", "p.yaml:1: more text behind the end of a document; expected ---"},
           {"--- ]\n", "p.yaml:1: not YAML: illegal flow end"},
           {"kind: x\napiVersion: v1\n}\n", "p.yaml:3: not YAML: illegal flow end"},
           {"{kind: x, apiVersion: v1}\n{kind: z}\n",
            "p.yaml:2: more text behind the end of a document; expected ---"},
           {"kind: x\napiVersion: v1\n...\nkind: z\n",
            "p.yaml:4: more text behind the end of a document; expected ---"},
           {"a: 1\n%b: 2\n", "p.yaml:2: a line that begins with % (only a %YAML directive may)"},
           {"just text\n", "p.yaml:1: expected a Kubernetes object, found the string \"just text\""
           },
           {"- a\n", "p.yaml:1: expected a Kubernetes object, found a list"},
       }) {
    EXPECT_EQ(fault_of(bad.text), bad.fault) << bad.text.substr(0, 60);
  }
  EXPECT_EQ(fault_of("{\n\"a\": [1,\n2", "p.json").substr(0, 9), "p.json:3:");
  EXPECT_EQ(fault_of("[]", "p.json"), "p.json:1: expected an object");
  EXPECT_EQ(fault_of("a: b", "p.json").substr(0, 17), "p.json:1: not JSO");
  EXPECT_EQ(fault_of("", "p.json").substr(0, 16), "p.json:1: not JS");
  EXPECT_EQ(
      fault_of("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "p.json"),
      "p.json:1: nested more than 64 deep"
  );
}

TEST(PolicyYaml, a_bomb_of_aliases_is_refused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) text += ", " + last;
    text += "]\n";
  }
  EXPECT_EQ(fault_of(text), "p.yaml:6: aliases stand for more than 1000000 values");
}

TEST(PolicyYaml, wrong_types_are_faults_with_place_and_line) {
  for (const Bad& bad : std::initializer_list<Bad>{
           {role_head + "rules:\n- verbs: get\n",
            "p.yaml:6: rules[0].verbs: expected a list of strings, found the string \"get\""},
           {role_head + "rules:\n- verbs:\n  - get\n  - 123\n",
            "p.yaml:8: rules[0].verbs[1]: expected a string, found the number 123 (quote it to "
            "make it a string)"},
           {role_head + "rules:\n- verbs: [on]\n",
            "p.yaml:6: rules[0].verbs[0]: expected a string, found the boolean on (quote it to "
            "make it a string)"},
           {role_head + "rules:\n- verbs: [[get]]\n",
            "p.yaml:6: rules[0].verbs[0]: expected a string, found a list"},
           {role_head + "rules: {}\n", "p.yaml:5: rules: expected a list of rules, found a map"},
           {role_head + "rules: [a]\n",
            "p.yaml:5: rules[0]: expected a rule, found the string \"a\""},
           {role_head + "aggregationRule: []\n",
            "p.yaml:5: aggregationRule: expected a map, found a list"},
           {"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: 7\n",
            "p.yaml:4: metadata.name: expected a string, found the number 7 (quote it to make it a "
            "string)"},
           {"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: r\n  "
            "labels: {a: true}\n",
            "p.yaml:5: metadata.labels.a: expected a string, found the boolean true (quote it to "
            "make it a string)"},
           {"apiVersion: 1\nkind: Role\n",
            "p.yaml:1: apiVersion: expected a string, found the number 1 (quote it to make it a "
            "string)"},
           {"apiVersion: v1\nkind: List\nitems:\n- x\n",
            "p.yaml:4: items[0]: expected a Kubernetes object, found the string \"x\""},
           {"apiVersion: v1\nkind: List\nitems: {}\n",
            "p.yaml:3: items: expected a list of objects, found a map"},
       }) {
    EXPECT_EQ(fault_of(bad.text), bad.fault) << bad.text;
  }
}

TEST(PolicyYaml, what_the_api_server_would_refuse_is_a_fault) {
  const std::string role_v1 = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ";
  for (const Bad& bad : std::initializer_list<Bad>{
           {"kind: Role\n", "p.yaml:1: apiVersion is missing"},
           {"apiVersion: v1\n", "p.yaml:1: kind is missing"},
           {"apiVersion: rbac.authorization.k8s.io/v1beta1\nkind: Role\n",
            "p.yaml:1: apiVersion \"rbac.authorization.k8s.io/v1beta1\" is not served; expected "
            "\"rbac.authorization.k8s.io/v1\""},
           {role_v1 + "Rolle\n",
            "p.yaml:1: there is no kind \"Rolle\" in rbac.authorization.k8s.io/v1; expected Role, "
            "ClusterRole, RoleBinding, "
            "ClusterRoleBinding or a list of one"},
           {role_v1 + "RoleList\nitems: [{kind: ClusterRole}]\n",
            "p.yaml:3: items[0]: expected kind \"Role\", found \"ClusterRole\""},
           {role_v1 + "ClusterRole\n", "p.yaml:1: ClusterRole without metadata.name"},
           {role_v1 + "Role\nmetadata: {name: r}\n",
            "p.yaml:1: Role \"r\" without metadata.namespace"},
           {role_v1 + "Role\nmetadata: {name: r, namespace: A.b}\n",
            "p.yaml:1: metadata.namespace \"A.b\" is not a DNS label"},
           {role_v1 + "ClusterRole\nmetadata: {name: a/b}\n",
            "p.yaml:1: metadata.name \"a/b\" may not be '.' or '..' nor contain '/' or '%'"},
           {role_head + "rules: [{apiGroups: [''], resources: [pods]}]\n",
            "p.yaml:5: rules[0]: verbs must have at least one value"},
           {role_head + "rules: [{verbs: [get], resources: [pods]}]\n",
            "p.yaml:5: rules[0]: apiGroups must have at least one value (\"\" is the core group)"},
           {role_head + "rules: [{verbs: [get], apiGroups: ['']}]\n",
            "p.yaml:5: rules[0]: resources must have at least one value"},
           {role_head + "rules: [{verbs: [get], nonResourceURLs: [/], resources: [pods]}]\n",
            "p.yaml:5: rules[0]: a rule is for nonResourceURLs or for resources, not both"},
           {role_v1 + "Role\nmetadata: {name: r, namespace: ns}\nrules: [{verbs: [get], "
                      "nonResourceURLs: [/]}]\n",
            "p.yaml:4: rules[0]: nonResourceURLs cannot be in a Role, which has a namespace"},
           {role_head + "aggregationRule: {}\n",
            "p.yaml:5: aggregationRule: clusterRoleSelectors must have at least one selector"},
           {role_head + "aggregationRule: {clusterRoleSelectors: [{matchExpressions: [{key: a, "
                        "operator: in}]}]}\n",
            "p.yaml:5: aggregationRule.clusterRoleSelectors[0].matchExpressions[0]: expected "
            "operator In, NotIn, Exists or "
            "DoesNotExist, found \"in\""},
           {role_head + "aggregationRule: {clusterRoleSelectors: [{matchExpressions: [{key: a, "
                        "operator: In}]}]}\n",
            "p.yaml:5: aggregationRule.clusterRoleSelectors[0].matchExpressions[0]: values must "
            "have at least one value for "
            "operator In"},
           {role_head + "aggregationRule: {clusterRoleSelectors: [{matchLabels: {'a b': c}}]}\n",
            "p.yaml:5: aggregationRule.clusterRoleSelectors[0].matchLabels: \"a b\" is not a label "
            "key"},
           {binding_head, "p.yaml:1: RoleBinding \"b\" without roleRef"},
           {binding_head + "roleRef: {name: r}\n",
            "p.yaml:6: roleRef: expected kind Role or ClusterRole, found \"\""},
           {binding_head + "roleRef: {kind: Role}\n", "p.yaml:6: roleRef: name is missing"},
           {binding_head + "roleRef: {kind: Role, name: r, apiGroup: x}\n",
            "p.yaml:6: roleRef: expected apiGroup \"rbac.authorization.k8s.io\", found \"x\""},
           {role_v1 + "ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: Role, name: r}\n",
            "p.yaml:4: roleRef: expected kind ClusterRole, found \"Role\""},
           {binding_head + role_ref + "subjects:\n- {kind: user, name: a}\n",
            "p.yaml:10: subjects[0]: expected kind User, Group or ServiceAccount, found \"user\""},
           {binding_head + role_ref + "subjects:\n- {kind: User}\n",
            "p.yaml:10: subjects[0]: name is missing"},
           {binding_head + role_ref + "subjects:\n- {kind: ServiceAccount, name: A_b}\n",
            "p.yaml:10: subjects[0]: the ServiceAccount name \"A_b\" is not a DNS subdomain"},
           {role_v1 + "ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: "
                      "r}\nsubjects:\n- {kind: "
                      "ServiceAccount, name: a}\n",
            "p.yaml:6: subjects[0]: a ServiceAccount in a ClusterRoleBinding needs a namespace"},
           {role_head + "---\n" + role_head, "p.yaml:6: ClusterRole r is there already (p.yaml:1)"},
       }) {
    EXPECT_EQ(fault_of(bad.text), bad.fault) << bad.text;
  }
}

TEST(PolicyYaml, the_authorizer_s_own_leniency_is_kept_where_asked_for) {
  PolicyLoader loader(Validation::authorizer);
  EXPECT_TRUE(
      loader.add(binding_head + "roleRef: {kind: Rolle}\nsubjects:\n- {kind: robot}\n", "p.yaml")
  );
  EXPECT_FALSE(loader.add(binding_head + "subjects: 3\n", "q.yaml"));
}

TEST(PolicyYaml, unknown_fields_are_warnings) {
  EXPECT_EQ(
      warnings_of(
          role_head + "rule: []\nrules:\n- {verbs: [get], apiGroups: [''], resources: [pods], "
                      "resourceName: [a]}\n"
      ),
      (Strings{
          "p.yaml:5: unknown field \"rule\" is ignored",
          "p.yaml:7: unknown field \"rules[0].resourceName\" is ignored"
      })
  );
  EXPECT_EQ(
      warnings_of("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: "
                  "r, namespace: ns}\n"),
      Strings{
          "p.yaml:1: metadata.namespace of ClusterRole \"r\" is ignored: the kind has no namespace"
      }
  );
}

// ---- folders ----

class PolicyFolder : public testing::Test {
 protected:
  PolicyFolder()
      : folder_(
            std::filesystem::temp_directory_path() / ("gh_policy_" + std::to_string(::getpid()))
        ) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "sub");
  }

  ~PolicyFolder() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  static std::string role(const std::string& name) {
    return "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " +
           name + "}}\n";
  }

  std::filesystem::path folder_;
};

TEST_F(PolicyFolder, policy_files_below_it_are_read_in_order_and_others_skipped) {
  write("b.yaml", role("b"));
  write("a.yml", role("a"));
  write(
      "sub/c.json",
      R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"c"}})"
  );
  write("README.md", "not: [policy");
  write(".hidden.yaml", "not: [policy");
  std::filesystem::create_directories(folder_ / ".git");
  write(".git/x.yaml", "not: [policy");
  const auto policy = load_policy(folder_);
  ASSERT_TRUE(policy) << policy.error().to_string();
  ASSERT_EQ(policy->cluster_roles.size(), 3U);
  EXPECT_EQ(policy->cluster_roles[0].name, "a");
  EXPECT_EQ(policy->cluster_roles[2].name, "c");
}

TEST_F(PolicyFolder, a_set_with_one_fault_is_no_set) {
  write("a.yaml", role("a"));
  write("b.yaml", role("b") + "---\n" + role("a"));
  const auto policy = load_policy(folder_);
  ASSERT_FALSE(policy);
  EXPECT_EQ(
      policy.error().to_string(),
      (folder_ / "b.yaml").string() + ":3: ClusterRole a is there already (" +
          (folder_ / "a.yaml").string() + ":1)"
  );
}

TEST_F(PolicyFolder, nothing_to_read_is_a_fault) {
  EXPECT_EQ(
      load_policy(folder_).error().to_string(),
      folder_.string() + ": has no *.yaml, *.yml or *.json file"
  );
  EXPECT_EQ(
      load_policy(folder_ / "gone.yaml").error().to_string(),
      (folder_ / "gone.yaml").string() + ": cannot be read: No such file or directory"
  );
  EXPECT_EQ(load_policy("/dev/null").error().to_string(), "/dev/null: is not a file");
}

// ---- aggregation ----

ClusterRole source(std::string name, Labels labels, std::string resource) {
  return {
      std::move(name),
      std::move(labels),
      {{{"get"}, {""}, {std::move(resource)}, {}, {}}},
      std::nullopt
  };
}

LabelSelector wants(std::string key, std::string value) {
  return {{{std::move(key), LabelRequirement::Op::in, {std::move(value)}}}};
}

Strings resources_of(const ClusterRole& role) {
  Strings out;
  for (const auto& rule : role.rules)
    out.insert(out.end(), rule.resources.begin(), rule.resources.end());
  return out;
}

TEST(Aggregation, rules_come_selector_by_selector_by_name_and_once) {
  Policy policy;
  policy.cluster_roles = {
      source("z", {{"a", "1"}}, "zs"),
      source("b", {{"a", "1"}, {"c", "1"}}, "bs"),
      source("own", {{"a", "1"}}, "overwritten"),
      source("same", {{"a", "1"}}, "bs")
  };
  policy.cluster_roles[2].aggregation = {wants("c", "1"), wants("a", "1")};
  aggregate(policy);
  EXPECT_EQ(resources_of(policy.cluster_roles[2]), (Strings{"bs", "zs"}));
}

TEST(Aggregation, aggregated_roles_feed_one_another_even_in_a_circle) {
  Policy policy;
  policy.cluster_roles = {
      source("a", {{"to-b", ""}}, "lost"),
      source("b", {{"to-a", ""}, {"to-c", ""}}, "lost"),
      source("c", {}, "lost"),
      source("x", {{"to-a", ""}}, "xs"),
      source("y", {{"to-b", ""}}, "ys")
  };
  for (const auto& [role, label] : {std::pair{0, "to-a"}, {1, "to-b"}, {2, "to-c"}}) {
    policy.cluster_roles[static_cast<std::size_t>(role)].aggregation = {
        LabelSelector{{{label, LabelRequirement::Op::exists, {}}}}
    };
  }
  aggregate(policy);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto got = resources_of(policy.cluster_roles[i]);
    EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), (std::set<std::string>{"xs", "ys"}));
  }
}

TEST(Aggregation, selectors_match_as_in_kubernetes) {
  using Op = LabelRequirement::Op;
  const Labels labels = {{"a", "1"}, {"b", ""}};
  const auto is = [&](std::string key, Op op, Strings values) {
    return matches(LabelSelector{{{std::move(key), op, std::move(values)}}}, labels);
  };
  EXPECT_TRUE(matches(LabelSelector{}, labels));
  EXPECT_TRUE(is("a", Op::in, {"0", "1"}));
  EXPECT_FALSE(is("a", Op::in, {"0"}));
  EXPECT_FALSE(is("x", Op::in, {""}));
  EXPECT_TRUE(is("b", Op::in, {""}));
  EXPECT_TRUE(is("x", Op::not_in, {"1"}));
  EXPECT_FALSE(is("a", Op::not_in, {"1"}));
  EXPECT_TRUE(is("b", Op::exists, {}));
  EXPECT_FALSE(is("x", Op::exists, {}));
  EXPECT_TRUE(is("x", Op::does_not_exist, {}));
}

std::set<std::string> shown_rules(const std::vector<PolicyRule>& rules) {
  std::set<std::string> out;
  for (const auto& rule : rules) {
    std::string text;
    for (const auto* words :
         {&rule.verbs,
          &rule.api_groups,
          &rule.resources,
          &rule.resource_names,
          &rule.non_resource_urls}) {
      for (const auto& word : *words) text += word + ",";
      text += ";";
    }
    out.insert(text);
  }
  return out;
}

// The default policy as it ships, aggregated here, is the one a cluster holds.
TEST(Aggregation, the_default_policy_becomes_what_a_cluster_has) {
  PolicyLoader from_files;
  for (const char* file : {"clusterroles", "clusterrolebindings", "roles", "rolebindings"}) {
    const auto added =
        from_files.add_path(tests_dir() + "/../authz/rbac/bootstrap/" + file + ".yaml");
    ASSERT_TRUE(added) << added.error().to_string();
  }
  EXPECT_TRUE(from_files.warnings().empty());
  const Policy files = from_files.take();

  simdjson::dom::parser parser;
  simdjson::dom::element root = parser.load(tests_dir() + "/vectors/rbac.json");
  PolicyLoader from_vectors;
  for (simdjson::dom::element policy : root["policies"].get_array()) {
    if (std::string_view(policy["id"]) != "bootstrap") continue;
    for (const char* list : {"clusterRoles", "roles", "clusterRoleBindings", "roleBindings"}) {
      ASSERT_TRUE(from_vectors.add(simdjson::minify(policy[list]), list));
    }
  }
  const Policy cluster = from_vectors.take_without_aggregation();
  ASSERT_EQ(files.cluster_roles.size(), cluster.cluster_roles.size());
  std::size_t aggregated = 0;
  for (const ClusterRole& want : cluster.cluster_roles) {
    const auto got = std::find_if(
        files.cluster_roles.begin(),
        files.cluster_roles.end(),
        [&](const ClusterRole& role) { return role.name == want.name; }
    );
    ASSERT_NE(got, files.cluster_roles.end()) << want.name;
    EXPECT_EQ(shown_rules(got->rules), shown_rules(want.rules)) << want.name;
    aggregated += got->aggregation && !got->rules.empty();
  }
  EXPECT_EQ(aggregated, 3U);  // admin, edit, view
  EXPECT_EQ(files.cluster_role_bindings.size(), cluster.cluster_role_bindings.size());
  EXPECT_EQ(files.roles.size(), cluster.roles.size());
  EXPECT_EQ(files.role_bindings.size(), cluster.role_bindings.size());
}

}  // namespace
}  // namespace gh::authz::rbac
