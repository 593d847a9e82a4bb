// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/stack/endpoint.h"

#include <netinet/in.h>

#include <cstring>

namespace gh::net::stack {

tcp::Endpoint to_tcp(const Endpoint& endpoint) noexcept {
  tcp::Endpoint out;
  out.port = endpoint.port();
  if (endpoint.is_ipv6()) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(*endpoint.address());
    out.address = wire::IpAddress::v6(v6.sin6_addr.s6_addr);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(*endpoint.address());
    out.address = wire::IpAddress::v4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr));
  }
  return out;
}

Endpoint from_tcp(const tcp::Endpoint& endpoint) noexcept {
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.v4_bytes(), 4);
    return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.bytes.data(), 16);
  return Endpoint::from_sockaddr(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

}  // namespace gh::net::stack
