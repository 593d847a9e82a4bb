// SPDX-License-Identifier: Apache-2.0
// A request of a node user, judged as the API server's NodeRestriction plugin would judge it: the
// one header that a pipeline needs. In: identity, attributes, body.   Out: an Outcome. Pure. The
// order of calls for one request, all of it by one exchange:
//   applies(who, what) → no: forward.  without_body: admit() at once.  with_body: read the whole
//   body
//     first (limits::admission_body_bytes_max; more: body_too_large()).
//   admit() → admitted: forward (Outcome::body instead of the body when it is not empty);
//             refused: answer the Status;
//             needs: GET each Lookup::path() from an API server, World::add / add_absent /
//             add_failed, and admit() again; after limits::admission_rounds_max rounds answer
//             too_many_rounds().
#pragma once

#include "authz/admission/node_restriction.h"
#include "authz/admission/outcome.h"
#include "authz/admission/world.h"

#include <cstdint>
#include <string_view>

namespace gh::authz::admission {

enum class Applies : std::uint8_t { no, without_body, with_body };

// Cheap, allocates nothing: asked for every request that is forwarded.
Applies applies(const identity::Identity& who, const Attributes& what) noexcept;

struct Request {
  const identity::Identity& who;
  const Attributes& what;
  std::string_view field_selector = {};  // RequestInfo::field_selector(), of a deletecollection
  std::string_view content_type = {};    // the first Content-Type; empty: none came
  std::string_view body = {};
};

// What the caller may do is the authorizers' matter; `allows` answers for audiences of tokens
// alone.
Outcome admit(
    const Request& request, const World& world, const Allows& allows, Features features = {}
);

Outcome body_too_large();
Outcome too_many_rounds();

// ---- for tests and vectors ----

// An object of a create or update, from its bytes. The error is what to answer.
Result<Object, Outcome> read_object_body(
    const Attributes& what, std::string_view content_type, std::string_view body
);

}  // namespace gh::authz::admission
