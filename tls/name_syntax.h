// SPDX-License-Identifier: Apache-2.0
// The names a certificate may carry, read and compared as Go's crypto/x509 does: DNS names,
// mailboxes, URIs, IP addresses. In: borrowed text.   Out: verdicts and parts. Pure.
#pragma once

#include "base/byte_view.h"

#include <optional>
#include <string>
#include <string_view>

namespace gh::tls {

bool is_ia5(ByteView bytes);
bool is_utf8(ByteView bytes);
bool equals_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
std::string lower_case(std::string_view text);                      // ASCII only

// A dNSName, or (`constraint`) a subtree that may begin with a dot.
bool domain_name_valid(std::string_view name, bool constraint);

struct Mailbox {
  std::string local;
  std::string domain;
  auto operator<=>(const Mailbox&) const = default;
};

std::optional<Mailbox> parse_mailbox(std::string_view text);  // RFC 2821 §4.1.2

// The authority's host with its port, unescaped, as net/url gives it (empty when the URI has none);
// nullopt: no URI.
std::optional<std::string> parse_uri_host(std::string_view uri);
// The host to compare with URI constraints: lower case, no port. nullopt: none, or an IP address
// (RFC 5280 §4.2.1.10).
std::optional<std::string> constrained_uri_host(std::string_view host_and_port);

// 4 or 16 bytes; nullopt: not an IP address. Zones are not.
std::optional<std::string> parse_ip(std::string_view text);
ByteView unmapped_ip(ByteView ip);  // an IPv4-mapped IPv6 address as its 4 bytes

// A host matches a dNSName of a certificate: exactly, or by a wildcard that is the whole first
// label (RFC 6125 §6.4.3).
bool host_matches(std::string_view pattern, std::string_view host);

}  // namespace gh::tls
