// SPDX-License-Identifier: Apache-2.0
// The Node authorizer's graph from files and folders: all of a set or nothing. In: paths with
// Kubernetes objects (YAML, JSON, Lists).   Out: the graph as the files have it, as snapshots under
// RCU. Owner: the control thread.
// A reload tells the graph only of objects that are different from what was read before. An object
// that changed is taken out and put in again: files are states, and the graph is at all times what
// an API server would make of these objects when it starts.
#pragma once

#include "authz/node/graph.h"
#include "authz/node/objects.h"
#include "base/rcu.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace gh::control {

struct NodeSet {
  std::vector<authz::node::Object> objects;  // each name once
  std::size_t files = 0;
  std::size_t ignored = 0;  // objects of other kinds
};

// As read_policy(): every path's fault, or the whole set, which did not change while it was read.
Result<NodeSet, std::vector<Fault>> read_node_objects(const std::vector<std::string>& paths);

// "3 files, 12 Pods, 1 PersistentVolume, …" for the log.
std::string describe_node_set(const NodeSet& set);

class NodeSource {
 public:
  struct Change {
    std::size_t added = 0;
    std::size_t removed = 0;
    std::size_t changed = 0;

    bool any() const { return added + removed + changed > 0; }
  };

  explicit NodeSource(authz::node::Features features = {});

  // The difference to the set applied before; the first is all of it.
  Change apply(const NodeSet& set);

  // The graph as it is now. Shares with earlier snapshots what did not change.
  std::unique_ptr<const authz::node::GraphSnapshot> snapshot() { return graph_.snapshot(); }

  void publish(Rcu<authz::node::GraphSnapshot>& into) { into.publish(snapshot()); }

  authz::node::Graph::Size size() const { return graph_.size(); }

 private:
  struct Digest {  // of a name or of contents, keyed: files cannot be made to collide
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    bool operator==(const Digest&) const = default;
  };

  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept { return digest.a; }
  };

  struct Seen {
    Digest content;
    authz::node::Kind kind = authz::node::Kind::pod;
    std::uint32_t namespace_bytes = 0;
    std::string name;  // namespace, name
    std::uint64_t turn = 0;
  };

  static authz::node::Key key_of(const Seen& seen);
  Digest digest(const std::string& text) const;
  void put(const authz::node::Object& object, Change& change);

  authz::node::Graph graph_;
  std::uint64_t seed_a_;
  std::uint64_t seed_b_;
  std::uint64_t turn_ = 0;
  std::unordered_map<Digest, Seen, DigestHash> seen_;
};

}  // namespace gh::control
