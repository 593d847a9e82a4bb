// SPDX-License-Identifier: Apache-2.0
// The Node authorizer's graph as Kubernetes keeps it: vertices, edges, a walk for each question.
// The second opinion of tests and of the fuzzer; nothing is shared with authz/node but its plain
// data.
#pragma once

#include "authz/node/objects.h"

#include <map>
#include <set>
#include <string>
#include <tuple>

namespace gh::test {

class NaiveGraph {
 public:
  explicit NaiveGraph(authz::node::Features features = {}) : features_(features) {}

  void apply(authz::node::Event event, const authz::node::Object& object);
  void forget(const authz::node::Key& key);
  bool reaches(const std::string& node, const authz::node::Key& key) const;

  // Every vertex but the nodes.
  template <class Visit>
  void each_vertex(Visit visit) const {
    std::set<Vertex> seen;
    for (const auto& [from, to] : edges_) seen.insert(from), seen.insert(to);
    for (const auto& [kind, space, name] : seen) {
      if (kind >= 0) visit(authz::node::Key{static_cast<authz::node::Kind>(kind), space, name});
    }
  }

 private:
  using Vertex = std::tuple<int, std::string, std::string>;  // kind (-1: node), namespace, name

  static Vertex vertex(authz::node::Kind kind, std::string space, std::string name);
  static Vertex vertex(const authz::node::Key& key);

  static Vertex node_vertex(const std::string& name) { return {-1, "", name}; }

  void remove(const Vertex& vertex);

  void edge(const Vertex& from, const Vertex& to) { edges_.emplace(from, to); }

  void store(const authz::node::Pod& pod, const authz::node::Object* old);
  void store(const authz::node::PersistentVolume& volume);
  void store(const Vertex& vertex, const std::string& node);

  authz::node::Features features_;
  std::set<std::pair<Vertex, Vertex>> edges_;
  std::map<Vertex, authz::node::Object> seen_;  // the informers' stores
};

}  // namespace gh::test
