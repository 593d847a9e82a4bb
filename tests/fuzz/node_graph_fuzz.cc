// SPDX-License-Identifier: Apache-2.0
// Lines of events for the Node authorizer's graph: a letter (D: deleted, P: a new snapshot, any
// other: stored) and one object as JSON. What can be read is applied to the graph and to a naive
// one, which must answer alike; nothing crashes, and at the end everything can be taken out again.
#include "authz/node/graph.h"
#include "authz/node/node_authorizer.h"
#include "authz/node/object_reader.h"
#include "base/assert.h"
#include "tests/node/naive_graph.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace gh::authz;
using namespace gh::authz::node;

namespace {

void note_node(const Object& object, std::set<std::string>& nodes) {
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { one.node; }) nodes.insert(one.node);
      },
      object
  );
}

void compare(Graph& graph, const gh::test::NaiveGraph& naive, const std::set<std::string>& nodes) {
  const auto snapshot = graph.snapshot();
  naive.each_vertex([&](const Key& key) {
    for (const std::string& node : nodes) {
      if (node.empty()) continue;
      const bool reached = naive.reaches(node, key);
      GH_ASSERT(snapshot->reaches(node, key) == reached);
      if (key.kind != Kind::secret || key.namespace_.empty() || key.name.empty()) continue;
      Attributes what;
      what.resource_request = true;
      what.verb = "get";
      what.resource = "secrets";
      what.namespace_ = key.namespace_;
      what.name = key.name;
      const NodeCaller caller{true, node};
      GH_ASSERT((decide(*snapshot, caller, what, {}) == Decision::allow) == reached);
      GH_ASSERT(reason(*snapshot, caller, what, {}).empty() == reached);
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const Features features{true};
  Graph graph(features);
  gh::test::NaiveGraph naive(features);
  std::set<std::string> nodes;
  std::vector<Object> objects;
  while (!rest.empty() && objects.size() < 64) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    if (line[0] == 'P') static_cast<void>(graph.snapshot());
    const auto read = read_object(line.substr(1));
    if (!read || !*read) continue;
    const Event event = line[0] == 'D' ? Event::deleted : Event::modified;
    graph.apply(event, **read);
    naive.apply(event, **read);
    note_node(**read, nodes);
    objects.push_back(**read);
  }
  if (graph.size().dropped == 0) compare(graph, naive, nodes);
  for (const Object& object : objects) graph.forget(key_of(object));
  GH_ASSERT(graph.snapshot()->size().pairs == 0);
  GH_ASSERT(graph.size().objects == 0 && graph.size().nodes == 0);
  return 0;
}
