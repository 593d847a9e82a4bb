// SPDX-License-Identifier: Apache-2.0
// RBAC, compiled: may this identity do this? (with system:masters before it, as kube-apiserver has
// it) In: an identity, once (resolve), then attributes (decide).   Out: a verdict; on demand the
// reason in Kubernetes' words. Owner: control compiles it (compiler.h) and publishes it under RCU;
// workers only read. Immutable. The cost of decide() depends on how many different roles the
// identity holds in the scope, never on how many bindings there are. Not here: what is asked
// (request_info.h), the 403 text (forbidden.h), every rule that allows (explain.h).
#pragma once

#include "authz/attributes.h"
#include "authz/decision.h"
#include "authz/identity/identity.h"
#include "authz/request_info.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::rbac {

inline constexpr std::uint32_t no_binding = 0xffffffff;

struct Verdict {
  Decision decision = Decision::deny;
  std::uint32_t binding = no_binding;  // one that allows, where it is known at once
};

class GrantList;
struct TableData;

// What of the policy applies to one identity: its user and groups as the table's numbers. Cached by
// the caller per identity and policy generation. It refers to the table that made it: given to
// another one it is refused (deny), never misread. The zero value is refused.
class SubjectPermissions {
 public:
  bool masters() const noexcept { return masters_; }

 private:
  friend class DecisionTable;
  static constexpr std::size_t inline_subjects = 12;

  struct Subject {
    const GrantList* cluster = nullptr;  // cluster-wide grants; null: none
    std::uint32_t id = 0;
    bool namespaced = false;  // some role binding names it
  };

  const Subject& at(std::uint32_t i) const noexcept {
    return i < inline_subjects ? subjects_[i] : more_[i - inline_subjects];
  }

  void add(const Subject& subject);

  std::uint64_t table_ = 0;  // DecisionTable::id()
  bool masters_ = false;
  std::uint32_t count_ = 0;
  std::array<Subject, inline_subjects> subjects_;
  std::vector<Subject> more_;  // only for identities with more groups in the policy than that
};

class DecisionTable {
 public:
  DecisionTable();  // an empty policy: only system:masters is allowed
  explicit DecisionTable(std::unique_ptr<const TableData> data);  // compiler.h
  DecisionTable(DecisionTable&&) noexcept;
  DecisionTable& operator=(DecisionTable&&) noexcept;
  ~DecisionTable();

  // Allocates only for identities with more than 12 groups that the policy names.
  SubjectPermissions resolve(const identity::Identity& who) const;

  // No lock, no allocation.
  Verdict decide(const SubjectPermissions& permissions, const Attributes& what) const noexcept;

  Verdict decide(const SubjectPermissions& permissions, const RequestInfo& what) const noexcept {
    return decide(permissions, what.attributes());
  }

  // The authorizer's reason: `RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User
  // "u"` (the first that allows, in policy order, cluster bindings before role bindings), `RBAC: `
  // + resolution errors for a refusal, or empty. Allocates; for logs and refusals.
  std::string reason(const SubjectPermissions& permissions, const Attributes& what) const;

  // Resolution errors (dangling or unsupported roleRefs) met for this identity and scope, without
  // repeats.
  std::vector<std::string> errors(const SubjectPermissions& permissions, const Attributes& what)
      const;

  std::uint64_t id() const noexcept;  // different for each compiled table of the process
  std::size_t bindings() const noexcept;
  std::size_t memory() const noexcept;  // bytes held, roughly

 private:
  template <class Visit>
  void each_list(const SubjectPermissions& permissions, std::uint32_t scope, Visit visit) const;

  std::unique_ptr<const TableData> data_;
};

}  // namespace gh::authz::rbac
