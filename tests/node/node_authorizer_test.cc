// SPDX-License-Identifier: Apache-2.0
// Attacks and edges; the whole of the rules is in tests/vectors/nodeauthz.json.
#include "authz/node/node_authorizer.h"

#include "authz/node/graph.h"
#include "tests/authz/counting_new.h"

#include <gtest/gtest.h>

namespace gh::authz::node {
namespace {

identity::Identity kubelet(const std::string& node) {
  return {"system:node:" + node, "", {"system:nodes", "system:authenticated"}, {}};
}

Attributes request(
    std::string_view verb,
    std::string_view group,
    std::string_view resource,
    std::string_view space = {},
    std::string_view name = {},
    std::string_view subresource = {}
) {
  Attributes what;
  what.resource_request = true;
  what.verb = verb;
  what.api_group = group;
  what.resource = resource;
  what.namespace_ = space;
  what.name = name;
  what.subresource = subresource;
  return what;
}

class NodeAuthorizer : public testing::Test {
 protected:
  NodeAuthorizer() {
    Pod pod;
    pod.namespace_ = "ns";
    pod.name = "p";
    pod.node = "n1";
    pod.secrets = {"s"};
    pod.service_account = "sa";
    Graph graph;
    graph.apply(Event::added, pod);
    graph_ = graph.snapshot();
  }

  bool allowed(
      const identity::Identity& who, const Attributes& what, std::string_view selector = {}
  ) const {
    return decide(*graph_, node_caller(who), what, selector) == Decision::allow;
  }

  std::string why(
      const identity::Identity& who, const Attributes& what, std::string_view selector = {}
  ) const {
    return reason(*graph_, node_caller(who), what, selector);
  }

  std::unique_ptr<const GraphSnapshot> graph_;
};

TEST_F(NodeAuthorizer, a_node_is_its_user_name_and_its_group) {
  const auto get = request("get", "", "secrets", "ns", "s");
  EXPECT_TRUE(allowed(kubelet("n1"), get));
  EXPECT_FALSE(allowed({"system:node:n1", "", {"system:authenticated"}, {}}, get));
  EXPECT_FALSE(allowed({"system:node:n1", "", {"system:node"}, {}}, get));
  EXPECT_FALSE(allowed({"n1", "", {"system:nodes"}, {}}, get));
  EXPECT_FALSE(allowed({"System:node:n1", "", {"system:nodes"}, {}}, get));
  EXPECT_FALSE(allowed({"", "", {"system:nodes"}, {}}, get));
  EXPECT_FALSE(allowed(kubelet("n1 "), get));
  EXPECT_FALSE(allowed(kubelet("N1"), get));
  EXPECT_FALSE(allowed(kubelet("n2"), get));
}

TEST_F(NodeAuthorizer, others_get_no_opinion_and_no_words) {
  const identity::Identity alice{"alice", "", {"system:masters"}, {}};
  EXPECT_FALSE(allowed(alice, request("get", "", "services")));
  EXPECT_EQ(why(alice, request("get", "", "services")), "");
}

TEST_F(NodeAuthorizer, a_node_without_a_name_gets_nothing) {
  EXPECT_FALSE(allowed(kubelet(""), request("get", "", "services")));
  EXPECT_EQ(
      why(kubelet(""), request("get", "", "services")), "unknown node for user \"system:node:\""
  );
  EXPECT_FALSE(allowed(kubelet(""), request("list", "", "pods"), "spec.nodeName="));
  EXPECT_FALSE(allowed(kubelet(""), request("get", "", "nodes")));
}

TEST_F(NodeAuthorizer, a_secret_is_read_one_at_a_time_by_the_node_it_belongs_to) {
  const auto who = kubelet("n1");
  for (const char* verb : {"get", "list", "watch"}) {
    EXPECT_TRUE(allowed(who, request(verb, "", "secrets", "ns", "s")));
    EXPECT_FALSE(allowed(who, request(verb, "", "secrets", "ns", "")));
    EXPECT_FALSE(allowed(who, request(verb, "", "secrets", "", "s")));
    EXPECT_FALSE(allowed(who, request(verb, "", "secrets", "other", "s")));
    EXPECT_FALSE(allowed(who, request(verb, "", "secrets", "ns", "s", "status")));
    EXPECT_FALSE(allowed(who, request(verb, "x", "secrets", "ns", "s")));
    EXPECT_FALSE(allowed(kubelet("n2"), request(verb, "", "secrets", "ns", "s")));
  }
  for (const char* verb : {"create", "update", "patch", "delete", "deletecollection", "", "GET"}) {
    EXPECT_FALSE(allowed(who, request(verb, "", "secrets", "ns", "s"))) << verb;
  }
  EXPECT_EQ(
      why(kubelet("n2"), request("get", "", "secrets", "ns", "s")),
      "no relationship found between node 'n2' and this object"
  );
}

TEST_F(NodeAuthorizer, a_selector_counts_only_if_all_it_selects_is_the_nodes) {
  const auto who = kubelet("n1");
  const auto list = request("list", "", "pods");
  for (const char* good :
       {"spec.nodeName=n1",
        "spec.nodeName==n1",
        "status.phase=Running,spec.nodeName=n1",
        "spec.nodeName=n1,,"}) {
    EXPECT_TRUE(allowed(who, list, good)) << good;
  }
  for (const char* bad :
       {"",
        "spec.nodeName!=n1",
        "spec.nodeName=n2",
        "spec.nodeName=n",
        "spec.nodeName=n11",
        "spec.nodeName=",
        "spec.nodeName",
        " spec.nodeName=n1",
        "spec.nodeName=n1 ",
        "Spec.nodeName=n1",
        "x,spec.nodeName=n1",
        "spec.nodeName=n1,x",
        "spec.nodeName=n1,a=\\x",
        "spec.nodeName=n\\1",
        "a=b\\,spec.nodeName=n1"}) {
    EXPECT_FALSE(allowed(who, list, bad)) << bad;
  }
}

TEST_F(NodeAuthorizer, a_selector_is_compared_unescaped) {
  const auto list = request("watch", "", "pods");
  EXPECT_TRUE(allowed(kubelet("a,b=c\\d"), list, "spec.nodeName=a\\,b\\=c\\\\d"));
  EXPECT_FALSE(allowed(kubelet("a\\,b"), list, "spec.nodeName=a\\,b"));
}

TEST_F(NodeAuthorizer, one_pod_may_be_listed_by_its_name) {
  EXPECT_TRUE(allowed(kubelet("n1"), request("list", "", "pods", "ns", "p")));
  EXPECT_FALSE(allowed(kubelet("n2"), request("list", "", "pods", "ns", "p")));
  EXPECT_FALSE(allowed(kubelet("n1"), request("list", "", "pods", "ns", "q"), "metadata.name=q"));
}

TEST_F(NodeAuthorizer, a_selector_does_not_open_other_reads) {
  const auto who = kubelet("n1");
  EXPECT_FALSE(allowed(who, request("list", "", "secrets"), "spec.nodeName=n1"));
  EXPECT_FALSE(allowed(who, request("list", "", "nodes"), "spec.nodeName=n1"));
  EXPECT_FALSE(allowed(who, request("deletecollection", "", "pods"), "spec.nodeName=n1"));
  EXPECT_TRUE(allowed(
      who, request("deletecollection", "resource.k8s.io", "resourceslices"), "spec.nodeName=n1"
  ));
}

TEST_F(NodeAuthorizer, tokens_are_made_for_accounts_of_its_pods_only) {
  EXPECT_TRUE(allowed(kubelet("n1"), request("create", "", "serviceaccounts", "ns", "sa", "token"))
  );
  EXPECT_FALSE(allowed(kubelet("n2"), request("create", "", "serviceaccounts", "ns", "sa", "token"))
  );
  EXPECT_FALSE(allowed(kubelet("n1"), request("create", "", "serviceaccounts", "ns", "sa")));
  EXPECT_FALSE(allowed(kubelet("n1"), request("get", "", "serviceaccounts", "ns", "sa", "token")));
  EXPECT_TRUE(allowed(kubelet("n1"), request("get", "", "serviceaccounts", "ns", "sa")));
}

TEST_F(NodeAuthorizer, static_rules_do_not_reach_paths_or_subresources) {
  const auto who = kubelet("n1");
  EXPECT_TRUE(allowed(who, request("list", "", "services")));
  EXPECT_FALSE(allowed(who, request("list", "", "services", "", "", "status")));
  EXPECT_FALSE(allowed(who, request("", "", "services")));
  Attributes path;
  path.verb = "get";
  path.path = "/metrics";
  EXPECT_FALSE(allowed(who, path));
  EXPECT_EQ(why(who, path), "");
}

TEST_F(NodeAuthorizer, deciding_allocates_nothing) {
  const auto who = kubelet("n1");
  const auto before = test::allocations();
  const NodeCaller caller = node_caller(who);
  std::size_t count = 0;
  for (int i = 0; i < 100; ++i) {
    count +=
        decide(*graph_, caller, request("get", "", "secrets", "ns", "s"), {}) == Decision::allow;
    count +=
        decide(*graph_, caller, request("get", "", "secrets", "ns", "t"), {}) == Decision::allow;
    count += decide(*graph_, caller, request("list", "", "pods"), "a=b\\,c,spec.nodeName==n1") ==
             Decision::allow;
    count += decide(*graph_, caller, request("list", "", "services"), {}) == Decision::allow;
    count +=
        decide(*graph_, caller, request("delete", "apps", "daemonsets"), {}) == Decision::allow;
  }
  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(count, 300u);
}

}  // namespace
}  // namespace gh::authz::node
