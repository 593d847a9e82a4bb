// SPDX-License-Identifier: Apache-2.0
// The Node authorizer's graph, kept from events: what pods, volumes, attachments, slices and
// certificate requests give to nodes (Kubernetes v1.36 plugin/pkg/auth/authorizer/node). In: events
// with objects read into plain structs.   Out: snapshots for workers. Owner: control, one thread.
// It keeps no vertices: for each node the objects that reach it, with the number of ways there are.
// A way more or less is one count, whatever hangs on a secret or a volume; a question is one
// lookup. Not here: what a node may do with an object it reaches (node_authorizer.h).
#pragma once

#include "authz/node/graph_snapshot.h"
#include "authz/node/object_table.h"
#include "authz/node/objects.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gh::authz::node {

class Graph {
 public:
  explicit Graph(Features features = {});

  // As Kubernetes' informers and graph populator take an event: a pod without a node changes
  // nothing, and neither does a pod whose node, uid, claim statuses and (not grown) ephemeral
  // containers are those last seen; of slices and certificate requests only the first state counts.
  void apply(Event event, const Object& object);

  // The object was never there, whatever its last state. For sources that know states, not events.
  void forget(const Key& object);

  bool changed() const noexcept { return !dirty_.empty(); }  // since the last snapshot

  std::unique_ptr<const GraphSnapshot> snapshot();

  struct Size {
    std::size_t nodes = 0;
    std::size_t pods = 0;
    std::size_t volumes = 0;
    std::size_t others = 0;     // attachments, slices, certificate requests
    std::size_t objects = 0;    // names known, referred to or there
    std::uint64_t dropped = 0;  // objects and references with a name beyond the bound, ever
  };

  Size size() const noexcept;

 private:
  using NodeIndex = std::uint32_t;
  static constexpr NodeIndex no_node = 0xffffffff;

  struct NodeState {
    std::string name;
    std::uint64_t hash = 0;
    CountTable objects;
    std::uint32_t users = 0;  // pods and others on it; 0: it is no more
    bool dirty = false;
  };

  struct PodState {
    NodeIndex node = no_node;
    bool comparable = true;  // the state last seen was this pod on this node
    std::uint32_t ephemeral_containers = 0;
    std::string uid;
    std::vector<ClaimStatus> claim_statuses;
    std::vector<Id> references;  // each once
  };

  struct VolumeState {
    Id claim = no_id;
    std::vector<Id> secrets;  // each once
  };

  struct ClaimState {  // of those that a pod uses or a volume is bound to
    CountTable nodes;  // NodeIndex → pods
    std::vector<Id> volumes;
  };

  void store(const Pod& pod);
  void store(const PersistentVolume& volume);
  void store(const VolumeAttachment& attachment);
  void store(const ResourceSlice& slice);
  void store(const PodCertificateRequest& request);
  void put_other(const Key& key, std::string_view node);

  static bool unchanged(const PodState& state, const Pod& pod, std::string_view node);
  std::vector<Id> hold_references(const Pod& pod);
  void hold(std::vector<Id>& into, const Key& key);
  void link(Id pod, const PodState& state);
  void unlink(Id pod, const PodState& state);
  void forget_pod(Id id);
  void forget_volume(Id id);
  void forget_other(Id id);
  void drop_if_idle(Id claim);

  NodeIndex use_node(std::string_view name);
  void leave_node(NodeIndex index);
  void add_way(NodeIndex index, Id object);
  void sub_way(NodeIndex index, Id object);
  void mark(NodeIndex index);
  NodeObjects::Block objects_of(const NodeState& node) const;
  void refresh(std::vector<GraphSnapshot::NodeEntry>& shard, NodeIndex index);

  struct TextHash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return hash_of_node(text, seed);
    }

    std::uint64_t seed;
  };

  Features features_;
  std::uint64_t seed_;
  ObjectTable objects_;
  std::unordered_map<Id, PodState> pods_;
  std::unordered_map<Id, VolumeState> volumes_;
  std::unordered_map<Id, ClaimState> claims_;
  std::unordered_map<Id, NodeIndex> others_;
  std::vector<NodeState> nodes_;
  std::vector<NodeIndex> free_nodes_;
  std::unordered_map<std::string, NodeIndex, TextHash, std::equal_to<>> node_names_;
  std::vector<NodeIndex> dirty_;
  GraphSnapshot::Shards shards_;
  std::uint64_t dropped_ = 0;
};

}  // namespace gh::authz::node
