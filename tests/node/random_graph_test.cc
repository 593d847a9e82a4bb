// SPDX-License-Identifier: Apache-2.0
// Random worlds: the graph and a naive one see the same events and must answer every question
// alike. GH_SEED names another seed; a failure prints its own.
#include "authz/node/graph.h"
#include "tests/node/naive_graph.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace gh::authz::node {
namespace {

const std::vector<std::string> node_names = {"n1", "n2", "n3", "a-node"};
const std::vector<std::string> spaces = {"a", "b"};
const std::vector<std::string> names = {"v", "w", "x", "y", "z"};
constexpr Kind kinds[] = {
    Kind::config_map,
    Kind::persistent_volume,
    Kind::persistent_volume_claim,
    Kind::pod,
    Kind::pod_certificate_request,
    Kind::resource_claim,
    Kind::resource_slice,
    Kind::secret,
    Kind::service_account,
    Kind::volume_attachment,
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }

  std::string one_of(const std::vector<std::string>& of) { return of[below(of.size())]; }

  std::vector<std::string> some() {
    std::vector<std::string> out;
    while (out.size() < 4 && chance(0.4)) out.push_back(one_of(names));
    return out;
  }

  Event event() { return chance(0.3) ? Event::deleted : Event::modified; }

  Object object() {
    switch (below(8)) {
      case 0:
        return VolumeAttachment{one_of(names), node()};
      case 1:
        return ResourceSlice{one_of(names), node()};
      case 2:
        return PodCertificateRequest{one_of(spaces), one_of(names), node()};
      case 3:
      case 4:
        return volume();
      default:
        return pod();
    }
  }

 private:
  std::string node() { return chance(0.15) ? "" : one_of(node_names); }

  Object volume() {
    PersistentVolume out;
    out.name = one_of(names);
    if (chance(0.9)) out.claim.emplace(one_of(spaces), one_of(names));
    while (chance(0.5)) out.secrets.emplace_back(one_of(spaces), one_of(names));
    return out;
  }

  Object pod() {
    Pod out;
    out.namespace_ = one_of(spaces);
    out.name = one_of(names);
    out.uid = std::to_string(below(2));
    out.node = node();
    out.mirror = chance(0.05);
    if (chance(0.7)) out.service_account = one_of(names);
    out.secrets = some();
    out.config_maps = some();
    out.volume_claims = some();
    out.resource_claims = some();
    out.ephemeral_containers = static_cast<std::uint32_t>(below(3));
    if (chance(0.2)) out.claim_statuses.push_back({"c", one_of(names)});
    return out;
  }

  std::mt19937_64 random_;
};

std::size_t differences(const GraphSnapshot& snapshot, const test::NaiveGraph& naive) {
  std::size_t count = 0;
  for (const Kind kind : kinds) {
    for (const std::string& space : {std::string(), spaces[0], spaces[1]}) {
      for (const std::string& name : names) {
        const Key key{kind, space, name};
        for (const std::string& node : node_names) {
          if (snapshot.reaches(node, key) == naive.reaches(node, key)) continue;
          ++count;
          ADD_FAILURE() << name_of(kind) << " " << space << "/" << name << " from " << node;
        }
      }
    }
  }
  return count;
}

std::uint64_t seed() {
  const char* const given = std::getenv("GH_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

TEST(NodeGraphAgainstANaiveOne, random_events_give_the_same_answers) {
  for (std::uint64_t round = 0; round < 12; ++round) {
    SCOPED_TRACE("GH_SEED=" + std::to_string(seed()) + " round " + std::to_string(round));
    World world(seed() * 1000 + round);
    const Features features{round % 2 == 1};
    Graph graph(features);
    test::NaiveGraph naive(features);
    std::unique_ptr<const GraphSnapshot> snapshot;
    for (int i = 0; i < 400; ++i) {
      const Object object = world.object();
      if (world.chance(0.03)) {
        graph.forget(key_of(object));
        naive.forget(key_of(object));
      } else {
        const Event event = world.event();
        graph.apply(event, object);
        naive.apply(event, object);
      }
      if (!world.chance(0.15)) continue;  // several events in one snapshot, too
      snapshot = graph.snapshot();
      if (differences(*snapshot, naive) > 0) return;
    }
  }
}

// Whatever came, when all is gone nothing is left: no counts, names or nodes.
TEST(NodeGraphAgainstANaiveOne, an_emptied_graph_is_empty) {
  World world(seed());
  Graph graph({true});
  for (int i = 0; i < 5000; ++i) graph.apply(world.event(), world.object());
  static_cast<void>(graph.snapshot());
  for (const Kind kind : kinds) {
    for (const std::string& space : {std::string(), spaces[0], spaces[1]}) {
      for (const std::string& name : names) graph.forget({kind, space, name});
    }
  }
  const auto snapshot = graph.snapshot();
  EXPECT_EQ(snapshot->size().nodes, 0u);
  EXPECT_EQ(snapshot->size().pairs, 0u);
  EXPECT_EQ(graph.size().objects, 0u);
  EXPECT_EQ(graph.size().nodes, 0u);
}

// An old snapshot keeps its answers while the graph goes on: nothing shared is written to.
TEST(NodeGraphAgainstANaiveOne, an_old_snapshot_never_changes) {
  World world(seed() + 7);
  Graph graph({true});
  test::NaiveGraph then;
  for (int i = 0; i < 200; ++i) {
    const Object object = world.object();
    if (std::holds_alternative<PodCertificateRequest>(object)) continue;
    const Event event = world.event();
    graph.apply(event, object);
    then.apply(event, object);
  }
  const auto old = graph.snapshot();
  for (int i = 0; i < 500; ++i) {
    graph.apply(world.event(), world.object());
    if (i % 10 == 0) static_cast<void>(graph.snapshot());
  }
  EXPECT_EQ(differences(*old, then), 0u);
}

}  // namespace
}  // namespace gh::authz::node
