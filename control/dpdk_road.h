// SPDX-License-Identifier: Apache-2.0
// What control does otherwise when the road is dpdk: addresses are those of --dpdk-ports, not of
// this host, and nothing is asked of the kernel's sockets. Pure, but for resolving names.
#pragma once

#include "control/config.h"
#include "dataplane/net/byte_stream.h"
#include "dataplane/net/dpdk/ports.h"

#include <vector>

namespace gh::control {

net::dpdk::Config dpdk_config(const Config& config);

// What is wrong with the ports, on any host and on this one.
std::vector<Fault> check_dpdk_road(const Config& config);

// Where a --listen listens: addresses of the ports.
Outcome<std::vector<net::Endpoint>> dpdk_addresses_of(const Config& config, const HostPort& at);

// Of an upstream's addresses the first that a port leads to.
Outcome<net::Endpoint> dpdk_reachable(
    const Config& config, const std::vector<net::Endpoint>& addresses
);

}  // namespace gh::control
