// SPDX-License-Identifier: Apache-2.0
// Identities, each held once a worker with what was worked out for it: the header fields an API
// server gets, what policy grants it. In: an identity from whatever authenticator.   Out: a
// PrincipalRef, equal for equal identities. Owner: one core; connections and cache entries share a
// principal by counting.
// Bound: limits::principals_cached_max are kept without a user; the least recently used goes first.
#pragma once

#include "authz/identity/identity.h"
#include "authz/node/node_authorizer.h"
#include "authz/policy_snapshot.h"
#include "dataplane/proxy/headers.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

namespace gh::worker {

class PrincipalCache;

class Principal {
 public:
  const identity::Identity& identity() const noexcept { return identity_; }

  // X-Remote-User and its kin.
  const proxy::IdentityFields& fields() const noexcept { return fields_; }

  // Why it cannot be passed on in headers unchanged; empty: it can.
  const std::string& unforwardable() const noexcept { return unforwardable_; }

  const authz::node::NodeCaller& node() const noexcept { return node_; }

  // Resolved once per policy table.
  const authz::rbac::SubjectPermissions& permissions(const authz::rbac::DecisionTable& table) {
    if (table_ != table.id()) {
      permissions_ = table.resolve(identity_);
      table_ = table.id();
    }
    return permissions_;
  }

 private:
  friend class PrincipalCache;
  friend class PrincipalRef;
  explicit Principal(identity::Identity&& who);

  identity::Identity identity_;
  proxy::IdentityFields fields_;
  std::string unforwardable_;
  authz::node::NodeCaller node_;  // views identity_
  authz::rbac::SubjectPermissions permissions_;
  std::uint64_t table_ = 0;
  std::size_t hash_ = 0;
  std::size_t references_ = 0;
  PrincipalCache* cache_ = nullptr;
  Principal* newer_ = nullptr;  // among those without a user
  Principal* older_ = nullptr;
};

class PrincipalRef {
 public:
  PrincipalRef() = default;
  explicit PrincipalRef(Principal& principal) noexcept;
  PrincipalRef(const PrincipalRef& other) noexcept;

  PrincipalRef(PrincipalRef&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}

  PrincipalRef& operator=(PrincipalRef other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }

  ~PrincipalRef();

  Principal& operator*() const noexcept { return *at_; }

  Principal* operator->() const noexcept { return at_; }

  explicit operator bool() const noexcept { return at_ != nullptr; }

  bool operator==(const PrincipalRef&) const = default;

 private:
  Principal* at_ = nullptr;
};

class PrincipalCache {
 public:
  PrincipalCache() = default;
  ~PrincipalCache();  // every PrincipalRef is gone by then
  PrincipalCache(const PrincipalCache&) = delete;
  PrincipalCache& operator=(const PrincipalCache&) = delete;

  PrincipalRef intern(identity::Identity who);

  std::size_t size() const noexcept { return by_hash_.size(); }

 private:
  friend class PrincipalRef;
  void use(Principal& principal) noexcept;
  void release(Principal& principal) noexcept;
  void erase(Principal& principal) noexcept;

  std::unordered_multimap<std::size_t, Principal*> by_hash_;
  Principal* newest_unused_ = nullptr;
  Principal* oldest_unused_ = nullptr;
  std::size_t unused_ = 0;
};

}  // namespace gh::worker
