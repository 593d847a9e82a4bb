// SPDX-License-Identifier: Apache-2.0
// What a DecisionTable holds: written by compiler.cc, read by decision_table.cc, nobody else's.
//
//   identity ── users/groups (words) ──► subject ──► GrantList (cluster)  ──► Grant {role, binding}
//   …
//                                            └─ (subject, namespace) ──► GrantList
//   role     ──► PermissionSet, or none if it dangles: a changed role is one changed pointer
//   request  ── verbs/api_groups/resources/names/paths (words) ──► a key ──► PermissionSet: one
//               hashed slot a (group, resource)
//
// Roles with equal rules share one PermissionSet; a list with many roles also has the union of
// their sets. So deciding probes a few slots per scope and subject, however many bindings and rules
// there are. All of it is of persistent.h: the next table shares what is the same.
#pragma once

#include "authz/rbac/decision_table.h"
#include "authz/rbac/interner.h"
#include "authz/rbac/persistent.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
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

  std::size_t memory() const noexcept {
    std::size_t bytes = sizeof(*this) + slots.capacity() * sizeof(Permission) +
                        names.capacity() * sizeof(NamedVerbs);
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

// ---- roles ----
enum class RoleKind : std::uint8_t {
  role,  // of a namespace
  cluster_role,
  role_nowhere,  // kind Role in a ClusterRoleBinding, which has no namespace to look in
  unsupported,   // any other kind
};

using PermissionSetPtr = std::shared_ptr<const PermissionSet>;

// A role that bindings refer to or that is there, or both.
struct RoleEntry {
  PermissionSetPtr set;   // null: dangling, which gives nothing but words for a refusal
  std::string_view name;  // in TableData::text; of an unsupported one, its kind
  RoleKind kind = RoleKind::role;
};

// ---- who holds what ----
struct Grant {
  std::uint32_t role = 0;     // TableData::roles
  std::uint32_t binding = 0;  // TableData::bindings
  bool operator==(const Grant&) const = default;
};

inline constexpr std::uint32_t no_union = 0xffffffff;

// What a subject holds in a scope, by role, then by binding.
class GrantList {
 public:
  const Grant* begin() const noexcept { return count_ == 1 ? &one_ : many_.data(); }

  const Grant* end() const noexcept { return begin() + count_; }

  bool empty() const noexcept { return count_ == 0; }

  std::uint32_t union_id() const noexcept { return union_; }

  GrantList() = default;

  GrantList(const std::vector<Grant>& grants, std::uint32_t union_of_roles)
      : count_(static_cast<std::uint32_t>(grants.size())), union_(union_of_roles) {
    if (count_ == 1) one_ = grants[0];
    if (count_ < 2) return;
    many_ = SharedArray<Grant>(count_);
    std::copy(grants.begin(), grants.end(), many_.edit());
  }

  std::size_t memory() const noexcept { return many_.memory(); }

 private:
  std::uint32_t count_ = 0;
  std::uint32_t union_ =
      no_union;  // TableData::unions: all permissions in one set, when there are many
  Grant one_;
  SharedArray<Grant> many_;
};

struct SubjectEntry : Word {
  std::uint32_t scopes = 0;  // namespaces with a list of this subject's
  GrantList cluster;
};

// A subject's number: of TableData::users, or of TableData::groups with the top bit.
inline constexpr std::uint32_t group_bit = 0x80000000;

constexpr std::uint64_t scope_key(std::uint32_t subject, std::uint32_t scope) {
  return std::uint64_t{subject} << 32 | scope;  // scope: 0 the cluster, else namespace word + 1
}

constexpr std::uint32_t hash_of_scope(std::uint64_t key) {
  key ^= key >> 32;
  key *= 0x9e3779b97f4a7c15ULL;
  key ^= key >> 29;
  key *= 0xbf58476d1ce4e5b9ULL;
  return static_cast<std::uint32_t>(key >> 32);
}

struct ScopeSlot {
  std::uint64_t key = 0;
  GrantList list;  // empty: no slot

  std::uint32_t hash() const noexcept { return hash_of_scope(key); }

  bool empty() const noexcept { return key == 0; }
};

// ---- bindings, for reasons ----
enum class SubjectKind : std::uint8_t { user, group, service_account };

struct SubjectRecord {
  std::uint32_t subject = 0;               // number as above; a service account is its user name
  std::uint32_t kind : 2 = 0;              // SubjectKind
  std::uint32_t namespace_bytes : 30 = 0;  // of a service account: system:serviceaccount:NS:NAME
  bool operator==(const SubjectRecord&) const = default;
};

inline constexpr std::uint32_t no_role = 0xffffffff;

struct BindingRecord {
  const char* name_at = nullptr;  // in TableData::text
  std::uint32_t name_bytes = 0;
  std::uint32_t namespace_ = no_word;  // no_word: a cluster role binding
  std::uint32_t role = no_role;        // no_role: there is no binding of this number
  std::uint32_t subject_count = 0;
  SubjectRecord one;
  SharedArray<SubjectRecord> many;

  std::string_view name() const noexcept { return {name_at, name_bytes}; }

  const SubjectRecord* begin() const noexcept { return subject_count == 1 ? &one : many.data(); }

  const SubjectRecord* end() const noexcept { return begin() + subject_count; }
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

  Interner<Word> verbs, api_groups, resources, names, exact_paths, path_prefixes, namespaces;
  Interner<SubjectEntry> users, groups;
  std::vector<std::uint32_t> prefix_lengths;  // of path_prefixes, ascending, once each
  std::size_t longest_resource = 0;

  Pages<RoleEntry> roles;
  Pages<PermissionSetPtr> unions;
  HashShards<ScopeSlot> scopes;  // (subject, namespace) → list

  Texts text;
  Pages<BindingRecord> bindings;
  std::size_t binding_count = 0;
  std::size_t sets_memory = 0;   // of PermissionSets, each counted once
  std::size_t extra_memory = 0;  // of lists and records that do not fit in their place

  const SubjectEntry& entry(std::uint32_t subject) const noexcept {
    return (subject & group_bit) != 0 ? groups[subject & ~group_bit] : users[subject];
  }

  const GrantList* find_scope(std::uint64_t key) const noexcept {
    const ScopeSlot* const slot =
        scopes.find(hash_of_scope(key), [&](const ScopeSlot& at) { return at.key == key; });
    return slot == nullptr ? nullptr : &slot->list;
  }

  // All that a list gives, in one set; null: the list is walked.
  const PermissionSet* find_union(const GrantList& list) const noexcept {
    return list.union_id() == no_union ? nullptr : unions[list.union_id()].get();
  }

  std::size_t memory() const noexcept;
};

}  // namespace gh::authz::rbac
