// SPDX-License-Identifier: Apache-2.0
// Any bytes as a policy file, YAML or (first byte '{' or odd) JSON: a policy or a fault, and what
// loads also compiles and is judged alike by the table and by a walk over it.
#include "authz/rbac/compiler.h"
#include "authz/rbac/explain.h"
#include "authz/rbac/policy_yaml.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace gh::authz;
using namespace gh::authz::rbac;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  PolicyLoader loader((data[0] & 2) != 0 ? Validation::authorizer : Validation::api_server);
  if (!loader.add(text, (data[0] & 1) != 0 ? "p.json" : "p.yaml")) return 0;
  const Policy policy = loader.take();
  const auto table = compile(policy);
  GH_ASSERT(table.has_value());
  Attributes what;
  what.resource_request = true;
  what.verb = "get";
  what.resource = "pods";
  what.namespace_ = "ns1";
  for (const char* user : {"alice", "system:serviceaccount:ns1:sa"}) {
    const gh::identity::Identity who{user, "", {"g", "system:authenticated"}, {}};
    const auto permissions = table->resolve(who);
    const Explanation walked = explain(policy, who, what);
    GH_ASSERT(table->decide(permissions, what).decision == walked.decision);
    GH_ASSERT(table->reason(permissions, what) == walked.reason);
  }
  return 0;
}
