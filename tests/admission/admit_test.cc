// SPDX-License-Identifier: Apache-2.0
// Requests of node users, whole: which bodies are read, what is asked for, what is answered. The
// plugin's own rules are tested by tests/vectors/noderestriction*.json.
#include "authz/admission/admit.h"

#include "base/limits.h"
#include "tests/admission/wire.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace gh::authz::admission {
namespace {

constexpr std::string_view json_patch = "application/json-patch+json";
constexpr std::string_view merge_patch = "application/merge-patch+json";
constexpr std::string_view strategic_patch = "application/strategic-merge-patch+json";
constexpr std::string_view apply_patch = "application/apply-patch+yaml";
constexpr std::string_view protobuf = "application/vnd.kubernetes.protobuf";

identity::Identity node(const std::string& name = "n1") {
  return {"system:node:" + name, "", {"system:nodes", "system:authenticated"}, {}};
}

struct Asked {
  Attributes what;
  std::string_view content_type = "application/json";
  std::string body = {};
  std::string_view selector = {};
  std::string user = "n1";

  Outcome in(const World& world, const Allows& allows = {}) const {
    const identity::Identity who = node(user);
    return admit({who, what, selector, content_type, body}, world, allows);
  }
};

Attributes on(
    std::string_view verb,
    std::string_view resource,
    std::string_view name,
    std::string_view subresource = "",
    std::string_view space = "",
    std::string_view group = ""
) {
  return {true, verb, "", group, "v1", space, resource, subresource, name};
}

const Lookup own_node{"", "v1", "nodes", "", "n1"};
const Lookup own_pod{"", "v1", "pods", "ns1", "p1"};
const Lookup own_claim{"", "v1", "persistentvolumeclaims", "ns1", "c1"};

constexpr std::string_view node_json =
    R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"u","resourceVersion":"5",
        "labels":{"kubernetes.io/hostname":"n1","k8s.io/secret-zone":"a"}},
        "spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}})";

World with(const Lookup& what, std::string_view json) {
  World world;
  world.add(what, json);
  return world;
}

World with_node() { return with(own_node, node_json); }

World with_pod(std::string_view bound_to = "n1") {
  return with(
      own_pod,
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p1","namespace":"ns1","uid":"pu",
          "resourceVersion":"9"},"spec":{"nodeName":")" +
          std::string(bound_to) + R"("},"status":{"phase":"Pending"}})"
  );
}

World with_claim() {
  return with(
      own_claim,
      R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c1","namespace":"ns1",
          "resourceVersion":"9","finalizers":["a/b"]},"spec":{"volumeName":"pv"},
          "status":{"phase":"Bound","capacity":{"storage":"1Gi"}}})"
  );
}

void expect_refused(const Outcome& outcome, int code, std::string_view part) {
  ASSERT_EQ(outcome.verdict, Outcome::Verdict::refused);
  EXPECT_EQ(outcome.refusal.code, code);
  EXPECT_NE(outcome.refusal.message.find(part), std::string::npos) << outcome.refusal.message;
}

// ---- whom and what it is about ----

TEST(AdmissionApplies, only_node_users_that_change_what_the_plugin_looks_at) {
  struct Row {
    Attributes what;
    Applies expected;
  };

  const Row rows[] = {
      {on("create", "pods", "", "", "ns1"), Applies::with_body},
      {on("get", "pods", "p1", "", "ns1"), Applies::no},
      {on("watch", "nodes", ""), Applies::no},
      {on("delete", "pods", "p1", "", "ns1"), Applies::without_body},
      {on("update", "nodes", "n1", "status"), Applies::with_body},
      {on("patch", "nodes", "n1"), Applies::with_body},
      {on("create", "nodes", "n1", "proxy"), Applies::no},
      {on("create", "pods", "p1", "exec", "ns1"), Applies::no},
      {on("create", "pods", "p1", "eviction", "ns1"), Applies::with_body},
      {on("patch", "pods", "p1", "status", "ns1"), Applies::with_body},
      {on("patch", "pods", "p1", "ephemeralcontainers", "ns1"), Applies::without_body},
      {on("create", "configmaps", "", "", "ns1"), Applies::no},
      {on("create", "serviceaccounts", "sa", "token", "ns1"), Applies::with_body},
      {on("create", "serviceaccounts", "", "", "ns1"), Applies::without_body},
      {on("update", "leases", "n1", "", "kube-node-lease", "coordination.k8s.io"),
       Applies::without_body},
      {on("update", "leases", "n1", "", "kube-node-lease", "example.com"), Applies::no},
      {on("patch", "resourceslices", "s", "", "", "resource.k8s.io"), Applies::with_body},
      {on("deletecollection", "resourceslices", "", "", "", "resource.k8s.io"),
       Applies::without_body},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(applies(node(), row.what), row.expected)
        << row.what.verb << " " << row.what.resource << "/" << row.what.subresource;
  }
  EXPECT_EQ(applies({"alice", "", {"system:nodes"}, {}}, rows[0].what), Applies::no);
  EXPECT_EQ(applies({"system:node:n1", "", {"other"}, {}}, rows[0].what), Applies::no);
}

TEST(AdmissionAdmit, a_node_without_a_name_is_refused_before_anything_is_fetched) {
  for (const auto& what :
       {on("update", "nodes", "n1"),
        on("patch", "pods", "p1", "status", "ns1"),
        on("delete", "pods", "p1", "", "ns1")}) {
    Asked asked{what, merge_patch, "{}"};
    asked.user = "";
    expect_refused(asked.in({}), 403, "could not determine node from user \"system:node:\"");
  }
}

TEST(AdmissionAdmit, another_nodes_node_is_refused_before_anything_is_fetched) {
  expect_refused(
      Asked{on("update", "nodes", "n2"), "application/json", "no JSON"}.in({}),
      403,
      R"(nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2")"
  );
}

// ---- bodies ----

TEST(AdmissionBody, formats_that_are_not_read_are_refused) {
  for (const std::string_view type :
       {"application/yaml", "application/cbor", "text/plain", "*/*"}) {
    expect_refused(
        Asked{on("create", "nodes", ""), type, "{}"}.in({}), 415, "accepted media types include"
    );
  }
}

TEST(AdmissionBody, json_with_parameters_or_in_capitals_or_without_a_type_is_json) {
  for (const std::string_view type : {"application/json; charset=utf-8", "Application/JSON", ""}) {
    EXPECT_TRUE(
        (Asked{on("create", "nodes", ""), type, R"({"metadata":{"name":"n1"}})"}.in({}).admitted())
    );
  }
}

TEST(AdmissionBody, what_readers_could_take_in_two_ways_is_refused) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"({"metadata":{"name":"n1","name":"n2"}})", "stands twice"},
      {R"({"metadata":{"name":"n1"},"metadata":{"labels":{}}})", "stands twice"},
      {R"({"KIND":"Pod","metadata":{"name":"n1"}})", "in other letters"},
      {"{\"\xe2\x84\xaaind\":\"Pod\",\"metadata\":{\"name\":\"n1\"}}", "in other letters"},
      {"{\"apiVer\xc5\xbfion\":\"v2\",\"metadata\":{\"name\":\"n1\"}}", "in other letters"},
      {"\xef\xbb\xbf{}", "byte order mark"},
      {"{} {}", "cannot be read"},
      {"[]", "expected an object"},
      {"", "cannot be read"},
      {R"({"kind":5})", "kind: expected a string"},
      {R"({"metadata":[]})", "metadata: expected an object"},
      {R"({"metadata":{"name":5}})", "metadata.name: expected a string"},
      {R"({"metadata":{"labels":{"a":5}}})", "metadata.labels[a]: expected a string"},
      {R"({"metadata":{"ownerReferences":[{"controller":"yes"}]}})", "expected true or false"},
      {R"({"spec":{"taints":{}}})", "spec.taints: expected a list"},
      {R"({"spec":{"taints":[{"timeAdded":"yesterday"}]}})", "expected an RFC 3339 time"},
  };
  for (const auto& [body, part] : rows) {
    const Asked asked{on("create", "nodes", ""), "application/json", std::string(body)};
    expect_refused(asked.in({}), 400, part);
  }
}

TEST(AdmissionBody, keys_are_taken_letter_for_letter) {
  const Asked asked{
      on("create", "nodes", ""),
      "application/json",
      R"({"metadata":{"name":"n1","Labels":{"k8s.io/x":"v"}},"Spec":{"configSource":{}}})"
  };
  EXPECT_TRUE(asked.in({}).admitted());
}

TEST(AdmissionBody, null_is_as_nothing_and_an_empty_pointer_is_not) {
  const auto create = [](std::string_view spec) {
    return Asked{
        on("create", "nodes", ""),
        "application/json",
        R"({"metadata":{"name":"n1","labels":null},"spec":)" + std::string(spec) + "}"
    }
        .in({});
  };
  EXPECT_TRUE(create("null").admitted());
  EXPECT_TRUE(create(R"({"configSource":null})").admitted());
  expect_refused(create(R"({"configSource":{}})"), 403, "non-nil configSource");
}

TEST(AdmissionBody, depth_and_number_of_values_and_bytes_are_bounded) {
  const auto create = [](std::string body) {
    return Asked{on("create", "nodes", ""), "application/json", std::move(body)}.in({});
  };
  std::string deep = R"({"metadata":{"name":"n1"},"x":)" + std::string(500, '[');
  deep += std::string(500, ']') + "}";
  expect_refused(create(deep), 400, "nested too deeply");
  std::string wide = R"({"metadata":{"name":"n1"},"x":[0)";
  for (std::size_t i = 0; i < limits::admission_values_max; ++i) wide += ",0";
  expect_refused(create(wide + "]}"), 400, "too many values");
  expect_refused(create(std::string(limits::admission_body_bytes_max + 1, ' ')), 413, "too large");
}

TEST(AdmissionBody, another_version_than_the_urls_is_refused) {
  for (const std::string_view version : {"__internal", "v2", "v1beta1"}) {
    expect_refused(
        Asked{
            on("create", "nodes", ""),
            "application/json",
            R"({"apiVersion":")" + std::string(version) + R"(","kind":"Node","Name":"n1"})"
        }
            .in({}),
        400,
        "does not match the expected API version (v1)"
    );
  }
}

TEST(AdmissionBody, a_protobuf_node_is_judged_by_its_labels) {
  const auto create = [](std::string_view label) {
    const std::string entry = wire::bytes(1, label) + wire::bytes(2, "v");
    const std::string metadata = wire::bytes(1, "n1") + wire::bytes(11, entry);
    return Asked{
        on("create", "nodes", ""), protobuf, wire::envelope("v1", "Node", wire::bytes(1, metadata))
    }
        .in({});
  };
  EXPECT_TRUE(create("example.com/x").admitted());
  expect_refused(create("k8s.io/x"), 403, "is not allowed to set the following labels: k8s.io/x");
}

// ---- updates ----

TEST(AdmissionUpdate, the_old_object_is_asked_for_and_its_absence_is_the_servers_404) {
  const Asked put{
      on("update", "nodes", "n1", "status"), "application/json", R"({"metadata":{"name":"n1"}})"
  };
  const Outcome first = put.in({});
  ASSERT_EQ(first.verdict, Outcome::Verdict::needs);
  ASSERT_EQ(first.needs.size(), 1U);
  EXPECT_EQ(first.needs[0], own_node);
  EXPECT_EQ(first.needs[0].path(), "/api/v1/nodes/n1");
  World world;
  world.add_absent(own_node);
  const Outcome gone = put.in(world);
  expect_refused(gone, 404, R"(nodes "n1" not found)");
  EXPECT_EQ(gone.refusal.details.kind, "nodes");
  world.add_failed(own_node, "no API server");
  expect_refused(put.in(world), 500, "no API server");
}

std::string changed_node(std::string_view metadata) {
  return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1",)" + std::string(metadata) +
         R"("labels":{"kubernetes.io/hostname":"n1","k8s.io/secret-zone":"a"}},
            "spec":{"taints":[{"key":"k","effect":"NoSchedule"}],"unschedulable":true}})";
}

Asked put_node(std::string body) {
  return {on("update", "nodes", "n1"), "application/json", std::move(body)};
}

TEST(AdmissionUpdate, of_the_version_at_hand_is_forwarded_as_it_came) {
  const Outcome outcome = put_node(changed_node(R"("resourceVersion":"5",)")).in(with_node());
  EXPECT_TRUE(outcome.admitted());
  EXPECT_TRUE(outcome.body.empty());
}

TEST(AdmissionUpdate, of_another_version_is_a_conflict) {
  expect_refused(
      put_node(changed_node(R"("resourceVersion":"4",)")).in(with_node()),
      409,
      R"(Operation cannot be fulfilled on nodes "n1": the object has been modified)"
  );
}

TEST(AdmissionUpdate, of_no_version_is_pinned_to_the_one_that_was_judged) {
  const Outcome outcome = put_node(changed_node("")).in(with_node());
  ASSERT_TRUE(outcome.admitted());
  EXPECT_NE(outcome.body.find(R"("resourceVersion":"5")"), std::string::npos);
  const Outcome again = put_node(outcome.body).in(with_node());
  EXPECT_TRUE(again.admitted());
  EXPECT_TRUE(again.body.empty());
}

TEST(AdmissionUpdate, of_no_version_in_protobuf_is_pinned_too) {
  const std::string label = wire::bytes(1, "k8s.io/secret-zone") + wire::bytes(2, "a");
  const std::string host = wire::bytes(1, "kubernetes.io/hostname") + wire::bytes(2, "n1");
  const std::string metadata =
      wire::bytes(1, "n1") + wire::bytes(11, label) + wire::bytes(11, host);
  const std::string taint = wire::bytes(1, "k") + wire::bytes(3, "NoSchedule");
  Asked put{
      on("update", "nodes", "n1"),
      protobuf,
      wire::envelope("v1", "Node", wire::bytes(1, metadata) + wire::bytes(2, wire::bytes(5, taint)))
  };
  const Outcome outcome = put.in(with_node());
  ASSERT_TRUE(outcome.admitted()) << outcome.refusal.message;
  put.body = outcome.body;
  const Outcome again = put.in(with_node());
  EXPECT_TRUE(again.admitted());
  EXPECT_TRUE(again.body.empty());
}

// ---- patches ----

TEST(AdmissionPatch, a_kubelets_own_patches_pass_as_they_came) {
  const Asked of_node{
      on("patch", "nodes", "n1", "status"),
      strategic_patch,
      R"({"metadata":{"annotations":{"a":"b"},"labels":{"kubernetes.io/os":"linux"}},
          "status":{"$setElementOrder/conditions":[{"type":"Ready"}],
          "conditions":[{"type":"Ready","lastHeartbeatTime":"2024-01-01T00:00:00Z"}],
          "images":[{"names":["a"],"sizeBytes":12}]}})"
  };
  const Asked of_pod{
      on("patch", "pods", "p1", "status", "ns1"),
      strategic_patch,
      R"({"metadata":{"uid":"pu"},"status":{"$setElementOrder/conditions":[{"type":"Ready"}],
          "conditions":[{"type":"Ready","status":"True"}],"hostIP":"10.0.0.1","podIPs":[{"ip":"::1"}]}})"
  };
  const Asked of_claim{
      on("patch", "persistentvolumeclaims", "c1", "status", "ns1"),
      strategic_patch,
      R"({"metadata":{"resourceVersion":"9"},"status":{"$setElementOrder/conditions":[],
          "allocatedResources":{"storage":"2Gi"},"capacity":{"storage":"2Gi"},"conditions":[]}})"
  };
  for (const auto& [asked, world] :
       {std::pair(of_node, with_node()),
        std::pair(of_pod, with_pod()),
        std::pair(of_claim, with_claim())}) {
    const Outcome outcome = asked.in(world);
    EXPECT_TRUE(outcome.admitted()) << outcome.refusal.message;
    EXPECT_TRUE(outcome.body.empty()) << outcome.body;
  }
}

TEST(AdmissionPatch, a_strategic_patch_that_could_do_anything_is_refused) {
  for (const std::string_view patch :
       {R"({"$patch":"replace"})",
        R"({"spec":{"$patch":"delete"}})",
        R"({"metadata":{"$retainKeys":["name"]}})",
        R"({"metadata":{"labels":{"$patch":"replace"}}})",
        R"({"metadata":{"ownerReferences":[{"uid":"x","$patch":"delete"}]}})",
        R"({"metadata":{"$setElementOrder/ownerReferences":[]}})",
        R"({"spec":{"$setElementOrder/taints":[]}})",
        R"({"spec":{"taints":[{"key":"k","$patch":"delete"}]}})"}) {
    expect_refused(
        Asked{on("patch", "nodes", "n1"), strategic_patch, std::string(patch)}.in(with_node()),
        403,
        "a node may not patch "
    );
  }
}

TEST(AdmissionPatch, taints_cannot_be_taken_away_by_any_patch) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {json_patch, R"([{"op":"remove","path":"/spec/taints"}])"},
      {json_patch, R"([{"op":"remove","path":"x/spec/taints/-1"}])"},
      {json_patch, R"([{"op":"move","from":"/spec","path":"/status"}])"},
      {json_patch, R"([{"op":"copy","from":"/metadata/nothing","path":"/spec/taints"}])"},
      {merge_patch, R"({"spec":{"taints":null}})"},
      {merge_patch, R"({"spec":null})"},
      {merge_patch, R"({"spec":{"taints":[{"key":"k"}]}})"},
      {strategic_patch, R"({"spec":{"taints":null}})"},
      {strategic_patch, R"({"spec":null})"},
      {strategic_patch, R"({"spec":{"taints":[]}})"},
  };
  for (const auto& [type, patch] : rows) {
    expect_refused(
        Asked{on("patch", "nodes", "n1"), type, std::string(patch)}.in(with_node()),
        403,
        "is not allowed to modify taints"
    );
  }
}

// Found by comparison with the API server's own patch code: without its version the patched object
// is read as the internal type, {"Spec": …}, whose fields bear other names.
TEST(AdmissionPatch, a_patch_that_takes_the_version_away_is_refused) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {json_patch,
       R"([{"op":"remove","path":"/apiVersion"},{"op":"add","path":"/Spec","value":{"Taints":[]}}])"
      },
      {merge_patch, R"({"apiVersion":null,"name":"n1","Spec":{"Taints":[]}})"},
      {merge_patch, R"({"apiVersion":"__internal","name":"n1","Spec":{"Taints":[]}})"},
      {merge_patch, "{\"apiver\xc5\xbfion\":\"__internal\",\"Spec\":{\"Taints\":[]}}"},
      {json_patch, R"([{"op":"add","path":"/kind","value":"Pod"}])"},
  };
  for (const auto& [type, patch] : rows) {
    expect_refused(
        Asked{on("patch", "nodes", "n1"), type, std::string(patch)}.in(with_node()),
        403,
        "a node may not patch apiVersion or kind"
    );
  }
}

TEST(AdmissionPatch, one_that_repeats_what_is_protected_is_pinned) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {merge_patch, R"({"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}})"},
      {strategic_patch, R"({"metadata":{"labels":{"k8s.io/secret-zone":"a"}}})"},
      {json_patch, R"([{"op":"test","path":"/spec/taints/0/key","value":"k"}])"},
  };
  for (const auto& [type, patch] : rows) {
    const Outcome outcome =
        Asked{on("patch", "nodes", "n1"), type, std::string(patch)}.in(with_node());
    EXPECT_TRUE(outcome.admitted()) << outcome.refusal.message;
    EXPECT_NE(outcome.body.find("resourceVersion"), std::string::npos);
    EXPECT_TRUE((Asked{on("patch", "nodes", "n1"), type, outcome.body}.in(with_node()).admitted()));
  }
}

TEST(AdmissionPatch, of_an_unknown_kind_is_refused) {
  for (const std::string_view type :
       {"application/apply-patch+cbor", "application/json", "application/merge-patch+JSON", ""}) {
    expect_refused(
        Asked{on("patch", "nodes", "n1"), type, "{}"}.in(with_node()), 415, "unknown format"
    );
  }
}

TEST(AdmissionPatch, that_does_not_apply_is_422) {
  expect_refused(
      Asked{on("patch", "nodes", "n1"), json_patch, R"([{"op":"remove","path":"/spec/none"}])"}.in(
          with_node()
      ),
      422,
      "removes a key that is not there"
  );
}

TEST(AdmissionPatch, labels_of_a_pod_cannot_change_with_its_status) {
  expect_refused(
      Asked{
          on("patch", "pods", "p1", "status", "ns1"),
          strategic_patch,
          R"({"metadata":{"labels":{"app":"x"}}})"
      }
          .in(with_pod()),
      403,
      "cannot update labels through pod status"
  );
  expect_refused(
      Asked{on("patch", "pods", "p1", "status", "ns1"), strategic_patch, "{}"}.in(with_pod("n2")),
      403,
      "for pods with spec.nodeName set to itself"
  );
}

// ---- server-side apply ----

Asked apply_node(std::string body) {
  return {on("patch", "nodes", "n1"), apply_patch, std::move(body)};
}

TEST(AdmissionApply, leaves_alone_what_is_protected) {
  EXPECT_TRUE(apply_node(R"({"metadata":{"name":"n1","labels":{"example.com/a":"b"}}})")
                  .in(with_node())
                  .admitted());
  for (const std::string_view body :
       {R"({"metadata":{"labels":{"k8s.io/secret-zone":"a"}}})",
        R"({"metadata":{"ownerReferences":[]}})",
        R"({"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}})",
        R"({"spec":{"configSource":null}})",
        R"({"metadata":null})"}) {
    expect_refused(apply_node(std::string(body)).in(with_node()), 403, "is forbidden");
  }
  expect_refused(apply_node(R"({"metadata":{"<<":{"labels":{}}}})").in(with_node()), 400, "merges");
  expect_refused(apply_node("metadata: {name: n1}").in(with_node()), 400, "cannot be read");
}

TEST(AdmissionApply, over_protected_fields_that_were_applied_is_refused) {
  const World world = with(
      own_node,
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","managedFields":[
          {"manager":"m","operation":"Apply","fieldsV1":{"f:spec":{"f:taints":{}}}}]}})"
  );
  expect_refused(apply_node(R"({"metadata":{"labels":{"a":"b"}}})").in(world), 403, "were applied");
}

TEST(AdmissionApply, of_other_kinds_is_judged_as_their_creation) {
  Asked slice{
      on("patch", "resourceslices", "s", "", "", "resource.k8s.io"),
      apply_patch,
      R"({"spec":{"nodeName":"n2"}})"
  };
  expect_refused(slice.in({}), 403, "can only create ResourceSlice");
  slice.body = R"({"spec":{"nodeName":"n1"}})";
  EXPECT_TRUE(slice.in({}).admitted());
  expect_refused(
      Asked{on("patch", "pods", "p1", "status", "ns1"), apply_patch, "{}"}.in(with_pod()),
      403,
      "may not apply the status"
  );
}

// ---- deletes ----

TEST(AdmissionDelete, a_missing_pod_is_the_servers_404_and_anothers_is_refused) {
  const Asked remove{on("delete", "pods", "p1", "", "ns1")};
  EXPECT_EQ(remove.in({}).needs.at(0), own_pod);
  World gone;
  gone.add_absent(own_pod);
  expect_refused(remove.in(gone), 404, R"(pods "p1" not found)");
  expect_refused(remove.in(with_pod("n2")), 403, "can only delete pods");
  EXPECT_TRUE(remove.in(with_pod()).admitted());
}

TEST(AdmissionDelete, a_collection_of_slices_must_be_selected_by_node) {
  Asked remove{on("deletecollection", "resourceslices", "", "", "", "resource.k8s.io")};
  expect_refused(remove.in({}), 403, "can only delete ResourceSlice");
  remove.selector = "spec.nodeName=n2";
  expect_refused(remove.in({}), 403, "can only delete ResourceSlice");
  remove.selector = "spec.nodeName!=n1";
  expect_refused(remove.in({}), 403, "can only delete ResourceSlice");
  remove.selector = "spec.driver=d,spec.nodeName=n1";
  EXPECT_TRUE(remove.in({}).admitted());
}

TEST(AdmissionDelete, a_collection_of_pods_or_nodes_is_refused) {
  expect_refused(Asked{on("deletecollection", "pods", "", "", "ns1")}.in({}), 404, "pod \"\"");
  expect_refused(Asked{on("deletecollection", "nodes", "")}.in({}), 403, "modify node \"\"");
}

// ---- tokens ----

TEST(AdmissionToken, an_audience_is_followed_through_claim_and_volume_to_the_driver) {
  const Asked token{
      on("create", "serviceaccounts", "sa", "token", "ns1"),
      "application/json",
      R"({"spec":{"audiences":["vault"],
          "boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"p1","uid":"pu"}}})"
  };
  World world = with(
      own_pod,
      R"({"metadata":{"name":"p1","namespace":"ns1","uid":"pu"},"spec":{"nodeName":"n1","volumes":[
          {"name":"a","persistentVolumeClaim":{"claimName":"c1"}},
          {"name":"b","csi":{"driver":"plain"}},{"name":"b2","csi":{"driver":"plain"}}]}})"
  );
  const Lookup volume{"", "v1", "persistentvolumes", "", "pv"};
  const Lookup plain{"storage.k8s.io", "v1", "csidrivers", "", "plain"};
  const Lookup tokens{"storage.k8s.io", "v1", "csidrivers", "", "pd.csi.storage.gke.io"};
  EXPECT_EQ(token.in(world).needs, (std::vector{own_claim, plain}));
  world.add(
      own_claim, R"({"metadata":{"name":"c1","namespace":"ns1"},"spec":{"volumeName":"pv"}})"
  );
  world.add(plain, R"({"metadata":{"name":"plain"},"spec":{}})");
  EXPECT_EQ(token.in(world).needs, std::vector{volume});
  world.add(volume, R"({"metadata":{"name":"pv"},"spec":{"gcePersistentDisk":{"pdName":"d"}}})");
  EXPECT_EQ(token.in(world).needs, std::vector{tokens});
  World without = world;
  without.add_absent(tokens);
  expect_refused(token.in(without), 403, R"(error validating audience "vault": csidriver)");
  World with_audience = world;
  with_audience.add(
      tokens,
      R"({"metadata":{"name":"pd.csi.storage.gke.io"},"spec":{"tokenRequests":[{"audience":"vault"}]}})"
  );
  EXPECT_TRUE(token.in(with_audience).admitted());
}

TEST(AdmissionToken, an_authorizer_may_allow_an_audience_no_volume_has) {
  const Asked token{
      on("create", "serviceaccounts", "sa", "token", "ns1"),
      "application/json",
      R"({"spec":{"audiences":["vault"],
          "boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"p1","uid":"pu"}}})"
  };
  std::string asked;
  const Allows allows = [&](const Attributes& what) {
    asked = std::string(what.verb) + " " + std::string(what.resource) + " " +
            std::string(what.namespace_) + "/" + std::string(what.name);
    return true;
  };
  EXPECT_TRUE(token.in(with_pod(), allows).admitted());
  EXPECT_EQ(asked, "request-serviceaccounts-token-audience vault ns1/sa");
  expect_refused(token.in(with_pod()), 403, "is not authorized to request tokens");
}

TEST(AdmissionToken, a_pod_of_too_many_volumes_is_refused) {
  std::string pod =
      R"({"metadata":{"name":"p1","namespace":"ns1","uid":"pu"},"spec":{"nodeName":"n1","volumes":[{})";
  for (std::size_t i = 0; i < limits::admission_lookups_max + 1; ++i) {
    pod += R"(,{"csi":{"driver":"d)" + std::to_string(i) + "\"}}";
  }
  const Asked token{
      on("create", "serviceaccounts", "sa", "token", "ns1"),
      "application/json",
      R"({"spec":{"boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"p1","uid":"pu"}}})"
  };
  expect_refused(token.in(with(own_pod, pod + "]}}")), 403, "too many objects");
}

// ---- the world ----

TEST(AdmissionWorld, a_name_that_no_object_has_is_never_asked_for) {
  const World world;
  for (const std::string_view name : {"", ".", "..", "a/b", "a%2fb", "a?b", "a b", "a\nb"}) {
    const KnownObject* const object = world.find({"", "v1", "pods", "ns1", std::string(name)});
    ASSERT_NE(object, nullptr);
    EXPECT_FALSE(object->present());
  }
  ASSERT_NE(world.find({"", "v1/../v2", "pods", "ns1", "p"}), nullptr);
  EXPECT_EQ(world.find(own_pod), nullptr);
}

TEST(AdmissionWorld, an_answer_that_is_another_object_counts_as_none) {
  for (const std::string_view json :
       {R"({"metadata":{"name":"p2","namespace":"ns1"}})",
        R"({"metadata":{"name":"p1","namespace":"ns2"}})",
        R"({"metadata":{"name":"p1"}})",
        "[]",
        "no JSON",
        R"({"metadata":{"name":"p1","namespace":"ns1"},"spec":{"nodeName":5}})"}) {
    World world;
    world.add(own_pod, json);
    EXPECT_EQ(world.find(own_pod)->state, KnownObject::State::failed) << json;
  }
}

}  // namespace
}  // namespace gh::authz::admission
