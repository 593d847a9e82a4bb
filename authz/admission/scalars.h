// SPDX-License-Identifier: Apache-2.0
// Kubernetes' scalar types in one form each, so that equal values are equal texts. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gh::authz::admission {

// resource.Quantity: "1Gi", "1024Mi" and "1073741824" give the same. Null: not a quantity. What is
// too large or too fine to be told exactly keeps its own text, so it equals only itself.
std::optional<std::string> canonical_quantity(std::string_view text);

// metav1.Time, RFC 3339: the moment in UTC. Null: not a time. The empty text: the zero time.
std::optional<std::string> canonical_time(std::string_view text);
std::string canonical_time(long long seconds);

// Standard base64 with its padding, and nothing else. Null: it is not that.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace gh::authz::admission
