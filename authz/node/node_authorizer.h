// SPDX-License-Identifier: Apache-2.0
// The Node authorizer of Kubernetes v1.36: what a kubelet may do. In: who calls, what is asked, the
// field selector as sent (RequestInfo::field_selector).   Out: allow or no opinion; for a refusal,
// Kubernetes' words. Pure. decide() takes no lock and allocates nothing.
// Not here: the bodies of a node's writes (admission/), the next authorizer (RBAC).
#pragma once

#include "authz/attributes.h"
#include "authz/decision.h"
#include "authz/identity/identity.h"
#include "authz/node/graph_snapshot.h"

#include <string>
#include <string_view>

namespace gh::authz::node {

// Found once for an identity. The view is into its user name.
struct NodeCaller {
  bool is_node = false;   // named system:node:… and in system:nodes
  std::string_view node;  // may be empty: nobody's
};

NodeCaller node_caller(const identity::Identity& who) noexcept;

Decision decide(
    const GraphSnapshot& graph,
    const NodeCaller& caller,
    const Attributes& what,
    std::string_view field_selector
) noexcept;

// Why there is no opinion; empty where Kubernetes says nothing (also for who is no node, and for
// what is allowed).
std::string reason(
    const GraphSnapshot& graph,
    const NodeCaller& caller,
    const Attributes& what,
    std::string_view field_selector
);

}  // namespace gh::authz::node
