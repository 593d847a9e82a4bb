// SPDX-License-Identifier: Apache-2.0
#include "control/dpdk_road.h"

#include "dataplane/net/stack/endpoint.h"

#include <algorithm>

namespace gh::control {
namespace {

using net::Endpoint;
using net::stack::PortConfig;

bool is_ours(const Config& config, const wire::IpAddress& address) {
  for (const PortConfig& port : config.dpdk_ports) {
    for (const wire::Network& own : port.addresses) {
      if (own.address == address) return true;
    }
  }
  return false;
}

bool leads_to(const PortConfig& port, const wire::IpAddress& to) {
  const auto contains = [&](const auto& network) { return network.contains(to); };
  return std::any_of(port.addresses.begin(), port.addresses.end(), contains) ||
         std::any_of(port.routes.begin(), port.routes.end(), [&](const wire::Route& route) {
           return route.to.contains(to);
         });
}

bool any_address(const Endpoint& at) {
  return at.any_family() || net::stack::to_tcp(at).address.is_unspecified();
}

}  // namespace

net::dpdk::Config dpdk_config(const Config& config) {
  net::dpdk::Config out;
  out.eal_args = config.dpdk_eal_args;
  out.ports = config.dpdk_ports;
  out.frames = config.dpdk_frames;
  out.busy_poll = config.busy_poll;
  return out;
}

std::vector<Fault> check_dpdk_road(const Config& config) {
  const net::dpdk::Config ports = dpdk_config(config);
  std::vector<Fault> problems = net::dpdk::check(ports);
  for (Fault& problem : net::dpdk::check_host(ports)) problems.push_back(std::move(problem));
  for (const HostPort& at : config.listen) {
    const auto addresses = dpdk_addresses_of(config, at);
    if (!addresses) problems.push_back(addresses.error());
  }
  return problems;
}

Outcome<std::vector<Endpoint>> dpdk_addresses_of(const Config& config, const HostPort& at) {
  if (at.port == 0) return fault("port 0: the road dpdk listens at the port it is told", "listen");
  std::vector<Endpoint> found;
  if (at.host.empty()) {
    GH_TRY(found.emplace_back(), Endpoint::parse(at.to_string()));
    return found;
  }
  GH_TRY(const auto all, net::resolve(at.host, at.port));
  for (const Endpoint& each : all) {
    if (any_address(each) || is_ours(config, net::stack::to_tcp(each).address)) {
      found.push_back(each);
    }
  }
  if (!found.empty()) return found;
  return fault(at.to_string() + " is an address of none of dpdk-ports", "listen");
}

Outcome<Endpoint> dpdk_reachable(const Config& config, const std::vector<Endpoint>& addresses) {
  for (const Endpoint& each : addresses) {
    const wire::IpAddress to = net::stack::to_tcp(each).address;
    if (!to.is_unicast() || is_ours(config, to)) continue;  // loopback is the kernel's
    for (const PortConfig& port : config.dpdk_ports) {
      if (leads_to(port, to)) return each;
    }
  }
  return fault(
      addresses.front().to_string() +
      " is reached by no port: neither a network nor a route of "
      "dpdk-ports leads there"
  );
}

}  // namespace gh::control
