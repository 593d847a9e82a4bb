// SPDX-License-Identifier: Apache-2.0
// Sets of subtrees are sorted and pruned so that a query is one binary search: a chain with
// thousands of constraints and names costs n log n, not n². The method (and so its verdicts on
// overlapping subtrees) is that of Go's crypto/x509.
#include "tls/name_constraints.h"

#include "tls/name_syntax.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace gh::tls {
namespace {

// A sorted set in which no element lies within its predecessor.
template <class T, class Less, class Within>
void sort_and_prune(std::vector<T>& set, Less less, Within within) {
  std::sort(set.begin(), set.end(), less);
  std::size_t kept = std::min<std::size_t>(set.size(), 1);
  for (std::size_t i = 1; i < set.size(); ++i) {
    if (!within(set[kept - 1], set[i])) set[kept++] = set[i];
  }
  set.resize(kept);
}

// ---- IP addresses: constraints are address then mask ----

ByteView address_of(ByteView constraint) { return constraint.first(constraint.size() / 2); }

ByteView mask_of(ByteView constraint) { return constraint.subspan(constraint.size() / 2); }

bool bytes_less(ByteView a, ByteView b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

bool bytes_equal(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool network_contains(
    ByteView constraint, ByteView ip
) {  // IPv4-mapped addresses count as IPv4 on both sides
  const ByteView network = unmapped_ip(address_of(constraint));
  const ByteView mask = mask_of(constraint).last(network.size());
  ip = unmapped_ip(ip);
  if (ip.size() != network.size()) return false;
  for (std::size_t i = 0; i < ip.size(); ++i) {
    if ((ip[i] & mask[i]) != (network[i] & mask[i])) return false;
  }
  return true;
}

bool network_within(ByteView outer, ByteView inner) {
  if (!network_contains(outer, address_of(inner))) return false;
  std::array<std::uint8_t, 16> last{};
  const ByteView address = address_of(inner), mask = mask_of(inner);
  for (std::size_t i = 0; i < address.size(); ++i)
    last[i] = static_cast<std::uint8_t>(address[i] | ~mask[i]);
  return network_contains(outer, ByteView(last).first(address.size()));
}

class IpSet {
 public:
  explicit IpSet(const std::vector<ByteView>& constraints) : any_(!constraints.empty()) {
    for (const ByteView c : constraints) (c.size() == 8 ? v4_ : v6_).push_back(c);
    sort_and_prune(v4_, bytes_less, network_within);  // address first, then mask
    sort_and_prune(v6_, bytes_less, network_within);
  }

  bool constrains() const { return any_; }

  bool has(ByteView ip) const {
    const std::vector<ByteView>& set = ip.size() == 4 ? v4_ : v6_;
    const auto at = std::lower_bound(set.begin(), set.end(), ip, [](ByteView c, ByteView x) {
      return bytes_less(address_of(c), x);
    });
    if (at != set.end() && bytes_equal(address_of(*at), ip)) return true;
    if (set.empty()) return false;
    return network_contains(at == set.begin() ? *at : *(at - 1), ip);
  }

 private:
  bool any_;
  std::vector<ByteView> v4_, v6_;
};

// ---- DNS names ----

// Order of reversed names, '.' before all else, so that a subtree stands just before what lies in
// it.
unsigned order_of(char c) {
  if (c == '.') return 0;
  return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

int compare_reversed(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  for (; i < a.size() && i < b.size(); ++i) {
    const unsigned x = order_of(a[a.size() - 1 - i]), y = order_of(b[b.size() - 1 - i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

bool reversed_less(std::string_view a, std::string_view b) { return compare_reversed(a, b) < 0; }

// ".example.com" holds only what is below example.com.
bool domain_within(std::string_view subtree, std::string_view name) {
  if (subtree.size() > name.size()) return false;
  if (!equals_ignoring_case(subtree, name.substr(name.size() - subtree.size()))) return false;
  return subtree[0] == '.' || subtree.size() == name.size() ||
         name[name.size() - subtree.size() - 1] == '.';
}

std::string_view after_first_label(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot);
}

class DomainSet {
 public:
  DomainSet(const std::vector<std::string_view>& constraints, bool excludes)
      : constraints_(constraints), excludes_(excludes) {
    any_ = !constraints_.empty();
    all_ = std::any_of(constraints_.begin(), constraints_.end(), [](std::string_view c) {
      return c.empty();
    });
    if (all_) return;
    sort_and_prune(constraints_, reversed_less, domain_within);
    if (!excludes_) return;
    for (const std::string_view c : constraints_) {
      if (const auto parent = after_first_label(c); !parent.empty())
        parents_.insert(lower_case(parent));
    }
  }

  bool constrains() const { return any_; }

  bool has(std::string_view name) const {
    if (all_) return true;
    if (constraints_.empty()) return false;
    const auto at = std::lower_bound(constraints_.begin(), constraints_.end(), name, reversed_less);
    if (at != constraints_.end() && compare_reversed(*at, name) == 0) return true;
    // An empty name lies in no subtree but that of all names.
    if (!name.empty() && domain_within(at == constraints_.begin() ? *at : *(at - 1), name))
      return true;
    // "*.example.com" could stand for an excluded "bad.example.com".
    return excludes_ && !name.empty() && name[0] == '*' &&
           parents_.contains(lower_case(after_first_label(name)));
  }

 private:
  std::vector<std::string_view> constraints_;
  bool excludes_;
  bool any_ = false, all_ = false;
  std::set<std::string> parents_;
};

// ---- mailboxes: whole addresses, or all of a domain ----

std::vector<std::string_view> domains_of(const std::vector<std::string_view>& constraints) {
  std::vector<std::string_view> out;
  std::copy_if(
      constraints.begin(),
      constraints.end(),
      std::back_inserter(out),
      [](std::string_view c) { return c.find('@') == std::string_view::npos; }
  );
  return out;
}

class MailSet {
 public:
  MailSet(const std::vector<std::string_view>& constraints, bool excludes)
      : any_(!constraints.empty()), domains_(domains_of(constraints), excludes) {
    for (const std::string_view c : constraints) {
      auto mailbox = c.find('@') == std::string_view::npos ? std::nullopt : parse_mailbox(c);
      if (!mailbox) continue;
      mailbox->domain = lower_case(mailbox->domain);
      whole_.insert(std::move(*mailbox));
    }
  }

  bool constrains() const { return any_; }

  bool has(const Mailbox& name) const {
    return whole_.contains(name) || (domains_.constrains() && domains_.has(name.domain));
  }

 private:
  bool any_;
  std::set<Mailbox> whole_;
  DomainSet domains_;
};

// The constraints of one certificate of the path.
struct Constraints {
  Constraints(const Certificate& of, std::size_t at)
      : index(at),
        permitted_ip(of.permitted.ip),
        excluded_ip(of.excluded.ip),
        permitted_dns(of.permitted.dns, false),
        excluded_dns(of.excluded.dns, true),
        permitted_uri(of.permitted.uri, false),
        excluded_uri(of.excluded.uri, true),
        permitted_mail(of.permitted.mail, false),
        excluded_mail(of.excluded.mail, true) {}

  std::size_t index;
  IpSet permitted_ip, excluded_ip;
  DomainSet permitted_dns, excluded_dns, permitted_uri, excluded_uri;
  MailSet permitted_mail, excluded_mail;
};

// The names of one certificate, in the forms that are compared.
struct Names {
  const Certificate* of = nullptr;
  std::vector<std::string> uri_hosts;
  std::vector<Mailbox> mailboxes;
};

bool refuse(std::string* why, std::string_view kind, std::string_view name, std::string_view how) {
  if (why != nullptr)
    *why = std::string(kind) + " \"" + std::string(name) + "\" " + std::string(how);
  return false;
}

bool read_names(const Certificate& certificate, Names& out, std::string* why) {
  out.of = &certificate;
  for (std::size_t i = 0; i < certificate.uris.size(); ++i) {
    auto host = constrained_uri_host(certificate.uri_hosts[i]);
    if (!host)
      return refuse(
          why, "URI", certificate.uris[i], "has no host that constraints could be compared with"
      );
    out.uri_hosts.push_back(std::move(*host));
  }
  for (const std::string_view name : certificate.mail_names) {
    auto mailbox = parse_mailbox(name);
    if (!mailbox) return refuse(why, "email address", name, "is malformed");
    mailbox->domain = lower_case(mailbox->domain);
    out.mailboxes.push_back(std::move(*mailbox));
  }
  return true;
}

std::string ip_text(ByteView ip) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(ip.size() == 4 ? AF_INET : AF_INET6, ip.data(), out.data(), out.size());
  return out.data();
}

template <class Set, class Name>
bool permitted_by(
    const Set& permitted,
    const Set& excluded,
    const Name& name,
    std::string_view kind,
    std::string_view text,
    std::string* why
) {
  if (permitted.constrains() && !permitted.has(name))
    return refuse(why, kind, text, "is not permitted by any constraint");
  if (excluded.constrains() && excluded.has(name))
    return refuse(why, kind, text, "is excluded by a constraint");
  return true;
}

bool permitted_by(const Constraints& c, const Names& names, std::string* why) {
  for (const ByteView ip : names.of->ip_addresses) {
    if (!permitted_by(c.permitted_ip, c.excluded_ip, ip, "IP address", ip_text(ip), why))
      return false;
  }
  for (const std::string_view name : names.of->dns_names) {
    if (!domain_name_valid(name, false)) return refuse(why, "DNS name", name, "is malformed");
    if (!permitted_by(c.permitted_dns, c.excluded_dns, name, "DNS name", name, why)) return false;
  }
  for (std::size_t i = 0; i < names.uri_hosts.size(); ++i) {
    const std::string_view host = names.uri_hosts[i];
    if (!domain_name_valid(host, false))
      return refuse(why, "URI", names.of->uris[i], "has a malformed host");
    if (!permitted_by(c.permitted_uri, c.excluded_uri, host, "URI", names.of->uris[i], why))
      return false;
  }
  for (std::size_t i = 0; i < names.mailboxes.size(); ++i) {
    if (!permitted_by(
            c.permitted_mail,
            c.excluded_mail,
            names.mailboxes[i],
            "email address",
            names.of->mail_names[i],
            why
        ))
      return false;
  }
  return true;
}

}  // namespace

bool names_permitted(std::span<const Certificate* const> path, std::string* why) {
  std::vector<Constraints> constraints;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i]->has_name_constraints) constraints.emplace_back(*path[i], i);
  }
  if (constraints.empty()) return true;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!path[i]->has_subject_alt_name) continue;
    if (i >= constraints.back().index) return true;  // nothing above constrains it
    Names names;
    if (!read_names(*path[i], names, why)) return false;
    for (const Constraints& c : constraints) {
      if (c.index > i && !permitted_by(c, names, why)) return false;
    }
  }
  return true;
}

}  // namespace gh::tls
