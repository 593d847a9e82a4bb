// SPDX-License-Identifier: Apache-2.0
// A port and its addresses as the configuration gives them: plain data.
#pragma once

#include "dataplane/net/wire/ip_host.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gh::net::stack {

struct PortConfig {
  // An interface's name (veth0), a PCI address (0000:03:00.0), or a virtual device as DPDK writes
  // it (net_memif0,role=client).
  std::string device;
  std::vector<wire::Network> addresses;
  std::vector<wire::Route> routes;
  std::uint16_t mtu = 1500;
  std::optional<std::uint16_t> vlan;
};

}  // namespace gh::net::stack
