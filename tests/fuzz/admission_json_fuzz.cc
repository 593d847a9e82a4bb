// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JSON body of a node user, on every resource: an outcome, never a crash; what is
// read once is read alike from what is written of it; an object in the world that is not JSON is
// harmless.
#include "authz/admission/admit.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace gh::authz;
using namespace gh::authz::admission;

namespace {

struct Target {
  std::string_view verb, group, resource, subresource;
};

constexpr Target targets[] = {
    {"create", "", "pods", ""},
    {"create", "", "nodes", ""},
    {"update", "", "nodes", "status"},
    {"update", "", "pods", "status"},
    {"update", "", "persistentvolumeclaims", "status"},
    {"create", "", "serviceaccounts", "token"},
    {"create", "", "pods", "eviction"},
    {"create", "coordination.k8s.io", "leases", ""},
    {"create", "storage.k8s.io", "csinodes", ""},
    {"create", "resource.k8s.io", "resourceslices", ""},
    {"create", "certificates.k8s.io", "certificatesigningrequests", ""},
    {"create", "certificates.k8s.io", "podcertificaterequests", ""},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Target& target = targets[data[0] % std::size(targets)];
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  if (const auto value = parse_json(body)) {
    const auto again = parse_json(to_json(*value));
    GH_ASSERT(again.has_value() && *again == *value);
  }
  const gh::identity::Identity who{"system:node:n1", "", {"system:nodes"}, {}};
  const Attributes what{
      true, target.verb, "", target.group, "v1", "ns1", target.resource, target.subresource, "n1"
  };
  World world;
  world.add({"", "v1", "nodes", "ns1", "n1"}, body);
  world.add({"", "v1", "pods", "ns1", "n1"}, body);
  world.add({"", "v1", "persistentvolumeclaims", "ns1", "n1"}, body);
  const Outcome outcome = admit(
      {who, what, "", "application/json", body}, world, {}, {.pod_certificate_request = true}
  );
  GH_ASSERT(outcome.verdict != Outcome::Verdict::needs || !outcome.needs.empty());
  GH_ASSERT(outcome.verdict != Outcome::Verdict::refused || !outcome.refusal.message.empty());
  return 0;
}
