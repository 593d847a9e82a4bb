// SPDX-License-Identifier: Apache-2.0
// Workers decide while control publishes: each sees whole events only.
#include "authz/node/graph.h"
#include "authz/node/node_authorizer.h"
#include "base/rcu.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace gh::authz::node {
namespace {

Pod pod(const std::string& name, const std::string& node) {
  Pod out;
  out.namespace_ = "ns";
  out.name = name;
  out.uid = node;
  out.node = node;
  out.secrets = {name + "-secret"};
  out.config_maps = {name + "-map"};
  return out;
}

// Pods move between two nodes in one event each. A reader that finds the pod on a node must find
// its secret and config map there too, and not on the other.
void read_until(
    const Rcu<GraphSnapshot>& published,
    const std::atomic<bool>& stop,
    std::atomic<long>& turns,
    std::atomic<long>& torn
) {
  RcuReader reader;
  while (!stop.load(std::memory_order_relaxed)) {
    const GraphSnapshot* const graph = published.read();
    for (const std::string name : {"p0", "p1", "p2", "p3"}) {
      const std::string secret = name + "-secret";
      const std::string map = name + "-map";
      int on = 0;
      for (const char* node : {"n1", "n2"}) {
        const bool here = graph->reaches(node, {Kind::pod, "ns", name});
        on += here;
        torn += graph->reaches(node, {Kind::secret, "ns", secret}) != here;
        torn += graph->reaches(node, {Kind::config_map, "ns", map}) != here;
      }
      torn += on != 1;
    }
    reader.quiet();
    ++turns;
  }
}

TEST(NodeGraphThreads, readers_never_see_half_an_event) {
  Graph graph;
  for (const char* name : {"p0", "p1", "p2", "p3"}) graph.apply(Event::added, pod(name, "n1"));
  Rcu<GraphSnapshot> published(graph.snapshot());
  std::atomic<bool> stop{false};
  std::atomic<long> turns{0};
  std::atomic<long> torn{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] { read_until(published, stop, turns, torn); });
  }
  for (int i = 0; i < 400 || turns < 400; ++i) {
    const std::string name = "p" + std::to_string(i % 4);
    graph.apply(Event::modified, pod(name, (i / 4) % 2 == 0 ? "n2" : "n1"));
    published.publish(graph.snapshot());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace gh::authz::node
