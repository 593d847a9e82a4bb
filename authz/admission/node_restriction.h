// SPDX-License-Identifier: Apache-2.0
// The NodeRestriction admission plugin of Kubernetes v1.36 (plugin/pkg/admission/noderestriction),
// feature gates at their defaults: a node may change its own Node, Lease, CSINode, ResourceSlices
// and the pods bound to it, and those only so far. In: who, what, the new and the old object in
// canonical form, a World.   Out: admitted, refused in the plugin's words, or which objects are
// missing. Pure. Not here: bodies and patches (admit.h).
#pragma once

#include "authz/admission/outcome.h"
#include "authz/admission/value.h"
#include "authz/attributes.h"
#include "authz/identity/identity.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gh::authz::admission {

enum class Operation : std::uint8_t { create, update, remove };

struct Features {
  bool pod_certificate_request = false;  // PodCertificateRequest, off in v1.36
};

struct Object {
  std::string api_group;
  std::string kind;
  Members fields;  // canonical
};

// Whether an authorizer allows these attributes to the caller (for audiences of tokens).
using Allows = std::function<bool(const Attributes& what)>;

struct Question {
  const identity::Identity& who;
  const Attributes& what;
  Operation operation = Operation::create;
  const Object* object = nullptr;  // of a create or update
  const Object* old = nullptr;     // of an update; of a delete of a ResourceSlice
  const World& world;
  const Allows& allows;
  Features features = {};
};

// NAME of `system:node:NAME` in the group system:nodes; null: no node. The name may be empty.
std::optional<std::string_view> node_name(const identity::Identity& who) noexcept;

Outcome judge(const Question& question);

// A label that a node may not set on its Node.
bool is_forbidden_label(std::string_view key) noexcept;

// The message to refuse with: `pods "p" is forbidden: WHY`.
Outcome forbidden(const Question& question, std::string_view why);

// ---- parts, each of a file of its own ----

// podutil.HasAPIObjectReference: what a mirror pod may not refer to. `what` empty: nothing.
struct Reference {
  std::string what;
  std::string error;
};

Reference api_object_reference(const Members& pod);

// Whether a pod's volumes ask for tokens of that audience: projected ones, or the CSI drivers
// behind them. `error`: could not be told for some.
struct Audience {
  bool found = false;
  std::vector<Lookup> needs = {};
  std::string error = {};
  bool too_many = false;  // objects to look at
};

Audience pod_references_audience(const Members& pod, std::string_view audience, const World& world);

}  // namespace gh::authz::admission
