// SPDX-License-Identifier: Apache-2.0
// What a DecisionTable holds: written by compiler.cc, read by decision_table.cc, nobody else's.
//
//   identity ── users/groups (words) ──► subject ──► GrantList (cluster)      ──► Grant
//   {PermissionSet, binding} …
//                                            └─ (subject, namespace) ──► GrantList
//   request  ── verbs/api_groups/resources/names/paths (words) ──► a key ──► PermissionSet: one
//   hashed slot a (group, resource)
//
// Roles with equal rules share one PermissionSet; a list with many sets also has their union. So
// deciding probes a few slots per scope and subject, however many bindings and rules there are.
#pragma once

#include "authz/rbac/decision_table.h"
#include "authz/rbac/interner.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gh::authz::rbac {

// ---- words of a request ----
inline constexpr WordId any_word = 0;  // "*", interned first, of API groups and resources
inline constexpr unsigned verbs_a_block =
    63;  // verbs are bits of 64-bit masks; bit 63 is "*" and stands in block 0 only
inline constexpr std::uint64_t any_verb = std::uint64_t{1} << 63;
inline constexpr std::uint32_t path_group = 0xffffff;  // in a key: the "resource" is a path pattern
inline constexpr WordId verbs_max = 63u * 4096;        // 12 bits of block
inline constexpr WordId api_groups_max = 0xfffffe;     // 24 bits
inline constexpr WordId resources_max = 0xffffffe;     // 28 bits less one; path patterns too

// Never 0, which marks an empty slot.
constexpr std::uint64_t permission_key(WordId group, WordId resource, std::uint32_t block) {
  return (std::uint64_t{resource} + 1) << 36 | std::uint64_t{group} << 12 | block;
}

struct NamedVerbs {  // verbs allowed on one resourceName
  WordId name;
  std::uint64_t verbs;
};

struct Permission {
  std::uint64_t key = 0;
  std::uint64_t verbs = 0;     // whatever the name
  std::uint32_t names_at = 0;  // in PermissionSet::names, sorted by name
  std::uint32_t names_count = 0;
};

struct BlockVerbs {
  std::uint32_t block;
  std::uint64_t verbs;
};

// A rule whose groups × resources × names would be too many slots: checked by itself, with binary
// searches.
struct WideRule {
  std::vector<BlockVerbs> verbs;
  std::vector<WordId> api_groups;  // sorted
  std::vector<WordId> resources;   // sorted
  std::vector<WordId> names;       // sorted; empty: any
};

struct PermissionSet {
  std::vector<Permission>
      slots;  // open addressing, a power of two, at most half full; empty: no rules
  std::vector<NamedVerbs> names;
  std::vector<WideRule> wide;
  bool has_resources = false;
  bool has_paths = false;
  bool has_any_group = false;
  bool has_any_resource = false;
  bool has_any_of_subresource = false;  // "*/scale"
  std::string
      error;  // a role reference that leads nowhere: no permissions, but words for a refusal

  std::size_t memory() const noexcept {
    std::size_t bytes = sizeof(*this) + slots.capacity() * sizeof(Permission) +
                        names.capacity() * sizeof(NamedVerbs) + error.capacity();
    for (const auto& rule : wide) {
      bytes +=
          sizeof(rule) + (rule.api_groups.size() + rule.resources.size() + rule.names.size()) * 4;
    }
    return bytes;
  }
};

constexpr std::size_t slot_of(std::uint64_t key, std::size_t mask) {
  return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ULL) >> 32) & mask;
}

// ---- who holds what ----
struct Grant {
  std::uint32_t set;      // TableData::sets
  std::uint32_t binding;  // the first, in policy order, that gives this set
};

inline constexpr std::uint32_t no_set = 0xffffffff;

struct GrantList {
  std::uint32_t first = 0;  // TableData::grants
  std::uint32_t count = 0;
  std::uint32_t merged = no_set;  // one set with the permissions of all, when there are many
  bool has_errors = false;
};

struct SubjectEntry {
  std::uint32_t cluster_list = 0;  // TableData::lists; list 0 is empty
  bool namespaced = false;
};

// A subject's number: of TableData::users, or of TableData::groups with the top bit.
inline constexpr std::uint32_t group_bit = 0x80000000;

constexpr std::uint64_t scope_key(std::uint32_t subject, std::uint32_t scope) {
  return std::uint64_t{subject} << 32 | scope;  // scope: 0 the cluster, else namespace word + 1
}

struct ScopeSlot {
  std::uint64_t key = 0;
  std::uint32_t list = 0;  // 0: empty slot
};

// ---- bindings, for reasons ----
enum class SubjectKind : std::uint8_t { user, group, service_account };

struct SubjectRecord {
  std::uint32_t subject;               // number as above; a service account is its user name
  std::uint32_t kind : 2;              // SubjectKind
  std::uint32_t namespace_bytes : 30;  // of a service account: system:serviceaccount:NS:NAME
};

struct RoleRefRecord {
  std::string kind;
  std::string name;
};

struct BindingRecord {
  std::uint32_t name_at = 0;  // TableData::text
  std::uint32_t name_bytes = 0;
  std::uint32_t namespace_ = no_word;  // no_word: a cluster role binding
  std::uint32_t role_ref = 0;
  std::uint32_t first_subject = 0;
  std::uint32_t subject_count = 0;
};

struct TableData {
  explicit TableData(std::uint64_t seed)
      : verbs(seed),
        api_groups(seed),
        resources(seed),
        names(seed),
        exact_paths(seed),
        path_prefixes(seed),
        namespaces(seed),
        users(seed),
        groups(seed) {}

  std::uint64_t id = 0;

  Interner verbs, api_groups, resources, names, exact_paths, path_prefixes, namespaces, users,
      groups;
  std::vector<std::uint32_t> prefix_lengths;  // of path_prefixes, ascending, once each
  std::size_t longest_resource = 0;

  std::vector<PermissionSet> sets;
  std::vector<Grant> grants;
  std::vector<GrantList> lists;  // [0] is the empty one
  std::vector<SubjectEntry> user_entries;
  std::vector<SubjectEntry> group_entries;
  std::vector<ScopeSlot> scopes;  // (subject, namespace) → list; open addressing, a power of two

  std::string text;
  std::vector<BindingRecord> bindings;
  std::vector<SubjectRecord> subjects;
  std::vector<RoleRefRecord> role_refs;

  const SubjectEntry& entry(std::uint32_t subject) const noexcept {
    return (subject & group_bit) != 0 ? group_entries[subject & ~group_bit] : user_entries[subject];
  }

  const GrantList* find_scope(std::uint64_t key) const noexcept {
    if (scopes.empty()) return nullptr;
    const std::size_t mask = scopes.size() - 1;
    for (std::size_t at = slot_of(key, mask);; at = (at + 1) & mask) {
      if (scopes[at].list == 0) return nullptr;
      if (scopes[at].key == key) return &lists[scopes[at].list];
    }
  }
};

}  // namespace gh::authz::rbac
