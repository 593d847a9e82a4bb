// SPDX-License-Identifier: Apache-2.0
#include "authz/rbac/decision_table.h"

#include "authz/go_text.h"
#include "authz/rbac/explain.h"
#include "authz/rbac/table_data.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gh::authz::rbac {
namespace {

// The request in the table's words. no_word: the policy does not know it, so only "*" can match.
struct Words {
  std::uint64_t verbs = any_verb;  // bits that allow in `block`
  std::uint32_t block = 0;
  WordId api_group = no_word;
  WordId resource = no_word;            // "res" or "res/sub"
  WordId any_of_subresource = no_word;  // "*/sub"
  std::string_view name;
};

constexpr std::size_t joined_inline_bytes = 512;

WordId find_joined(const TableData& table, std::string_view left, std::string_view right) {
  const std::size_t bytes = left.size() + 1 + right.size();
  if (bytes > table.longest_resource) return no_word;
  const auto join = [&](char* into) {
    std::memcpy(into, left.data(), left.size());
    into[left.size()] = '/';
    std::memcpy(into + left.size() + 1, right.data(), right.size());
    return table.resources.find({into, bytes});
  };
  if (bytes <= joined_inline_bytes) {
    char buffer[joined_inline_bytes];
    return join(buffer);
  }
  std::string buffer(bytes, '\0');  // only for policies with resource words that long
  return join(buffer.data());
}

void set_verb(const TableData& table, std::string_view verb, Words& words) {
  const WordId id = table.verbs.find(verb);
  if (id == no_word) return;
  words.block = id / verbs_a_block;
  words.verbs = std::uint64_t{1} << (id % verbs_a_block);
  if (words.block == 0) words.verbs |= any_verb;
}

Words words_of(const TableData& table, const Attributes& what) {
  Words words;
  set_verb(table, what.verb, words);
  if (!what.resource_request) return words;
  words.api_group = table.api_groups.find(what.api_group);
  if (what.subresource.empty()) {
    words.resource = table.resources.find(what.resource);
  } else {
    words.resource = find_joined(table, what.resource, what.subresource);
    words.any_of_subresource = find_joined(table, "*", what.subresource);
  }
  words.name = what.name;
  return words;
}

class Judge {
 public:
  Judge(const TableData& table, const Attributes& what)
      : table_(table), words_(words_of(table, what)) {}

  bool allows(const PermissionSet& set) const {
    if (!set.has_resources) return false;
    if (words_.api_group != no_word && allows_in(set, words_.api_group)) return true;
    if (set.has_any_group && words_.api_group != any_word && allows_in(set, any_word)) return true;
    return !set.wide.empty() &&
           std::any_of(set.wide.begin(), set.wide.end(), [&](const WideRule& rule) {
             return allows(rule);
           });
  }

  // A path that matches pattern number `pattern`.
  bool allows_path(const PermissionSet& set, WordId pattern) const {
    return set.has_paths && probe(set, path_group, pattern);
  }

 private:
  bool allows_in(const PermissionSet& set, WordId group) const {
    if (words_.resource != no_word && probe(set, group, words_.resource)) return true;
    if (set.has_any_resource && probe(set, group, any_word)) return true;
    return set.has_any_of_subresource && words_.any_of_subresource != no_word &&
           probe(set, group, words_.any_of_subresource);
  }

  bool probe(const PermissionSet& set, WordId group, WordId resource) const {
    if (slot_allows(set, permission_key(group, resource, words_.block), words_.verbs)) return true;
    // A rare verb: "*" stands in block 0 only.
    return words_.block != 0 && slot_allows(set, permission_key(group, resource, 0), any_verb);
  }

  bool slot_allows(const PermissionSet& set, std::uint64_t key, std::uint64_t verbs) const {
    const std::size_t mask = set.slots.size() - 1;
    for (std::size_t at = slot_of(key, mask);; at = (at + 1) & mask) {
      const Permission& slot = set.slots[at];
      if (slot.key == 0) return false;
      if (slot.key != key) continue;
      return (slot.verbs & verbs) != 0 || (slot.names_count != 0 && name_allows(set, slot, verbs));
    }
  }

  bool name_allows(const PermissionSet& set, const Permission& slot, std::uint64_t verbs) const {
    const WordId name = table_.names.find(words_.name);
    if (name == no_word) return false;
    const NamedVerbs* const first = set.names.data() + slot.names_at;
    const NamedVerbs* const last = first + slot.names_count;
    const NamedVerbs* const at =
        std::lower_bound(first, last, name, [](const NamedVerbs& entry, WordId wanted) {
          return entry.name < wanted;
        });
    return at != last && at->name == name && (at->verbs & verbs) != 0;
  }

  bool allows(const WideRule& rule) const {
    const auto has = [](const std::vector<WordId>& words, WordId word) {
      return word != no_word && std::binary_search(words.begin(), words.end(), word);
    };
    const bool verb =
        std::any_of(rule.verbs.begin(), rule.verbs.end(), [&](const BlockVerbs& verbs) {
          return (verbs.block == words_.block && (verbs.verbs & words_.verbs) != 0) ||
                 (verbs.block == 0 && (verbs.verbs & any_verb) != 0);
        });
    return verb && (has(rule.api_groups, any_word) || has(rule.api_groups, words_.api_group)) &&
           (has(rule.resources, any_word) || has(rule.resources, words_.resource) ||
            has(rule.resources, words_.any_of_subresource)) &&
           (rule.names.empty() || has(rule.names, table_.names.find(words_.name)));
  }

  const TableData& table_;
  Words words_;
};

constexpr WordId exact_pattern(WordId exact) { return exact * 2; }

constexpr WordId prefix_pattern(WordId prefix) { return prefix * 2 + 1; }

// Calls visit(pattern number) for each pattern of the policy that the path matches, until it says
// true.
template <class Visit>
bool any_pattern(const TableData& table, std::string_view path, Visit visit) {
  const WordId exact = table.exact_paths.find(path);
  if (exact != no_word && visit(exact_pattern(exact))) return true;
  for (const std::uint32_t length : table.prefix_lengths) {
    if (length > path.size()) return false;
    const WordId prefix = table.path_prefixes.find(path.substr(0, length));
    if (prefix != no_word && visit(prefix_pattern(prefix))) return true;
  }
  return false;
}

bool set_allows(
    const TableData& table, const Judge& judge, const PermissionSet& set, const Attributes& what
) {
  if (what.resource_request) return judge.allows(set);
  return set.has_paths && any_pattern(table, what.path, [&](WordId pattern) {
           return judge.allows_path(set, pattern);
         });
}

bool role_allows(
    const TableData& table, const Judge& judge, std::uint32_t role, const Attributes& what
) {
  const PermissionSet* const set = table.roles[role].set.get();
  return set != nullptr && set_allows(table, judge, *set, what);
}

// Whether the list allows, and by which binding where that is known without a search.
bool list_allows(
    const TableData& table,
    const Judge& judge,
    const GrantList& list,
    const Attributes& what,
    Verdict& verdict
) {
  if (const PermissionSet* const all = table.find_union(list)) {
    if (!set_allows(table, judge, *all, what)) return false;
    verdict.decision = Decision::allow;
    return true;
  }
  for (const Grant& grant : list) {
    if (!role_allows(table, judge, grant.role, what)) continue;
    verdict = {Decision::allow, grant.binding};
    return true;
  }
  return false;
}

// The first binding of the list, in policy order, that allows.
std::uint32_t first_allowing(
    const TableData& table,
    const Judge& judge,
    const GrantList& list,
    const Attributes& what,
    std::uint32_t before
) {
  std::uint32_t role = no_role;
  for (const Grant& grant : list) {
    if (grant.role == role) continue;  // its first binding has been looked at
    role = grant.role;
    if (grant.binding < before && role_allows(table, judge, role, what)) before = grant.binding;
  }
  return before;
}

std::string error_of(const RoleEntry& role) {
  const std::string name = go_quoted(role.name);
  switch (role.kind) {
    case RoleKind::role:
    case RoleKind::role_nowhere:
      return "role.rbac.authorization.k8s.io " + name + " not found";
    case RoleKind::cluster_role:
      return "clusterrole.rbac.authorization.k8s.io " + name + " not found";
    case RoleKind::unsupported:
      return "unsupported role reference kind: " + name;
  }
  return {};
}

std::uint32_t scope_of(const TableData& table, const Attributes& what) {
  if (what.namespace_.empty()) return 0;
  const WordId id = table.namespaces.find(what.namespace_);
  return id == no_word ? 0 : id + 1;
}

std::string describe_binding(
    const TableData& table, const BindingRecord& binding, const SubjectRecord& subject
) {
  const bool cluster = binding.namespace_ == no_word;
  const RoleEntry& role = table.roles[binding.role];
  std::string name(binding.name());
  if (!cluster) name.append("/").append(table.namespaces.word(binding.namespace_));
  std::string out = cluster ? "ClusterRoleBinding " : "RoleBinding ";
  append_quoted(out, name);
  out += role.kind == RoleKind::cluster_role ? " of ClusterRole " : " of Role ";
  append_quoted(out, role.name);
  switch (static_cast<SubjectKind>(subject.kind)) {
    case SubjectKind::user:
      out += " to User ";
      append_quoted(out, table.users.word(subject.subject));
      break;
    case SubjectKind::group:
      out += " to Group ";
      append_quoted(out, table.groups.word(subject.subject & ~group_bit));
      break;
    case SubjectKind::service_account: {
      std::string_view whole = table.users.word(subject.subject);
      whole.remove_prefix(std::string_view("system:serviceaccount:").size());
      out += " to ServiceAccount ";
      append_quoted(
          out,
          std::string(whole.substr(subject.namespace_bytes + 1)) + "/" +
              std::string(whole.substr(0, subject.namespace_bytes))
      );
      break;
    }
  }
  return out;
}

}  // namespace

void SubjectPermissions::add(const Subject& subject) {
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(count_, inline_subjects); ++i) {
    if (subjects_[i].id == subject.id) return;
  }
  if (count_ < inline_subjects) {
    subjects_[count_] = subject;
  } else {
    more_.push_back(subject);
  }
  ++count_;
}

DecisionTable::DecisionTable() : data_(std::make_unique<TableData>(0)) {}

DecisionTable::DecisionTable(std::unique_ptr<const TableData> data) : data_(std::move(data)) {}

DecisionTable::DecisionTable(DecisionTable&&) noexcept = default;
DecisionTable& DecisionTable::operator=(DecisionTable&&) noexcept = default;
DecisionTable::~DecisionTable() = default;

SubjectPermissions DecisionTable::resolve(const identity::Identity& who) const {
  SubjectPermissions out;
  out.table_ = data_->id;
  const auto add = [&](std::uint32_t subject) {
    const SubjectEntry& entry = data_->entry(subject);
    out.add({entry.cluster.empty() ? nullptr : &entry.cluster, subject, entry.scopes > 0});
  };
  if (const WordId user = data_->users.find(who.user); user != no_word) add(user);
  for (const auto& group : who.groups) {
    if (group == identity::system_masters) out.masters_ = true;
    if (const WordId id = data_->groups.find(group); id != no_word) add(id | group_bit);
  }
  return out;
}

Verdict DecisionTable::decide(const SubjectPermissions& permissions, const Attributes& what)
    const noexcept {
  Verdict verdict;
  if (permissions.table_ != data_->id) return verdict;
  if (permissions.masters_) {
    verdict.decision = Decision::allow;
    return verdict;
  }
  verdict.decision = Decision::no_opinion;
  if (permissions.count_ == 0) return verdict;
  const Judge judge(*data_, what);
  bool namespaced = false;
  for (std::uint32_t i = 0; i < permissions.count_; ++i) {
    const auto& subject = permissions.at(i);
    namespaced = namespaced || subject.namespaced;
    if (subject.cluster != nullptr && list_allows(*data_, judge, *subject.cluster, what, verdict))
      return verdict;
  }
  if (!namespaced) return verdict;
  const std::uint32_t scope = scope_of(*data_, what);
  if (scope == 0) return verdict;
  for (std::uint32_t i = 0; i < permissions.count_; ++i) {
    const auto& subject = permissions.at(i);
    if (!subject.namespaced) continue;
    const GrantList* const list = data_->find_scope(scope_key(subject.id, scope));
    if (list != nullptr && list_allows(*data_, judge, *list, what, verdict)) return verdict;
  }
  return verdict;
}

template <class Visit>
void DecisionTable::each_list(
    const SubjectPermissions& permissions, std::uint32_t scope, Visit visit
) const {
  for (std::uint32_t i = 0; i < permissions.count_; ++i) {
    const auto& subject = permissions.at(i);
    const GrantList* const list = scope == 0 ? subject.cluster
                                  : subject.namespaced
                                      ? data_->find_scope(scope_key(subject.id, scope))
                                      : nullptr;
    if (list != nullptr) visit(*list);
  }
}

std::string DecisionTable::reason(const SubjectPermissions& permissions, const Attributes& what)
    const {
  if (permissions.table_ != data_->id || permissions.masters_) return {};
  const Judge judge(*data_, what);
  std::uint32_t binding = no_binding;
  const auto look = [&](const GrantList& list) {
    binding = first_allowing(*data_, judge, list, what, binding);
  };
  each_list(permissions, 0, look);
  const std::uint32_t scope = scope_of(*data_, what);
  if (binding == no_binding && scope != 0) each_list(permissions, scope, look);
  if (binding == no_binding) {
    const auto faults = errors(permissions, what);
    return faults.empty() ? std::string() : "RBAC: " + aggregate_text(faults);
  }
  const BindingRecord& record = data_->bindings[binding];
  for (const SubjectRecord& subject : record) {
    for (std::uint32_t k = 0; k < permissions.count_; ++k) {
      if (permissions.at(k).id == subject.subject) {
        return "RBAC: allowed by " + describe_binding(*data_, record, subject);
      }
    }
  }
  return {};
}

std::vector<std::string> DecisionTable::errors(
    const SubjectPermissions& permissions, const Attributes& what
) const {
  if (permissions.table_ != data_->id || permissions.masters_) return {};
  std::vector<std::string> out;
  std::vector<Grant> found;
  const auto look = [&](const GrantList& list) {
    for (const Grant& grant : list) {
      if (data_->roles[grant.role].set == nullptr) found.push_back(grant);
    }
  };
  const auto tell = [&] {
    std::sort(found.begin(), found.end(), [](const Grant& a, const Grant& b) {
      return a.binding < b.binding;
    });
    for (const Grant& grant : found) {
      std::string error = error_of(data_->roles[grant.role]);
      if (std::find(out.begin(), out.end(), error) == out.end()) out.push_back(std::move(error));
    }
    found.clear();
  };
  each_list(permissions, 0, look);
  tell();
  if (const std::uint32_t scope = scope_of(*data_, what); scope != 0)
    each_list(permissions, scope, look);
  tell();
  return out;
}

std::uint64_t DecisionTable::id() const noexcept { return data_->id; }

std::size_t DecisionTable::bindings() const noexcept { return data_->binding_count; }

std::size_t DecisionTable::memory() const noexcept { return data_->memory(); }

std::size_t TableData::memory() const noexcept {
  std::size_t bytes = sizeof(*this) + users.memory() + groups.memory() + roles.memory() +
                      unions.memory() + scopes.memory() + text.memory() + bindings.memory() +
                      sets_memory + extra_memory;
  for (const Interner<Word>* words :
       {&verbs, &api_groups, &resources, &names, &exact_paths, &path_prefixes, &namespaces}) {
    bytes += words->memory();
  }
  return bytes;
}

}  // namespace gh::authz::rbac
