// SPDX-License-Identifier: Apache-2.0
// What gives a node access and what takes it away again (graph.go, graph_populator.go of v1.36).
#include "authz/node/graph.h"

#include "base/limits.h"

#include <gtest/gtest.h>

namespace gh::authz::node {
namespace {

Pod pod_on(const std::string& node, const std::string& name = "p") {
  Pod out;
  out.namespace_ = "ns";
  out.name = name;
  out.uid = "uid-of-" + name;
  out.node = node;
  return out;
}

PersistentVolume volume(const std::string& name, const std::string& claim) {
  PersistentVolume out;
  out.name = name;
  out.claim.emplace("ns", claim);
  out.secrets = {{"storage", "key"}};
  return out;
}

constexpr Key pod_key{Kind::pod, "ns", "p"};
constexpr Key secret_key{Kind::secret, "ns", "s"};
constexpr Key claim_key{Kind::persistent_volume_claim, "ns", "c"};
constexpr Key volume_key{Kind::persistent_volume, "", "pv"};
constexpr Key volume_secret_key{Kind::secret, "storage", "key"};

class NodeGraph : public testing::Test {
 protected:
  bool reaches(const std::string& node, const Key& key) {
    return graph_.snapshot()->reaches(node, key);
  }

  void added(const Object& object) { graph_.apply(Event::added, object); }

  void deleted(const Object& object) { graph_.apply(Event::deleted, object); }

  Graph graph_;
};

TEST_F(NodeGraph, an_empty_graph_reaches_nothing) {
  EXPECT_FALSE(reaches("n1", pod_key));
  EXPECT_FALSE(reaches("", pod_key));
}

TEST_F(NodeGraph, a_pod_gives_its_node_what_it_refers_to) {
  Pod pod = pod_on("n1");
  pod.service_account = "sa";
  pod.secrets = {"s"};
  pod.config_maps = {"m"};
  pod.volume_claims = {"c"};
  pod.resource_claims = {"r"};
  added(pod);
  for (const Key& key :
       {pod_key,
        secret_key,
        claim_key,
        Key{Kind::service_account, "ns", "sa"},
        Key{Kind::config_map, "ns", "m"},
        Key{Kind::resource_claim, "ns", "r"}}) {
    EXPECT_TRUE(reaches("n1", key)) << name_of(key.kind);
    EXPECT_FALSE(reaches("n2", key)) << name_of(key.kind);
    EXPECT_FALSE(reaches("n1", {key.kind, "other", key.name})) << name_of(key.kind);
  }
  EXPECT_FALSE(reaches("n1", {Kind::config_map, "ns", "s"}));
}

TEST_F(NodeGraph, a_mirror_pod_gives_only_itself) {
  Pod pod = pod_on("n1");
  pod.mirror = true;
  pod.secrets = {"s"};
  pod.service_account = "sa";
  added(pod);
  EXPECT_TRUE(reaches("n1", pod_key));
  EXPECT_FALSE(reaches("n1", secret_key));
  EXPECT_FALSE(reaches("n1", {Kind::service_account, "ns", "sa"}));
}

TEST_F(NodeGraph, a_pod_without_a_node_gives_nothing_until_it_is_bound) {
  Pod pod = pod_on("");
  pod.secrets = {"s"};
  added(pod);
  EXPECT_FALSE(graph_.changed());
  pod.node = "n1";
  added(pod);
  EXPECT_TRUE(reaches("n1", secret_key));
}

TEST_F(NodeGraph, a_change_that_cannot_be_is_not_seen) {
  Pod pod = pod_on("n1");
  added(pod);
  pod.secrets = {"s"};
  added(pod);
  EXPECT_FALSE(reaches("n1", secret_key));
  pod.ephemeral_containers = 1;  // may bring references in: everything is read again
  added(pod);
  EXPECT_TRUE(reaches("n1", secret_key));
}

TEST_F(NodeGraph, ephemeral_containers_are_counted_against_the_state_last_seen) {
  Pod pod = pod_on("n1");
  pod.ephemeral_containers = 2;
  added(pod);
  pod.ephemeral_containers = 1;
  added(pod);
  pod.ephemeral_containers = 2;
  pod.secrets = {"s"};
  added(pod);
  EXPECT_TRUE(reaches("n1", secret_key));
}

TEST_F(NodeGraph, a_new_claim_status_is_seen_and_an_extended_one_alone_is_not) {
  Pod pod = pod_on("n1");
  added(pod);
  pod.resource_claims = {"extended"};
  added(pod);
  EXPECT_FALSE(reaches("n1", {Kind::resource_claim, "ns", "extended"}));
  pod.claim_statuses = {{"rc", "made"}};
  pod.resource_claims = {"extended", "made"};
  added(pod);
  EXPECT_TRUE(reaches("n1", {Kind::resource_claim, "ns", "extended"}));
  EXPECT_TRUE(reaches("n1", {Kind::resource_claim, "ns", "made"}));
}

TEST_F(NodeGraph, a_pod_made_again_elsewhere_takes_its_access_along) {
  Pod pod = pod_on("n1");
  pod.secrets = {"s"};
  added(pod);
  pod.uid = "another";
  pod.node = "n2";
  added(pod);
  EXPECT_FALSE(reaches("n1", secret_key));
  EXPECT_FALSE(reaches("n1", pod_key));
  EXPECT_TRUE(reaches("n2", secret_key));
  deleted(pod);
  EXPECT_FALSE(reaches("n2", secret_key));
}

// graph_populator.go looks at the node of the last state only.
TEST_F(NodeGraph, a_deletion_whose_last_state_has_no_node_is_not_seen) {
  Pod pod = pod_on("n1");
  pod.secrets = {"s"};
  added(pod);
  pod.node = "";
  deleted(pod);
  EXPECT_TRUE(reaches("n1", secret_key));
  pod.node = "n2";
  added(pod);
  EXPECT_FALSE(reaches("n1", secret_key));
  EXPECT_TRUE(reaches("n2", secret_key));
}

TEST_F(NodeGraph, forgetting_takes_everything_whatever_was_seen) {
  Pod pod = pod_on("n1");
  pod.secrets = {"s"};
  added(pod);
  pod.node = "";
  added(pod);
  graph_.forget(pod_key);
  EXPECT_FALSE(reaches("n1", secret_key));
  EXPECT_FALSE(reaches("n1", pod_key));
}

TEST_F(NodeGraph, what_two_pods_refer_to_stays_until_the_last_is_gone) {
  Pod one = pod_on("n1", "one");
  Pod two = pod_on("n1", "two");
  one.secrets = {"s", "s"};
  two.secrets = {"s"};
  added(one);
  added(two);
  deleted(one);
  EXPECT_TRUE(reaches("n1", secret_key));
  deleted(two);
  EXPECT_FALSE(reaches("n1", secret_key));
}

// Kubernetes counts a name that stands twice in a pod twice once 200 pods refer to it, and forgets
// one of the two when the pod goes: the node keeps its access until the API server restarts.
TEST_F(NodeGraph, a_name_that_stands_twice_in_one_of_many_pods_is_gone_with_the_pod) {
  for (int i = 0; i < 300; ++i) {
    Pod pod = pod_on("n1", "p" + std::to_string(i));
    pod.secrets = {"s"};
    added(pod);
  }
  Pod pod = pod_on("n2");
  pod.secrets = {"s", "s"};
  added(pod);
  EXPECT_TRUE(reaches("n2", secret_key));
  deleted(pod);
  EXPECT_FALSE(reaches("n2", secret_key));
}

TEST_F(NodeGraph, a_volume_reaches_the_nodes_of_its_claims_pods_whichever_came_first) {
  Pod pod = pod_on("n1");
  pod.volume_claims = {"c"};
  for (const bool volume_first : {true, false}) {
    if (volume_first) added(volume("pv", "c"));
    EXPECT_FALSE(reaches("n1", volume_key));
    added(pod);
    if (!volume_first) added(volume("pv", "c"));
    EXPECT_TRUE(reaches("n1", claim_key));
    EXPECT_TRUE(reaches("n1", volume_key));
    EXPECT_TRUE(reaches("n1", volume_secret_key));
    EXPECT_FALSE(reaches("n2", volume_key));
    if (volume_first) {
      deleted(volume("pv", "c"));
      EXPECT_TRUE(reaches("n1", claim_key));
    } else {
      deleted(pod);
      EXPECT_FALSE(reaches("n1", claim_key));
    }
    EXPECT_FALSE(reaches("n1", volume_key));
    EXPECT_FALSE(reaches("n1", volume_secret_key));
    deleted(pod);
    deleted(volume("pv", "c"));
  }
}

TEST_F(NodeGraph, a_volume_that_is_unbound_or_bound_elsewhere_is_out_of_reach) {
  Pod pod = pod_on("n1");
  pod.volume_claims = {"c"};
  added(pod);
  added(volume("pv", "c"));
  added(volume("pv", "elsewhere"));
  EXPECT_FALSE(reaches("n1", volume_key));
  added(volume("pv", "c"));
  PersistentVolume unbound = volume("pv", "c");
  unbound.claim.reset();
  added(unbound);
  EXPECT_FALSE(reaches("n1", volume_key));
  EXPECT_FALSE(reaches("n1", volume_secret_key));
}

TEST_F(NodeGraph, a_secret_of_many_volumes_stays_while_one_is_in_reach) {
  for (const char* name : {"one", "two"}) {
    Pod pod = pod_on("n1", name);
    pod.volume_claims = {std::string("claim-") + name};
    added(pod);
    added(volume(name, std::string("claim-") + name));
  }
  deleted(volume("one", "claim-one"));
  EXPECT_TRUE(reaches("n1", volume_secret_key));
  deleted(volume("two", "claim-two"));
  EXPECT_FALSE(reaches("n1", volume_secret_key));
}

TEST_F(NodeGraph, an_attachment_follows_its_node) {
  const Key key{Kind::volume_attachment, "", "va"};
  for (const char* node : {"n1", "n2", "", "n1"}) {
    added(VolumeAttachment{"va", node});
    EXPECT_EQ(reaches("n1", key), std::string(node) == "n1");
    EXPECT_EQ(reaches("n2", key), std::string(node) == "n2");
  }
  deleted(VolumeAttachment{"va", "n1"});
  EXPECT_FALSE(reaches("n1", key));
}

TEST_F(NodeGraph, of_a_slice_only_the_first_state_counts) {
  const Key key{Kind::resource_slice, "", "slice"};
  added(ResourceSlice{"slice", "n1"});
  added(ResourceSlice{"slice", "n2"});
  EXPECT_TRUE(reaches("n1", key));
  EXPECT_FALSE(reaches("n2", key));
  deleted(ResourceSlice{"slice", "n2"});
  EXPECT_FALSE(reaches("n1", key));
  added(ResourceSlice{"slice", ""});
  added(ResourceSlice{"slice", "n1"});
  EXPECT_FALSE(reaches("n1", key));
}

TEST_F(NodeGraph, certificate_requests_count_only_behind_their_gate) {
  const Key key{Kind::pod_certificate_request, "ns", "r"};
  added(PodCertificateRequest{"ns", "r", "n1"});
  EXPECT_FALSE(reaches("n1", key));
  Graph gated({.pod_certificate_request = true});
  gated.apply(Event::added, PodCertificateRequest{"ns", "r", "n1"});
  EXPECT_TRUE(gated.snapshot()->reaches("n1", key));
  gated.apply(Event::deleted, PodCertificateRequest{"ns", "r", "n1"});
  EXPECT_FALSE(gated.snapshot()->reaches("n1", key));
}

TEST_F(NodeGraph, names_beyond_the_bound_are_left_out_and_counted) {
  const std::string longest(limits::node_graph_name_bytes_max, 'x');
  Pod pod = pod_on("n1");
  pod.secrets = {longest, longest + "x", "s"};
  added(pod);
  EXPECT_TRUE(reaches("n1", secret_key));
  EXPECT_TRUE(reaches("n1", {Kind::secret, "ns", longest}));
  EXPECT_FALSE(reaches("n1", {Kind::secret, "ns", longest + "x"}));
  EXPECT_EQ(graph_.size().dropped, 1u);
  // A state that cannot be kept takes the one before it out.
  pod.node = longest + "x";
  added(pod);
  EXPECT_FALSE(reaches("n1", secret_key));
  EXPECT_EQ(graph_.size().dropped, 2u);
}

TEST_F(NodeGraph, a_snapshot_shares_what_did_not_change) {
  for (int i = 0; i < 50; ++i) added(pod_on("n" + std::to_string(i), "p" + std::to_string(i)));
  const auto before = graph_.snapshot();
  EXPECT_FALSE(graph_.changed());
  deleted(pod_on("n7", "p7"));
  EXPECT_TRUE(graph_.changed());
  const auto after = graph_.snapshot();
  EXPECT_TRUE(before->reaches("n7", {Kind::pod, "ns", "p7"}));
  EXPECT_FALSE(after->reaches("n7", {Kind::pod, "ns", "p7"}));
  EXPECT_TRUE(after->reaches("n8", {Kind::pod, "ns", "p8"}));
  EXPECT_EQ(before->size().nodes, 50u);
  EXPECT_EQ(after->size().nodes, 49u);
}

}  // namespace
}  // namespace gh::authz::node
