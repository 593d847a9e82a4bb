// SPDX-License-Identifier: Apache-2.0
// What the admin listener answers: /livez, /readyz, /metrics, /debug/config, and / which lists
// them. In: a View, a path.   Out: a page. Health answers look like kube-apiserver's, but a failed
// one is 503.
#pragma once

#include "control/admin_server.h"
#include "control/status.h"

#include <string>
#include <string_view>
#include <vector>

namespace gh::control {

struct Check {
  std::string_view name;
  std::string failure;  // empty: well
};

std::vector<Check> readiness(const View& view);

AdminResponse admin_page(const View& view, const AdminRequest& request);

}  // namespace gh::control
