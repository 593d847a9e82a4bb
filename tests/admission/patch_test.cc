// SPDX-License-Identifier: Apache-2.0
// The corners of the API server's patch libraries. Their whole behaviour against the real plugin is
// in tests/vectors/noderestriction-patches.json.
#include "authz/admission/patch.h"

#include "base/limits.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::authz::admission {
namespace {

Value json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : Value{};
}

std::string patched(std::string_view object, std::string_view patch) {
  Value value = json(object);
  const auto done = apply_json_patch(value, json(patch));
  return done ? to_json(value) : "refused";
}

std::string merged(std::string_view object, std::string_view patch) {
  Value value = json(object);
  const auto done = apply_merge_patch(value, json(patch));
  return done ? to_json(value) : "refused";
}

TEST(AdmissionJsonPatch, follows_the_library_into_its_corners) {
  struct Row {
    std::string_view object, patch, result;
  };

  const Row rows[] = {
      {R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"replace","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"remove","path":"/b"}])", "refused"},
      {R"({"a":1})", R"([{"op":"add","path":"b","value":2}])", "refused"},
      {R"({"a":1})", R"([{"op":"add","path":"ignored/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"add","path":"/b"}])", R"({"a":1,"b":null})"},
      {R"({"a":1})", R"([{"op":"add","path":"/","value":2}])", R"({"":2,"a":1})"},
      {R"({"a":1})", R"([{"op":"add","path":"","value":{}}])", "refused"},
      {R"({"a":1})", R"([{"op":"replace","path":"","value":{"c":3}}])", R"({"c":3})"},
      {R"({"a":1})", R"([{"op":"replace","path":"","value":[]}])", "refused"},
      {R"({"a~b/c":1})", R"([{"op":"remove","path":"/a~0b~1c"}])", R"({})"},
      {R"({"~1":1})", R"([{"op":"remove","path":"/~01"}])", R"({})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-","value":3}])", R"({"a":[1,2,3]})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-1","value":3}])", R"({"a":[1,2,3]})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/0","value":3}])", R"({"a":[3,1,2]})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/3","value":3}])", "refused"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])", R"({"a":[1]})"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/+0"}])", R"({"a":[2]})"},
      {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/01","value":3}])", R"({"a":[1,3]})"},
      {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/2","value":3}])", "refused"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/x"}])", "refused"},
      {R"({"a":null})", R"([{"op":"add","path":"/a/b","value":3}])", "refused"},
      {R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])", R"({"b":1})"},
      {R"({"a":1})", R"([{"op":"move","from":"/b","path":"/c"}])", "refused"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/c"}])", "refused"},
      {R"({"a":1})", R"([{"op":"copy","from":"/b","path":"/c"}])", R"({"a":1,"c":null})"},
      {R"({"a":{"b":1}})",
       R"([{"op":"copy","from":"/a","path":"/c"},{"op":"remove","path":"/c/b"}])",
       R"({"a":{"b":1},"c":{}})"},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":1}])", R"({"a":1})"},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", "refused"},
      {R"({"a":1})", R"([{"op":"test","path":"/b","value":null}])", R"({"a":1})"},
      {R"({"a":1})", R"([{"op":"Add","path":"/b","value":1}])", "refused"},
      {R"({"a":1})", R"([{"path":"/b","value":1}])", "refused"},
      {R"({"a":1})", R"([5])", "refused"},
      {R"({"a":1})", R"({})", "refused"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(patched(row.object, row.patch), row.result) << row.patch;
  }
}

TEST(AdmissionJsonPatch, operations_and_what_they_add_are_bounded) {
  std::string many = "[";
  for (std::size_t i = 0; i <= limits::admission_patch_operations_max; ++i) {
    many += R"({"op":"add","path":"/a","value":1},)";
  }
  many.back() = ']';
  EXPECT_EQ(patched("{}", many), "refused");
  std::string doubling = R"([{"op":"add","path":"/a","value":[1]})";
  for (int i = 0; i < 40; ++i) doubling += R"(,{"op":"copy","from":"/a","path":"/a/-"})";
  EXPECT_EQ(patched("{}", doubling + "]"), "refused");
  EXPECT_EQ(
      patched("{}", R"([{"op":"add","path":")" + std::string(10'000, '/') + R"(","value":1}])"),
      "refused"
  );
}

TEST(AdmissionMergePatch, follows_the_library_into_its_corners) {
  struct Row {
    std::string_view object, patch, result;
  };

  const Row rows[] = {
      {R"({"a":1})", R"({"a":null})", R"({})"},
      {R"({"a":{"b":1,"c":2}})", R"({"a":{"b":null}})", R"({"a":{"c":2}})"},
      {R"({"a":1})", R"({"b":{"c":null,"d":1}})", R"({"a":1,"b":{"d":1}})"},
      {R"({"a":[1]})", R"({"a":{"c":null}})", R"({"a":{}})"},
      {R"({"a":1})", R"({"a":[{"b":null},null]})", R"({"a":[{},null]})"},
      {R"({"a":{}})", R"({"a":[{"b":null}]})", R"({"a":[{"b":null}]})"},
      {R"({"a":null})", R"({"a":{"b":null}})", R"({"a":{}})"},
      {R"({"a":1})", R"([])", "refused"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(merged(row.object, row.patch), row.result) << row.patch;
  }
}

TEST(AdmissionStrategicPatch, is_applied_to_what_is_looked_at_and_refused_where_it_is_uncertain) {
  const auto apply = [](std::string_view patch) {
    Value node =
        json(R"({"metadata":{"labels":{"a":"b"}},"spec":{"taints":[{"key":"k"}],"podCIDR":"x"}})");
    const auto done =
        apply_strategic_patch(*node.members(), *json(patch).members(), schema_of("Node"));
    return done ? to_json(node) : done.error();
  };
  EXPECT_EQ(
      apply(
          R"({"metadata":{"labels":{"a":null,"c":"d"}},"spec":{"taints":[]},"status":{"$patch":1}})"
      ),
      R"({"metadata":{"labels":{"c":"d"}},"spec":{"podCIDR":"x","taints":[]}})"
  );
  EXPECT_EQ(
      apply(R"({"spec":{"configSource":{"configMap":{"name":"x","uid":null}}}})"),
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"configSource":{"configMap":{"name":"x"}},)"
      R"("podCIDR":"x","taints":[{"key":"k"}]}})"
  );
  EXPECT_EQ(apply(R"({"metadata":{"labels":{"$patch":"replace"}}})"), "metadata.labels");
  EXPECT_EQ(apply(R"({"metadata":{"ownerReferences":[]}})"), "metadata.ownerReferences");
  EXPECT_EQ(apply(R"({"spec":{"$retainKeys":["taints"]}})"), "spec.$retainKeys");
  EXPECT_EQ(apply(R"({"spec":{"taints":{}}})"), "spec.taints");
}

}  // namespace
}  // namespace gh::authz::admission
