// SPDX-License-Identifier: Apache-2.0
// Any bytes as a patch of each kind, against a node, a pod and a claim: an outcome; and what is
// admitted and pinned is admitted again, unchanged.
#include "authz/admission/admit.h"
#include "base/assert.h"
#include "base/limits.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace gh::authz;
using namespace gh::authz::admission;

namespace {

constexpr std::string_view types[] = {
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml"
};

struct Target {
  std::string_view resource, subresource, space, name, old;
};

constexpr Target targets[] = {
    {"nodes",
     "",
     "",
     "n1",
     R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","resourceVersion":"5",
         "labels":{"k8s.io/x":"v","a":"b"}},"spec":{"taints":[{"key":"k","effect":"NoSchedule"}],
         "configSource":{"configMap":{"name":"x"}}}})"},
    {"pods",
     "status",
     "ns1",
     "p1",
     R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p1","namespace":"ns1",
         "resourceVersion":"5","labels":{"a":"b"}},"spec":{"nodeName":"n1"},
         "status":{"resourceClaimStatuses":[{"name":"rc","resourceClaimName":"x"}]}})"},
    {"persistentvolumeclaims",
     "status",
     "ns1",
     "c1",
     R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c1",
         "namespace":"ns1","resourceVersion":"5"},"spec":{"volumeName":"pv",
         "resources":{"requests":{"storage":"1Gi"}}},"status":{"phase":"Bound"}})"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view type = types[data[0] & 3];
  const Target& target = targets[(data[0] >> 2) % std::size(targets)];
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const gh::identity::Identity who{"system:node:n1", "", {"system:nodes"}, {}};
  const Attributes what{
      true, "patch", "", "", "v1", target.space, target.resource, target.subresource, target.name
  };
  World world;
  world.add(
      {"", "v1", std::string(target.resource), std::string(target.space), std::string(target.name)},
      target.old
  );
  const Outcome outcome = admit({who, what, "", type, body}, world, {});
  GH_ASSERT(outcome.verdict != Outcome::Verdict::needs);
  if (outcome.admitted() && !outcome.body.empty()) {
    const Outcome again = admit({who, what, "", type, outcome.body}, world, {});
    const bool grown = outcome.body.size() > gh::limits::admission_body_bytes_max;
    GH_ASSERT(grown || again.admitted());
  }
  return 0;
}
