// SPDX-License-Identifier: Apache-2.0
#include "control/node_source.h"

#include "tests/control/temporary_folder.h"

#include <gtest/gtest.h>

namespace gh::control {
namespace {

using authz::node::Key;
using authz::node::Kind;

constexpr Key secret_key{Kind::secret, "ns", "s"};
constexpr Key pod_key{Kind::pod, "ns", "p"};

std::string pod(const std::string& spec) {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns}\nspec: {" + spec + "}\n";
}

const std::string with_secret = "nodeName: n1, volumes: [{name: v, secret: {secretName: s}}]";

NodeSet read(const std::vector<std::string>& paths) {
  auto set = read_node_objects(paths);
  EXPECT_TRUE(set) << set.error()[0].to_string();
  return set ? std::move(*set) : NodeSet();
}

TEST(NodeSource, files_and_folders_make_one_set) {
  const TemporaryFolder folder;
  folder.write("set/pod.yaml", pod(with_secret));
  const std::string attachment = folder.write(
      "va.json",
      R"({"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","metadata":{"name":"va"},"spec":{"nodeName":"n1"}})"
  );
  const NodeSet set = read({folder.at("set"), attachment});
  EXPECT_EQ(
      describe_node_set(set),
      "2 files, 1 Pod, 0 PersistentVolumes, 1 VolumeAttachment, 0 ResourceSlices, 0 "
      "PodCertificateRequests"
  );
  NodeSource source;
  const auto change = source.apply(set);
  EXPECT_EQ(change.added, 2u);
  const auto graph = source.snapshot();
  EXPECT_TRUE(graph->reaches("n1", secret_key));
  EXPECT_TRUE(graph->reaches("n1", {Kind::volume_attachment, "", "va"}));
}

TEST(NodeSource, one_bad_file_or_path_refuses_the_whole_set) {
  const TemporaryFolder folder;
  folder.write("set/a.yaml", pod(with_secret));
  const std::string bad = folder.write("set/b.yaml", "apiVersion: v1\nkind: Pod\nmetadata: 5\n");
  const auto set = read_node_objects({folder.at("set"), folder.at("none")});
  ASSERT_FALSE(set);
  ASSERT_EQ(set.error().size(), 2u);
  EXPECT_EQ(set.error()[0].to_string(), bad + ":3: metadata: expected a map, found a number");
}

TEST(NodeSource, a_set_read_again_changes_nothing) {
  const TemporaryFolder folder;
  const std::string file = folder.write("pod.yaml", pod(with_secret));
  NodeSource source;
  EXPECT_TRUE(source.apply(read({file})).any());
  EXPECT_FALSE(source.apply(read({file})).any());
}

// Of a watch, Kubernetes would not look at such a change of a pod; a file is what it says.
TEST(NodeSource, a_reference_taken_out_of_a_file_is_taken_away) {
  const TemporaryFolder folder;
  const std::string file = folder.write("pod.yaml", pod(with_secret));
  NodeSource source;
  source.apply(read({file}));
  folder.write("pod.yaml", pod("nodeName: n1"));
  EXPECT_EQ(source.apply(read({file})).changed, 1u);
  EXPECT_FALSE(source.snapshot()->reaches("n1", secret_key));
  EXPECT_TRUE(source.snapshot()->reaches("n1", pod_key));
  folder.write("pod.yaml", pod(""));
  source.apply(read({file}));
  EXPECT_FALSE(source.snapshot()->reaches("n1", pod_key));
}

TEST(NodeSource, an_object_that_is_gone_is_taken_out_whatever_its_last_state) {
  const TemporaryFolder folder;
  folder.write("set/other.yaml", "");
  folder.write("set/pod.yaml", pod(with_secret));
  NodeSource source;
  source.apply(read({folder.at("set")}));
  const auto before = source.snapshot();
  std::filesystem::remove(folder.path() / "set/pod.yaml");
  EXPECT_EQ(source.apply(read({folder.at("set")})).removed, 1u);
  EXPECT_FALSE(source.snapshot()->reaches("n1", secret_key));
  EXPECT_TRUE(before->reaches("n1", secret_key));
  EXPECT_EQ(source.size().objects, 0u);
}

TEST(NodeSource, what_is_published_is_read) {
  const TemporaryFolder folder;
  NodeSource source;
  Rcu<authz::node::GraphSnapshot> graph;
  source.publish(graph);
  ASSERT_NE(graph.read(), nullptr);
  EXPECT_FALSE(graph.read()->reaches("n1", secret_key));
  source.apply(read({folder.write("pod.yaml", pod(with_secret))}));
  source.publish(graph);
  EXPECT_TRUE(graph.read()->reaches("n1", secret_key));
}

}  // namespace
}  // namespace gh::control
