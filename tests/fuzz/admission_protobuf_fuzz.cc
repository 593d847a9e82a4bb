// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message of each kind: the canonical form or a refusal, never a crash; a version
// written into an object's body is read back from it, and nothing else changes.
#include "authz/admission/protobuf.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace gh::authz::admission;

namespace {

constexpr std::string_view kinds[] = {
    "Pod",
    "Node",
    "PersistentVolumeClaim",
    "TokenRequest",
    "ResourceSlice",
    "CertificateSigningRequest",
    "PodCertificateRequest",
    "Lease"
};

Members without_version(Members object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end()) return object;
  metadata->second.members()->erase("resourceVersion");
  if (metadata->second.members()->empty()) object.erase(metadata);
  return object;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  static_cast<void>(open_envelope(bytes));
  const Message& schema = schema_of(kinds[data[0] % std::size(kinds)]);
  const auto object = read_protobuf(bytes, schema);
  if (!object) return 0;
  const std::string pinned = with_resource_version({"v1", "X", bytes}, "77");
  const auto envelope = open_envelope(pinned);
  GH_ASSERT(envelope.has_value() && envelope->kind == "X");
  const auto again = read_protobuf(envelope->raw, schema);
  GH_ASSERT(again.has_value());
  GH_ASSERT(text_at(*object_at(*again, "metadata"), "resourceVersion") == "77");
  GH_ASSERT(without_version(*again) == without_version(*object));
  return 0;
}
