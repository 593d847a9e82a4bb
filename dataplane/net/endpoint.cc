// SPDX-License-Identifier: Apache-2.0
// Addresses as text and as the kernel's structures, and the words for stream errors.
#include "dataplane/net/byte_stream.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gh::net {
namespace {

template <class T>
const T& as(const sockaddr_storage& storage) {
  return reinterpret_cast<const T&>(storage);
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

// "fe80::1%eth0": the zone is an interface's name or number.
bool parse_ipv6(std::string_view text, sockaddr_in6& into) {
  const auto percent = text.find('%');
  if (percent != std::string_view::npos) {
    const std::string_view zone = text.substr(percent + 1);
    if (!parse_number(zone, into.sin6_scope_id)) {
      into.sin6_scope_id = if_nametoindex(std::string(zone).c_str());
    }
    if (into.sin6_scope_id == 0) return false;
  }
  const std::string ip(text.substr(0, percent));
  return inet_pton(AF_INET6, ip.c_str(), &into.sin6_addr) == 1;
}

bool is_mapped_ipv4(const sockaddr_storage& storage) {
  return storage.ss_family == AF_INET6 &&
         IN6_IS_ADDR_V4MAPPED(&as<sockaddr_in6>(storage).sin6_addr) != 0;
}

}  // namespace

Outcome<Endpoint> Endpoint::parse(std::string_view text) {
  const auto wrong = [&] {
    return fault(
        "'" + std::string(text.substr(0, 200)) +
        "' is not an address: expected IPV4:PORT, [IPV6]:PORT or :PORT"
    );
  };
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos ||
      !parse_number(text.substr(colon + 1), port))
    return wrong();
  const auto host = text.substr(0, colon);
  if (host.empty() || host.front() == '[') {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (!host.empty() && (host.back() != ']' || !parse_ipv6(host.substr(1, host.size() - 2), v6))) {
      return wrong();
    }
    return from_sockaddr(reinterpret_cast<const sockaddr*>(&v6), sizeof v6, host.empty());
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, std::string(host).c_str(), &v4.sin_addr) != 1) return wrong();
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
}

Endpoint Endpoint::from_sockaddr(const sockaddr* address, socklen_t length, bool any_family) {
  Endpoint at;
  at.length_ = std::min<socklen_t>(length, sizeof at.storage_);
  std::memcpy(&at.storage_, address, at.length_);
  at.any_family_ = any_family;
  return at;
}

bool Endpoint::is_loopback() const {
  if (storage_.ss_family == AF_INET) {
    return ntohl(as<sockaddr_in>(storage_).sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (storage_.ss_family != AF_INET6) return false;
  const auto& ip = as<sockaddr_in6>(storage_).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&ip) ||
         (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == IN_LOOPBACKNET);
}

std::uint16_t Endpoint::port() const {
  if (storage_.ss_family == AF_INET) return ntohs(as<sockaddr_in>(storage_).sin_port);
  if (storage_.ss_family == AF_INET6) return ntohs(as<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

std::string Endpoint::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage_.ss_family == AF_INET) {
    inet_ntop(AF_INET, &as<sockaddr_in>(storage_).sin_addr, text, sizeof text);
    return text;
  }
  if (storage_.ss_family != AF_INET6) return {};
  const auto& v6 = as<sockaddr_in6>(storage_);
  if (is_mapped_ipv4(storage_)) {
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    return text;
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return text;
}

std::string Endpoint::to_string() const {
  std::string port_text = ":" + std::to_string(port());
  if (any_family_) return port_text;
  if (!is_ipv6() || is_mapped_ipv4(storage_)) return ip() + port_text;
  const auto scope = as<sockaddr_in6>(storage_).sin6_scope_id;
  return "[" + ip() + (scope == 0 ? "" : "%" + std::to_string(scope)) + "]" + port_text;
}

Outcome<std::vector<Endpoint>> resolve(std::string_view host, std::uint16_t port) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string name(bracketed ? host.substr(1, host.size() - 2) : host);
  if (name.empty() || name.find('\0') != std::string::npos) {
    return fault("'" + name + "' is not a host name");
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int rc = getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (rc != 0) {
    const char* why = rc == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(rc);
    return fault("cannot resolve '" + name + "': " + why);
  }
  std::vector<Endpoint> all;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const auto at = Endpoint::from_sockaddr(each->ai_addr, each->ai_addrlen);
    const auto same = [&](const Endpoint& other) { return other.to_string() == at.to_string(); };
    if (std::none_of(all.begin(), all.end(), same)) all.push_back(at);
  }
  freeaddrinfo(found);
  return all;
}

std::string_view name_of(StreamError error) {
  switch (error) {
    case StreamError::none:
      return "none";
    case StreamError::reset:
      return "reset";
    case StreamError::refused:
      return "refused";
    case StreamError::unreachable:
      return "unreachable";
    case StreamError::timed_out:
      return "timed_out";
    case StreamError::aborted:
      return "aborted";
    case StreamError::out_of_memory:
      return "out_of_memory";
    case StreamError::other:
      return "other";
  }
  return "other";
}

std::string_view name_of(RoadKind kind) {
  switch (kind) {
    case RoadKind::uring:
      return "uring";
    case RoadKind::epoll:
      return "epoll";
    case RoadKind::dpdk:
      return "dpdk";
  }
  return "";
}

}  // namespace gh::net
