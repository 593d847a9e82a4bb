// SPDX-License-Identifier: Apache-2.0
// Kubernetes' protobuf bodies (application/vnd.kubernetes.protobuf): `k8s\0`, runtime.Unknown, and
// the object's message in it. In: bytes from a peer.   Out: the canonical form of schema.h, or why
// it is refused. Read as the API server's gogo-generated code reads: a message that comes twice is
// merged, a scalar's last value counts, unknown fields are passed over. Groups, and tags that do
// not fit in 32 bits, are refused: readers disagree on those.
#pragma once

#include "authz/admission/schema.h"
#include "authz/admission/value.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace gh::authz::admission {

struct Envelope {  // runtime.Unknown
  std::string api_version;
  std::string kind;
  std::string_view raw;  // the object's message
};

Result<Envelope, std::string> open_envelope(std::string_view body);
Result<Members, std::string> read_protobuf(std::string_view message_bytes, const Message& message);

// The same body with metadata.resourceVersion set: a later metadata is merged into the first.
std::string with_resource_version(const Envelope& envelope, std::string_view version);

}  // namespace gh::authz::admission
