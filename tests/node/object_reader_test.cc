// SPDX-License-Identifier: Apache-2.0
#include "authz/node/object_reader.h"

#include "base/limits.h"

#include <gtest/gtest.h>

namespace gh::authz::node {
namespace {

using Names = std::vector<std::string>;

Pod pod_of(const std::string& spec, const std::string& rest = "") {
  const std::string text =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns, uid: u}\n" + rest +
      "spec:\n  nodeName: n1\n" + spec;
  ObjectLoader loader;
  const auto added = loader.add(text, "p.yaml");
  EXPECT_TRUE(added) << added.error().to_string();
  auto objects = loader.take();
  return objects.size() == 1 ? std::get<Pod>(objects[0]) : Pod();
}

PersistentVolume volume_of(const std::string& spec) {
  const std::string text =
      "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec:\n"
      "  claimRef: {namespace: ns, name: c}\n" +
      spec;
  ObjectLoader loader;
  const auto added = loader.add(text, "pv.yaml");
  EXPECT_TRUE(added) << added.error().to_string();
  auto objects = loader.take();
  return objects.size() == 1 ? std::get<PersistentVolume>(objects[0]) : PersistentVolume();
}

std::string fault_of(const std::string& text, const std::string& name = "f.yaml") {
  ObjectLoader loader;
  const auto added = loader.add(text, name);
  return added ? "" : added.error().to_string();
}

TEST(NodeObjectReader, a_pod_is_read_with_all_it_refers_to) {
  const Pod pod = pod_of(
      "  serviceAccountName: sa\n"
      "  imagePullSecrets: [{name: pull}, {name: ''}, {}]\n"
      "  containers: [{name: c, envFrom: [{secretRef: {name: ef}}, {configMapRef: {name: cf}}],\n"
      "    env: [{name: A, valueFrom: {secretKeyRef: {name: e, key: k}}}, {name: B, value: x}]}]\n"
      "  ephemeralContainers: [{name: e, env: [{name: A, valueFrom: {configMapKeyRef: {name: ec, "
      "key: k}}}]}]\n"
      "  volumes:\n"
      "  - {name: a, secret: {secretName: vs}}\n"
      "  - {name: b, projected: {sources: [{secret: {name: ps}}, {configMap: {name: pc}}, "
      "{serviceAccountToken: {path: t}}]}}\n"
      "  - {name: c, persistentVolumeClaim: {claimName: pvc}}\n"
      "  - {name: d, ephemeral: {}}\n"
      "  - {name: e, csi: {driver: d, nodePublishSecretRef: {name: cs}}}\n"
  );
  EXPECT_EQ(pod.node, "n1");
  EXPECT_EQ(pod.uid, "u");
  EXPECT_FALSE(pod.mirror);
  EXPECT_EQ(pod.service_account, "sa");
  EXPECT_EQ(pod.secrets, (Names{"pull", "ef", "e", "vs", "ps", "cs"}));
  EXPECT_EQ(pod.config_maps, (Names{"cf", "ec", "pc"}));
  EXPECT_EQ(pod.volume_claims, (Names{"pvc", "p-d"}));
  EXPECT_EQ(pod.ephemeral_containers, 1u);
}

TEST(NodeObjectReader, of_a_volume_with_two_sources_the_first_in_kubernetes_order_counts) {
  const Pod pod = pod_of(
      "  volumes: [{name: a, secret: {secretName: one}, azureFile: {secretName: two}, rbd: {}}]\n"
  );
  EXPECT_EQ(pod.secrets, Names{"two"});
  EXPECT_EQ(
      volume_of("  csi: {driver: d, nodeStageSecretRef: {name: no, namespace: x}}\n  rbd: {}\n")
          .secrets.size(),
      0u
  );
}

TEST(NodeObjectReader, a_claim_from_a_template_is_named_by_the_status) {
  const Pod pod = pod_of(
      "  resourceClaims: [{name: a, resourceClaimName: direct}, {name: b, "
      "resourceClaimTemplateName: t},\n"
      "    {name: c, resourceClaimTemplateName: t}, {name: d, resourceClaimTemplateName: t}, "
      "{name: e}]\n",
      "status: {resourceClaimStatuses: [{name: b, resourceClaimName: made}, {name: c}, {name: e, "
      "resourceClaimName: unused}],\n"
      "  extendedResourceClaimStatus: {resourceClaimName: extended}}\n"
  );
  EXPECT_EQ(pod.resource_claims, (Names{"direct", "made", "extended"}));
  ASSERT_EQ(pod.claim_statuses.size(), 3u);
  EXPECT_EQ(pod.claim_statuses[1], (ClaimStatus{"c", std::nullopt}));
}

TEST(NodeObjectReader, a_mirror_pod_is_known_by_its_annotation_whatever_its_value) {
  for (const char* value : {"''", "x", "null"}) {
    const std::string text =
        std::string(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns, annotations: "
            "{kubernetes.io/config.mirror: "
        ) +
        value + "}}\nspec: {nodeName: n1}\n";
    ObjectLoader loader;
    ASSERT_TRUE(loader.add(text, "p.yaml"));
    EXPECT_TRUE(std::get<Pod>(loader.take().at(0)).mirror) << value;
  }
}

TEST(NodeObjectReader, a_kubelet_sees_the_node_secrets_of_a_csi_volume_only) {
  using Secrets = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(
      volume_of("  csi:\n"
                "    controllerPublishSecretRef: {name: cp, namespace: s}\n"
                "    controllerExpandSecretRef: {name: ce, namespace: s}\n"
                "    nodePublishSecretRef: {name: np, namespace: s}\n"
                "    nodeStageSecretRef: {name: ns, namespace: s}\n"
                "    nodeExpandSecretRef: {name: ne, namespace: s}\n")
          .secrets,
      (Secrets{{"s", "np"}, {"s", "ns"}, {"s", "ne"}})
  );
  EXPECT_EQ(volume_of("  rbd: {secretRef: {name: x}}\n").secrets, (Secrets{{"ns", "x"}}));
  EXPECT_EQ(volume_of("  cinder: {secretRef: {name: x}}\n").secrets, (Secrets{{"", "x"}}));
  EXPECT_EQ(
      volume_of("  azureFile: {secretName: x, secretNamespace: other}\n").secrets,
      (Secrets{{"other", "x"}})
  );
}

TEST(NodeObjectReader, lists_documents_and_json_give_the_same) {
  ObjectLoader loader;
  ASSERT_TRUE(loader.add(
      "apiVersion: v1\nkind: List\nitems:\n"
      "- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n"
      "- {apiVersion: storage.k8s.io/v1, kind: VolumeAttachment, metadata: {name: va}, spec: "
      "{nodeName: n1}}\n"
      "---\n"
      "apiVersion: resource.k8s.io/v1\nkind: ResourceSliceList\nitems: [{metadata: {name: sl}, "
      "spec: {nodeName: n1}}]\n",
      "a.yaml"
  ));
  ASSERT_TRUE(loader.add(
      R"({"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"p","namespace":"ns"}}]})",
      "b.json"
  ));
  EXPECT_EQ(loader.ignored(), 1u);
  EXPECT_EQ(loader.files(), 2u);
  EXPECT_EQ(loader.take().size(), 3u);
}

TEST(NodeObjectReader, a_fault_names_the_file_and_the_line) {
  EXPECT_EQ(
      fault_of("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: 5\n"),
      "f.yaml:5: namespace: expected a string, found a number"
  );
  EXPECT_EQ(
      fault_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"),
      "f.yaml:1: Pod \"p\" without metadata.namespace"
  );
  EXPECT_NE(fault_of("apiVersion: v1\nkind: Pod\nmetadata: {namespace: p}\n"), "");
  EXPECT_NE(fault_of("apiVersion: v2\nkind: Pod\nmetadata: {}\n"), "");
  EXPECT_NE(fault_of("apiVersion: v1\nkind: List\nitems: {}\n"), "");
  EXPECT_NE(fault_of("kind: Pod\n"), "");
  EXPECT_NE(fault_of("[]"), "");
  EXPECT_NE(fault_of("{", "f.json"), "");
  EXPECT_EQ(fault_of("apiVersion: v1\nkind: Service\nspec: 5\n"), "");
  EXPECT_EQ(fault_of("apiVersion: other/v1\nkind: Pod\nspec: 5\n"), "");
}

TEST(NodeObjectReader, an_object_stands_once_in_a_set) {
  const std::string pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns}\n";
  EXPECT_EQ(fault_of(pod + "---\n" + pod), "f.yaml:5: Pod ns/p is there already (f.yaml:1)");
}

TEST(NodeObjectReader, a_name_beyond_the_bound_is_a_fault) {
  const std::string name(limits::node_graph_name_bytes_max + 1, 'x');
  EXPECT_NE(
      fault_of("apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: " + name + "}\n"), ""
  );
}

TEST(NodeObjectReader, one_object_of_an_event) {
  const auto slice = read_object(
      R"({"kind":"ResourceSlice","apiVersion":"resource.k8s.io/v1","metadata":{"name":"s"},"spec":{"nodeName":null}})"
  );
  ASSERT_TRUE(slice && *slice);
  EXPECT_EQ(std::get<ResourceSlice>(**slice).node, "");
  const auto other = read_object(R"({"kind":"Node","apiVersion":"v1","metadata":{"name":"s"}})");
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other);
  EXPECT_FALSE(read_object("no JSON"));
}

}  // namespace
}  // namespace gh::authz::node
