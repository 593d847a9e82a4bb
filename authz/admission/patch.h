// SPDX-License-Identifier: Apache-2.0
// Patches, applied as the API server applies them. In: the object as the API server has it, and the
// patch as parsed JSON.   Out: the patched object, or why it cannot be known. JSON and merge
// patches: exactly gopkg.in/evanphx/json-patch.v4, its odd corners included. Strategic merge
// patches: for the fields of a schema only, and only where the result is certain; directives and
// merged lists at such places are refused. Pure.
#pragma once

#include "authz/admission/schema.h"
#include "authz/admission/value.h"
#include "base/result.h"

#include <string>

namespace gh::authz::admission {

Result<void, std::string> apply_json_patch(Value& object, const Value& patch);
Result<void, std::string> apply_merge_patch(Value& object, Value patch);

// The error is the path whose new value is uncertain.
Result<void, std::string> apply_strategic_patch(
    Members& object, const Members& patch, const Message& message
);

}  // namespace gh::authz::admission
