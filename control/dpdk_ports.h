// SPDX-License-Identifier: Apache-2.0
// One port of --dpdk-ports as text: a JSON object with `device`, `addresses`, `routes`, `mtu` and
// `vlan`. Pure.
#pragma once

#include "base/result.h"
#include "dataplane/net/stack/config.h"

#include <string>
#include <string_view>

namespace gh::control {

Result<net::stack::PortConfig, std::string> parse_dpdk_port(std::string_view json);
std::string show_dpdk_port(const net::stack::PortConfig& port);

}  // namespace gh::control
