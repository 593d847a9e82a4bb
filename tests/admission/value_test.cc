// SPDX-License-Identifier: Apache-2.0
#include "authz/admission/value.h"

#include "authz/admission/schema.h"

#include <gtest/gtest.h>

#include <string>

namespace gh::authz::admission {
namespace {

TEST(AdmissionValue, is_written_as_it_was_read) {
  for (const std::string_view text :
       {R"({"a":[1,-2,1.5,true,null,"x"],"b":{}})",
        R"({"a":"\"\\\u0001é"})",
        R"([18446744073709551615,-9223372036854775808,1e+300])",
        "[1,1.0]",
        "[]",
        R"("text")"}) {
    const auto value = parse_json(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(to_json(*value), text);
  }
}

TEST(AdmissionValue, what_is_not_json_is_refused) {
  for (const std::string_view text : {"", "{", "{'a':1}", "01", "\"\xff\"", "[1,]", "nul", "1 2"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(AdmissionSchema, the_canonical_form_knows_zero_from_absent_only_where_kubernetes_does) {
  const auto read = [](std::string_view kind, std::string_view text) {
    const auto value = parse_json(text);
    const auto object = canonical(*value->members(), schema_of(kind));
    return object ? to_json(Value{*object}) : object.error();
  };
  EXPECT_EQ(
      read(
          "Pod",
          R"({"metadata":{"name":"","labels":{},"ownerReferences":[]},"spec":{"nodeName":null}})"
      ),
      "{}"
  );
  EXPECT_EQ(
      read(
          "Pod",
          R"({"metadata":{"ownerReferences":[{"controller":false},null],"labels":{"a":null}}})"
      ),
      R"({"metadata":{"labels":{"a":""},"ownerReferences":[{"controller":false},{}]}})"
  );
  EXPECT_EQ(
      read("Pod", R"({"unknown":1,"spec":{"volumes":[{"unknown":{}}]}})"),
      R"({"spec":{"volumes":[{}]}})"
  );
  EXPECT_EQ(read("ResourceSlice", R"({"spec":{"nodeName":""}})"), R"({"spec":{"nodeName":""}})");
  EXPECT_EQ(
      read("PersistentVolumeClaim", R"({"metadata":{"generation":1.0}})"),
      "metadata.generation: expected an integer"
  );
}

TEST(AdmissionSchema, a_difference_is_named) {
  const auto object = [](std::string_view text) { return *parse_json(text)->members(); };
  EXPECT_EQ(first_difference(object(R"({"a":{"b":1}})"), object(R"({"a":{"b":1}})")), "");
  EXPECT_EQ(first_difference(object(R"({"a":{"b":1}})"), object(R"({"a":{"b":2}})")), "a.b");
  EXPECT_EQ(first_difference(object(R"({"a":{"b":1}})"), object(R"({"a":{}})")), "a.b");
  EXPECT_EQ(first_difference(object(R"({"a":1})"), object(R"({"b":1})")), "a");
}

}  // namespace
}  // namespace gh::authz::admission
