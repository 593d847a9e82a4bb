// SPDX-License-Identifier: Apache-2.0
// authentication.k8s.io/v1 TokenReview: what is asked of an API server about a bearer token, and
// its word. In: a token; later the body of the answer.   Out: a request body; an identity, or that
// the token is not good, or that the answer cannot be used. Source: k8s.io/api authentication/v1.
#pragma once

#include "authz/identity/identity.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

std::string token_review_body(std::string_view token, const std::vector<std::string>& audiences);

// Null: the API server says the token is not good. Fault: not a TokenReview, or one that says
// nothing (fail closed). With `audiences` asked for, one of them must be in the answer.
Outcome<std::optional<Identity>> read_token_review(
    std::string_view body, const std::vector<std::string>& audiences
);

}  // namespace gh::identity
